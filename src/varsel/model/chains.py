"""Chains as values: what one request of the newer interface asks for, and what it is told."""

from datetime import datetime
from enum import IntEnum
from uuid import UUID

import msgspec

from varsel.model.orders import Order


class Family(IntEnum):
    """Endpoints that share their idempotency ids; numbers are those of processing.md 1.1."""

    CHAIN = 0
    INSTANT = 2
    COMPOSED = 3


class DialogAssociation(msgspec.Struct, frozen=True):
    """The dialog that a chain belongs to, as the caller named it; main order and reminders share it."""

    dialog_id: str | None = None
    transmission_id: str | None = None


class Shipment(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One order of a chain, as its caller is told of it."""

    id: UUID
    senders_reference: str | None = None


class Placed(msgspec.Struct, frozen=True):
    """What the caller of a chain is told, at first and at every replay: main order, then reminders."""

    chain_id: UUID
    main: Shipment
    reminders: tuple[Shipment, ...] = ()


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one request asks for, ready to be stored in one commit.

    The orders carry the chain's id. `(creator, idempotency_id, family)` is unique; the id may be of any length.
    `request_hash` (SHA-256) is equal for bodies that mean the same, however they are written.
    """

    id: UUID
    creator: str
    family: Family
    idempotency_id: str
    request_hash: bytes
    created: datetime
    main: Order
    reminders: tuple[Order, ...] = ()
    dialog: DialogAssociation | None = None

    @property
    def orders(self) -> tuple[Order, ...]:
        """The main order and its reminders, in the order of the request."""
        return (self.main, *self.reminders)

    @property
    def placed(self) -> Placed:
        """What its caller is told."""
        return Placed(self.id, _shipment(self.main), tuple(_shipment(reminder) for reminder in self.reminders))


def _shipment(order: Order) -> Shipment:
    return Shipment(order.id, order.senders_reference)
