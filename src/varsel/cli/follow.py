"""Orders of the demo: posting them, and reading how far they are."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from varsel.cli.screen import Screen
from varsel.errors import VarselError
from varsel.model.results import FACTS, Stage

_BASE = "/notifications/api/v1/"
_BETWEEN_LOOKS = 0.2
_NOT_FINAL = frozenset(facts.name for facts in FACTS.values() if facts.stage is not Stage.Final)
_HEADING = ("order", "id", "processing", "messages")


@dataclass(slots=True)
class Followed:
    """A posted order and what was last read of it: its status, and the result names of its messages by channel."""

    title: str
    order_id: str
    status: str = "Registered"
    results: dict[str, list[str]] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether messages were made and all of them have a final result."""
        return any(self.results.values()) and not any(map(_open_results, self.results.values()))

    @property
    def waits_with_sms(self) -> bool:
        """Whether nothing is open but SMS that were not tried yet."""
        open_sms = _open_results(self.results.get("sms", []))
        return open_sms == {"New"} and not _open_results(self.results.get("email", []))

    def row(self) -> tuple[str, ...]:
        """Return the order as a row of the table."""
        counts = [
            f"{count} {channel} {name}"
            for channel, names in self.results.items()
            for name, count in sorted(Counter(names).items())
        ]
        return (self.title, self.order_id, self.status, ", ".join(counts) or "-")


def _open_results(names: list[str]) -> frozenset[str]:
    return _NOT_FINAL.intersection(names)


class OrdersClient:
    """The three calls of the interface that the demo needs; a failure raises `VarselError` with what to do."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, title: str, path: str, body: dict[str, object]) -> Followed:
        """Post an order; `path` is below the interface's base path."""
        return Followed(title, self._call("POST", path, json=body)["orderId"])

    def look(self, order: Followed) -> None:
        """Read how far `order` is."""
        path = f"orders/{order.order_id}"
        order.status = self._call("GET", f"{path}/status")["processingStatus"]["status"]
        for channel in ("email", "sms"):
            summary = self._call("GET", f"{path}/notifications/{channel}")
            order.results[channel] = [each["sendStatus"]["status"] for each in summary["notifications"]]

    def _call(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._client.request(method, _BASE + path, **more)
        except httpx.TransportError:
            where = self._client.base_url
            raise VarselError(f"nothing answers at {where}; start it with: varsel serve") from None
        if not answer.is_success:
            raise VarselError(f"{method} {path} was answered {answer.status_code}: {_reason(answer)}")
        return answer.json()


def _reason(answer: httpx.Response) -> str:
    known = {
        401: "the token is not accepted; use the VARSEL_DATA_DIR of the service, or --token",
        403: "the token has no organisation or lacks the scope to create orders",
        404: "this is no installation of Varsel, or the order belongs to somebody else",
    }
    return known.get(answer.status_code) or answer.text[:1000] or "no reason was given; see the service's log"


def follow(
    orders: OrdersClient,
    followed: Sequence[Followed],
    screen: Screen,
    done: Callable[[Followed], bool],
    patience: timedelta,
    pause: Callable[[float], object] = time.sleep,
) -> bool:
    """Show the orders until all of them are `done` (True) or `patience` is over (False)."""
    end = time.monotonic() + patience.total_seconds()
    while True:
        for order in followed:
            orders.look(order)
        screen.show(_HEADING, [order.row() for order in followed])
        if all(map(done, followed)):
            return True
        if time.monotonic() >= end:
            return False
        pause(_BETWEEN_LOOKS)
