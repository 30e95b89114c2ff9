"""Reading bodies in tests without an event loop: reading from memory waits for nothing but its turn."""

from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from varsel.intake.shapes import Invalid, Shape, decoder_for, read_body
from varsel.intake.wire_v1 import Defaults, V1Request, read_order, to_order
from varsel.model.orders import Order

T = TypeVar("T")
S = TypeVar("S", bound=Shape)
R = TypeVar("R", bound=V1Request)

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
ORDER_ID = UUID("6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01")
DEFAULTS = Defaults(from_address="noreply@altinn.cloud", sms_sender="Altinn")


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that only ever lets others have their turn."""
    while True:
        try:
            work.send(None)
        except StopIteration as done:
            result: T = done.value
            return result


def as_body(document: Any) -> bytes:
    """Return a document as a request body; bytes are taken as they are."""
    return document if isinstance(document, bytes) else msgspec.json.encode(document)


def read(shape: type[S], document: Any, content_type: str = "application/json") -> S:
    """Read a body: phase A."""
    return finish(read_body(shape, as_body(document), "request", decoder_for(content_type)))


def read_v1(shape: type[R], document: Any) -> R:
    """Read the body of a v1 order and judge it: phases A and B."""
    return finish(read_order(shape, as_body(document), NOW))


def order_of(shape: type[R], document: Any) -> Order:
    """Return the order a body becomes."""
    return finish(to_order(read_v1(shape, document), order_id=ORDER_ID, creator="ttd", now=NOW, defaults=DEFAULTS))


def errors_of(shape: type[V1Request], document: Any) -> dict[str, list[str]]:
    """Return the errors of a v1 order, none if it is accepted."""
    try:
        read_v1(shape, document)
    except Invalid as invalid:
        return invalid.errors
    return {}


async def in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield a body as a connection would."""
    for start in range(0, len(body), size):
        yield body[start : start + size]
