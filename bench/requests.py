"""The requests a benchmark sends, as bytes made beforehand (api.md 3.3, 3.5 and 3.7)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle

BASE = "/notifications/api/v1"
MARK = "00000000"
"""Stands where each request made from a pattern has its own number."""

_NUMBER = b"%08d"

_SENTENCE = "The authority has written to you. Log in to read the letter and answer before the date it names. "
LETTER = (_SENTENCE * 9)[:780]
"""Makes an e-mail order of about 1 KB."""


def get(path: str, token: str) -> bytes:
    """Return a GET request for `path` below the API's base."""
    return _head("GET", path, token) + b"\r\n"


def post(path: str, token: str, body: bytes) -> bytes:
    """Return a POST request with a JSON body for `path` below the API's base."""
    return b"%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        _head("POST", path, token),
        len(body),
        body,
    )


def _head(method: str, path: str, token: str) -> bytes:
    return f"{method} {BASE}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n".encode()


def email_order(recipients: Sequence[str], subject: str, send_time: datetime | None = None) -> bytes:
    """Return the body of a v1 e-mail order; without `send_time` it is due at once."""
    order: dict[str, object] = {
        "sendersReference": f"case-{subject}",
        "recipients": [{"emailAddress": address} for address in recipients],
        "subject": f"A new letter, {subject}",
        "body": LETTER,
        "contentType": "Plain",
    }
    if send_time is not None:
        order["requestedSendTime"] = send_time.isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps(order).encode()


def in_a_month() -> datetime:
    """Return a send time far enough away that only accepting is measured."""
    return datetime.now(UTC) + timedelta(days=30)


def email_orders(token: str, numbers: Iterable[int], send_time: datetime | None = None) -> Iterator[bytes]:
    """Return endless single-recipient e-mail orders, each with its own recipient, subject and reference."""
    body = email_order([f"recipient-{MARK}@example.com"], MARK, send_time)
    return numbered(post("/orders/email", token, body), numbers)


def numbered(pattern: bytes, numbers: Iterable[int]) -> Iterator[bytes]:
    """Yield `pattern` with each of the numbers, in eight digits, wherever it has `MARK`."""
    pieces = pattern.split(MARK.encode())
    for number in numbers:
        yield (_NUMBER % number).join(pieces)


def status_reads(token: str, order_ids: Sequence[str]) -> Iterator[bytes]:
    """Yield status requests going round `order_ids` for ever."""
    before, after = get(f"/orders/{MARK}/status", token).split(MARK.encode())
    for order_id in cycle([identifier.encode() for identifier in order_ids]):
        yield before + order_id + after


def addresses(amount: int, first: int = 0) -> list[str]:
    """Return `amount` distinct e-mail addresses."""
    return [f"recipient-{number:08d}@example.com" for number in range(first, first + amount)]


def numbering() -> Iterator[int]:
    """Count from one; a scenario draws all its numbers from one such counter, so nothing is sent twice."""
    return count(1)
