"""Shipments: an order and what became of its notifications, read together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from varsel.model.orders import OrderStatus, OrderType
from varsel.model.results import Result
from varsel.storage import queries
from varsel.storage.numbers import ORDER_STATUSES, ORDER_TYPES, RESULTS
from varsel.storage.pool import Pool

_SQL = queries.load("shipments")


class Line(NamedTuple):
    """One notification of a shipment; `result` says Sending while a provider is being called."""

    address: str
    result: Result
    result_time: datetime


@dataclass(slots=True)
class ShipmentState:
    """An order as a shipment; `size` counts its notifications, and `lines` are all of them where they are few."""

    id: UUID
    senders_reference: str | None
    type: OrderType
    status: OrderStatus
    last_update: datetime
    size: int
    lines: list[Line] = field(default_factory=list)


async def states(pool: Pool, asked: Sequence[tuple[UUID, str]], *, few: int) -> list[ShipmentState | None]:
    """Read the shipments asked for as (id, creator), in that order; None where there is none to see.

    One with more than `few` notifications comes without lines.
    """
    distinct = dict.fromkeys(asked)
    rows = await pool.fetch(
        *_SQL["states"].of(
            order_ids=[order_id for order_id, _ in distinct],
            creators=[creator for _, creator in distinct],
            email_new=Result.EMAIL_NEW,
            email_sending=Result.EMAIL_SENDING,
            sms_new=Result.SMS_NEW,
            sms_sending=Result.SMS_SENDING,
            few=few,
        )
    )
    found: dict[tuple[UUID, str], ShipmentState] = {}
    for order_id, creator, reference, order_type, status, last_update, size, address, result, result_time in rows:
        state = found.get((order_id, creator))
        if state is None:
            state = ShipmentState(
                order_id, reference, ORDER_TYPES[order_type], ORDER_STATUSES[status], last_update, size
            )
            found[order_id, creator] = state
        if result is not None:
            state.lines.append(Line(address, RESULTS[result], result_time))
    return [found.get(key) for key in asked]
