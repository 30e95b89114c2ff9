"""The hash by which a replayed request is compared with the first (SHA-256 over the values, not the bytes).

Member order and case, white space, defaults spelt out, nulls, time zones and ways to write an enumeration make no
difference. Members are written by name and defaults left out, so that a member added later changes no stored hash.
"""

from collections.abc import Generator
from hashlib import sha256
from typing import Any, Final

import msgspec

from varsel.intake.shapes.body import breathing
from varsel.intake.wire_future.chain import ChainRequest
from varsel.intake.wire_future.foundation import FutureRequest

_encoder = msgspec.json.Encoder(order="sorted")

_FEW: Final = 16
"""Reminders up to which a request is hashed as a whole; how many there are is a part of what it says."""


async def fingerprint(request: FutureRequest) -> bytes:
    """Return the 32 bytes; a request with many reminders is hashed in turns with others."""
    if not isinstance(request, ChainRequest) or len(request.reminders) <= _FEW:
        return sha256(_encoder.encode(request)).digest()
    digest = sha256(_encoder.encode(msgspec.structs.replace(request, reminders=())))
    await breathing(_add_reminders(request, digest))
    return digest.digest()


def _add_reminders(request: ChainRequest, digest: Any) -> Generator[None, None, None]:
    for reminder in request.reminders:
        digest.update(_encoder.encode(reminder))
        yield
