"""Orders of the demo: posting them, and reading how far they are."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from varsel.cli.screen import Screen
from varsel.errors import VarselError
from varsel.model.results import FACTS, Stage

_BASE = "/notifications/api/v1/future/"
_BETWEEN_LOOKS = 0.2
_STAGES = {facts.wire_name: facts.stage for facts in FACTS.values()}
_HEADING = ("order", "shipment", "status", "messages")


@dataclass(slots=True)
class Followed:
    """A posted order and what was last read of its shipment: its status, and the results of its messages."""

    title: str
    shipment_id: str
    status: str = "Order_Registered"
    results: list[str] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether messages were made and all of them have a final result."""
        return self._all_reached(Stage.Final)

    @property
    def handed_over(self) -> bool:
        """Whether messages were made and a provider has taken, or finally refused, all of them."""
        return self._all_reached(Stage.HandedOver)

    def _all_reached(self, stage: Stage) -> bool:
        return bool(self.results) and all(_STAGES.get(name, Stage.Final) >= stage for name in self.results)

    def row(self) -> tuple[str, ...]:
        """Return the order as a row of the table."""
        counts = [f"{count} {name}" for name, count in sorted(Counter(self.results).items())]
        return (self.title, self.shipment_id, self.status, ", ".join(counts) or "-")


class ShipmentsClient:
    """The two calls of the interface that the demo needs; a failure raises `VarselError` with what to do."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, title: str, recipient: dict[str, Any]) -> Followed:
        """Post an order to `recipient`, with an idempotency id of its own."""
        body = {"idempotencyId": f"demo-{uuid4()}", "sendersReference": "demo", "recipient": recipient}
        return Followed(title, self._call("POST", "orders", json=body)["notification"]["shipmentId"])

    def look(self, order: Followed) -> None:
        """Read how far `order` is."""
        shipment = self._call("GET", f"shipment/{order.shipment_id}")
        order.status = shipment["status"]
        order.results = [recipient["status"] for recipient in shipment["recipients"]]

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
        404: "this is not an installation of Varsel, or the order belongs to another organisation",
    }
    return known.get(answer.status_code) or answer.text[:1000] or "no reason was given; see the service's log"


def follow(
    shipments: ShipmentsClient,
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
            shipments.look(order)
        screen.show(_HEADING, [order.row() for order in followed])
        if all(map(done, followed)):
            return True
        if time.monotonic() >= end:
            return False
        pause(_BETWEEN_LOOKS)
