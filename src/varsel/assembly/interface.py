"""The HTTP interface, joined from its parts."""

from uuid import UUID

from starlette.types import ASGIApp

from varsel.assembly.options import intake_options
from varsel.assembly.providers import Outside
from varsel.channels.sms_link import BasicCredentials
from varsel.intake.app import Extras, make_app
from varsel.intake.credentials import Gatekeeper, LocalIssuer
from varsel.intake.inbox import Inbox
from varsel.intake.services import Services
from varsel.intake.sms_reports import SmsReports
from varsel.model.clock import Clock
from varsel.model.orders import Order
from varsel.settings import Settings
from varsel.storage import orders
from varsel.storage.gather import Gatherer
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool
from varsel.workers.hints import Hints


def interface(
    settings: Settings,
    pool: Pool,
    clock: Clock,
    hints: Hints,
    outside: Outside,
    gatekeeper: Gatekeeper,
    issuer: LocalIssuer | None,
) -> ASGIApp:
    """Make the application that answers requests."""
    services = Services(
        pool=pool,
        clock=clock,
        directory=outside.directory,
        store=_Store(settings, pool, clock, hints),
        read_state=_state_reader(settings, pool),
        options=intake_options(settings),
    )
    extras = Extras(
        sms_reports=_sms_reports(settings, pool, clock, hints),
        inbox=Inbox(pool) if settings.sandbox_inbox else None,
        issuer=issuer,
        describe=settings.swagger,
    )
    return make_app(services, gatekeeper, extras)


class _Store:
    """Stores an order durably, in one commit with whatever else waits, and wakes the workers of this process."""

    def __init__(self, settings: Settings, pool: Pool, clock: Clock, hints: Hints) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._together = Gatherer[Order, None](self._flush, cap=settings.intake_batch)

    async def __call__(self, order: Order) -> None:
        large = len(order.recipients) > 1
        if large:
            await orders.insert_large(self._pool, order)
        else:
            await self._together(order)
        if order.requested_send_time <= self._clock.now():
            self._hints.orders_stored(large=large)

    async def _flush(self, batch: list[Order]) -> list[None]:
        await orders.insert_many(self._pool, batch)
        return [None] * len(batch)


def _state_reader(settings: Settings, pool: Pool) -> Gatherer[tuple[UUID, str], OrderState | None]:
    async def flush(asked: list[tuple[UUID, str]]) -> list[OrderState | None]:
        return await orders.statuses(pool, asked)

    return Gatherer(flush, cap=settings.intake_batch)


def _sms_reports(settings: Settings, pool: Pool, clock: Clock, hints: Hints) -> SmsReports:
    known = [
        (settings.sms_report_username, settings.sms_report_password),
        (settings.sms_report_previous_username, settings.sms_report_previous_password),
    ]
    credentials = BasicCredentials((user, password.reveal()) for user, password in known if user and password)
    return SmsReports(pool, clock, credentials, hints.reports_kept, strict_states=settings.link_strict_states)
