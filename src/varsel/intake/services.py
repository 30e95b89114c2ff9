"""What the endpoints work with, handed in by assembly."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from varsel.contacts.protocol import Directory
from varsel.model.clock import Clock
from varsel.model.orders import Order
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeOptions:
    """What an operator may set about the interface."""

    base_uri: str
    """Begins every link; without a slash at its end."""
    default_email_from: str
    default_sms_sender: str
    cancel_closes_before: timedelta
    max_body_bytes: int
    big_body_bytes: int
    """A body at least this large waits for a place, so that few of them are read at once."""
    big_bodies_at_once: int
    request_timeout: timedelta
    """Longest time one request may take, the arrival of its body included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts an endpoint may use. Requests that wait at the same moment share one commit and one read."""

    pool: Pool
    clock: Clock
    directory: Directory
    store: Callable[[Order], Awaitable[None]]
    """Store an order durably and wake whoever processes it."""
    read_state: Callable[[tuple[UUID, str]], Awaitable[OrderState | None]]
    """Read the state of the order (id, creator)."""
    options: IntakeOptions
