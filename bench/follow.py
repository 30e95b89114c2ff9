"""Following orders from outside, through the status document alone (api.md 3.3)."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench.connection import Connection, connected
from bench.errors import BenchError
from bench.requests import email_order, get, post
from bench.service import HOST, Service

POLL_SECONDS = 0.02


class _Counts(msgspec.Struct):
    generated: int = 0
    succeeded: int = 0


class _Summary(msgspec.Struct):
    email: _Counts = msgspec.field(default_factory=_Counts)


class _Status(msgspec.Struct, rename="camel"):
    notifications_status_summary: _Summary = msgspec.field(default_factory=_Summary)


class _Stored(msgspec.Struct, rename="camel"):
    order_id: str


_status = msgspec.json.Decoder(_Status)
_stored = msgspec.json.Decoder(_Stored)


@dataclass(frozen=True, slots=True)
class Followed:
    """How long one order took: until it was accepted, and from then until all of it was handed over."""

    accepting_seconds: float
    handing_over_seconds: float


def order_ids(bodies: Sequence[bytes]) -> list[str]:
    """Read the order ids out of 202 answers."""
    return [_stored.decode(body).order_id for body in bodies]


async def handed_over(
    connection: Connection, service: Service, order_id: str, recipients: int, seconds: float
) -> float:
    """Poll an order until all its e-mails are generated and handed over; return the moment (perf_counter)."""
    request = get(f"/orders/{order_id}/status", service.token)
    deadline = time.perf_counter() + seconds
    while True:
        answer = await connection.ask(request)
        if answer.status != 200:
            raise BenchError(f"reading the status of an order gave {answer.status}")
        counts = _status.decode(answer.body).notifications_status_summary.email
        now = time.perf_counter()
        if counts.generated == counts.succeeded == recipients:
            return now
        if now > deadline:
            raise BenchError(
                f"after {seconds:.0f} s only {counts.succeeded} of {recipients} e-mails were handed over "
                f"({counts.generated} generated)"
            )
        await asyncio.sleep(POLL_SECONDS)


async def send_and_follow(service: Service, recipients: Sequence[str], seconds: float) -> Followed:
    """Post one e-mail order to all `recipients` and follow it, at most `seconds`, until all was handed over."""
    request = post("/orders/email", service.token, email_order(recipients, f"to {len(recipients)}"))
    async with connected(HOST, service.port) as (connection,):
        began = time.perf_counter()
        answer = await connection.ask(request)
        accepted = time.perf_counter()
        if answer.status != 202:
            raise BenchError(f"an order to {len(recipients)} recipients was answered {answer.status}")
        (order_id,) = order_ids([answer.body])
        ended = await handed_over(connection, service, order_id, len(recipients), seconds)
    return Followed(accepted - began, ended - accepted)


async def drained(service: Service, ids: Sequence[str], seconds: float) -> float:
    """Wait until single-recipient orders are handed over; looks at the newest fifty and at fifty others.

    Returns the moment (perf_counter) the last of them was seen done.
    """
    moment = time.perf_counter()
    async with connected(HOST, service.port) as (connection,):
        for order_id in [*ids[-50:], *ids[:: max(1, len(ids) // 50)]]:
            moment = await handed_over(connection, service, order_id, 1, seconds)
    return moment
