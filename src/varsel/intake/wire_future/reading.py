"""Reading the bodies of the newer interface's POST endpoints: both phases of validation (api.md 1.6 and 1.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from varsel.intake.shapes import Decoding, read_and_check
from varsel.intake.shapes.body import LARGEST_BODY, Chunks
from varsel.intake.wire_future.foundation import AZURE_BLOBS, Circumstances, FutureRequest
from varsel.orders.senders import ANY_SENDER, AllowedSenders

R = TypeVar("R", bound=FutureRequest)


async def read_request(
    shape: type[R],
    body: Chunks,
    now: datetime,
    decoder: Decoding | None = None,
    *,
    attachment_hosts: Sequence[str] = AZURE_BLOBS,
    largest: int = LARGEST_BODY,
    senders: AllowedSenders = ANY_SENDER,
) -> R:
    """Read a body and hold it to all rules.

    `body` is the bytes or the stream of the request, `decoder` comes from `shapes.decoder_for`, `largest` counts bytes.
    `attachment_hosts` are host names in lower case, or endings of such that begin with a dot; `senders` are
    those the creator may use. Raises `Invalid` with
    the errors of the 400 document, and `BodyTooLarge`.
    """

    def circumstances(request: R) -> Circumstances:
        return Circumstances(now, request.send_time(now), attachment_hosts, senders)

    return await read_and_check(shape, body, shape.parameter, circumstances, decoder, largest)
