"""The hash by which a replayed request is compared with the first (SHA-256 over the values, not the bytes).

Member order and case, white space, defaults spelt out, nulls, time zones and ways to write an enumeration make no
difference. Members are written by name and defaults left out, so that a member added later changes no stored hash.
"""

from hashlib import sha256

import msgspec

from varsel.intake.wire_future.chain import ChainRequest
from varsel.intake.wire_future.foundation import FutureRequest, FutureShape

_encoder = msgspec.json.Encoder(order="sorted")


class Fingerprint:
    """Hashes a request, bit by bit where it is large."""

    def __init__(self, request: FutureRequest) -> None:
        head = msgspec.structs.replace(request, reminders=()) if isinstance(request, ChainRequest) else request
        self._hash = sha256(_encoder.encode(head))

    def add(self, part: FutureShape) -> None:
        """Go on with the next reminder."""
        self._hash.update(_encoder.encode(part))

    def digest(self) -> bytes:
        """Return the 32 bytes."""
        return self._hash.digest()
