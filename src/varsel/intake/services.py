"""What the endpoints work with, handed in by assembly."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from varsel.contacts.protocol import Directory
from varsel.errors import VarselError
from varsel.intake.bodies import Bodies
from varsel.intake.counters import Counters
from varsel.model.chains import Chain
from varsel.model.clock import Clock
from varsel.model.orders import Order
from varsel.orders.senders import SenderRules
from varsel.storage.chains import Key, KnownChain
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool
from varsel.storage.shipments import ShipmentState

FEW_LINES: Final = 1_000
"""Notifications of a shipment that are read and written in one go."""


class NotHandedOver(VarselError):
    """The provider did not take an instant message, or nobody knows whether it did (NOT-00004)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeOptions:
    """What an operator may set about the interface."""

    base_uri: str
    """Begins every link; without a slash at its end."""
    default_email_from: str
    default_sms_sender: str
    cancel_closes_before: timedelta
    max_body_bytes: int
    feed_page_size: int
    """Most entries of the status feed in one answer."""
    attachment_hosts: Sequence[str]
    """Host names, or endings of such that begin with a dot, where attachments may lie."""
    count_user_contacts: bool
    """Whether contacts registered by users are looked up when an order is placed (processing.md 2.4)."""
    request_timeout: timedelta
    """Longest time one request may take, the arrival of its body included."""
    contact: str | None
    """E-mail address where callers get help."""
    senders: SenderRules
    """Which senders each creator may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts an endpoint may use. Requests that wait at the same moment share one commit and one read."""

    pool: Pool
    clock: Clock
    directory: Directory
    bodies: Bodies
    store: Callable[[Order], Awaitable[None]]
    """Store an order durably and wake whoever processes it."""
    read_state: Callable[[tuple[UUID, str]], Awaitable[OrderState | None]]
    """Read the state of the order (id, creator)."""
    find_chain: Callable[[Key], Awaitable[KnownChain | None]]
    """Read the chain with an idempotency id; none of the instant family, which may let go of its id."""
    store_chain: Callable[[Chain], Awaitable[KnownChain | None]]
    """Store a chain durably and wake whoever processes it; or return the earlier one with its idempotency id."""
    dispatch: Callable[[Chain], Awaitable[KnownChain | None]]
    """Store an instant chain and hand its message over; or return the earlier one. Raises `NotHandedOver`."""
    read_shipment: Callable[[tuple[UUID, str]], Awaitable[ShipmentState | None]]
    """Read the shipment (id, creator), its lines with it where there are no more than `FEW_LINES`."""
    history: Callable[[], str | None]
    """Tells which history of the database is current; what was committed in another may be lost."""
    options: IntakeOptions
    counters: Counters = field(default_factory=Counters)
