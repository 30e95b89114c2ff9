"""Requests about persons who must be looked up, each person in one order only."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from bench.requests import LETTER, MARK, numbered, post

_NUMBER = "10{}0"
"""Makes an identity number of eight digits; the scripted directory knows those that end in an even one."""

MARGIN = timedelta(seconds=10)
"""Longer than a request waits: a send time that has passed on arrival would be refused."""

_WHEN = "2000-01-01T00:00:00Z"
"""Stands for the send time, of which each order has its own."""


class SendTime:
    """When orders are due: all at one moment, by which they should be accepted; later ones soon after they are placed.

    So accepting and processing are measured one after the other where the forecast holds, and nothing fails where it
    does not.
    """

    def __init__(self, seconds: float) -> None:
        self.moment = _now() + max(timedelta(seconds=round(seconds)), MARGIN)

    def of_now(self) -> datetime:
        """Return the send time of an order that is placed now."""
        return max(self.moment, _now() + MARGIN)

    async def come(self) -> None:
        """Wait for the moment."""
        await asyncio.sleep((self.moment - datetime.now(UTC)).total_seconds())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def single_person_chains(token: str, numbers: Iterable[int], send_time: SendTime) -> Iterator[bytes]:
    """Yield chains to one person each, about 1 KB, each with its own idempotency id."""
    person = {
        "nationalIdentityNumber": _NUMBER.format(MARK),
        "channelSchema": "EmailPreferred",
        "emailSettings": {"subject": f"A new letter, {MARK}", "body": LETTER},
        "smsSettings": {"body": "You have a new letter. Log in to read it."},
    }
    body = {
        "idempotencyId": f"case-{MARK}",
        "sendersReference": f"case-{MARK}",
        "requestedSendTime": _WHEN,
        "recipient": {"recipientPerson": person},
    }
    mark = _WHEN.encode()
    for request in numbered(post("/future/orders", token, json.dumps(body).encode()), numbers):
        yield request.replace(mark, _written(send_time.of_now()).encode())


def large_orders(token: str, firsts: Iterable[int], persons: int, send_time: SendTime) -> Iterator[bytes]:
    """Yield v1 orders of SMS, each to so many `persons` numbered from one of `firsts` on."""
    for first in firsts:
        body = {
            "sendersReference": f"case-{first}",
            "requestedSendTime": _written(send_time.of_now()),
            "recipients": [
                {"nationalIdentityNumber": _NUMBER.format(f"{number:08}")} for number in range(first, first + persons)
            ],
            "body": "You have a new letter. Log in to read it.",
        }
        yield post("/orders/sms", token, json.dumps(body).encode())
