"""The HTTP interface, joined from its parts."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from starlette.types import ASGIApp

from varsel.assembly.options import assumed_after, intake_options
from varsel.assembly.providers import Outside
from varsel.assembly.stores import Stores
from varsel.channels.sms_link import BasicCredentials
from varsel.intake.app import Extras, make_app
from varsel.intake.bodies import Bodies
from varsel.intake.counters import Counters
from varsel.intake.credentials import Gatekeeper, LocalIssuer
from varsel.intake.health import Health
from varsel.intake.inbox import Inbox
from varsel.intake.services import Services
from varsel.intake.sms_reports import SmsReports
from varsel.intake.triggers import Errand, TriggerAccess, Triggers
from varsel.model.clock import Clock
from varsel.model.lanes import Lane
from varsel.settings import Settings
from varsel.storage import probe
from varsel.storage.migrate import check as check_schema
from varsel.storage.pool import Pool
from varsel.workers.crew import Crew
from varsel.workers.hints import Hints
from varsel.workers.instant import DispatchInstant, InstantOptions

_LONGEST_ERRAND = timedelta(seconds=60)
"""How long the trigger of due orders goes on at most (api.md 3.17)."""
_SHARE_OF_A_REQUEST = 0.9
"""Part of a request's time that an errand may take, so that its answer comes before the request is given up."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What answers requests, and what may still be under way when the last one is answered."""

    app: ASGIApp
    stores: Stores
    crew: Crew

    async def settle_down(self, *, within: timedelta) -> None:
        """Let finish what requests have begun; what takes longer is broken off, and taken up or decided later."""
        await asyncio.gather(self.stores.settle_down(within=within), self._stop_crew(within))

    async def _stop_crew(self, patience: timedelta) -> None:
        """End what triggers have begun; a crew that works is told the same, by whoever lets it work."""
        with suppress(TimeoutError):  # leases that run out tell others what is left
            async with asyncio.timeout(patience.total_seconds()):
                await self.crew.stop()


def interface(
    settings: Settings,
    pool: Pool,
    clock: Clock,
    hints: Hints,
    outside: Outside,
    gatekeeper: Gatekeeper,
    issuer: LocalIssuer | None,
    crew: Crew,
    history: Callable[[], str | None],
) -> Interface:
    """Make the application that answers requests; `history` as in `Services`."""
    dispatch = _dispatch(settings, pool, clock, outside)
    stores = Stores(pool, clock, hints, dispatch, batch=settings.intake_batch, patience=settings.instant_wait)
    services = Services(
        pool=pool,
        clock=clock,
        directory=outside.directory,
        bodies=_bodies(settings),
        store=stores.store,
        read_state=stores.read_state,
        find_chain=stores.find_chain,
        store_chain=stores.store_chain,
        dispatch=stores.dispatch,
        read_shipment=stores.read_shipment,
        history=history,
        options=intake_options(settings),
    )
    extras = Extras(
        health=_health(pool, gatekeeper),
        sms_reports=_sms_reports(settings, pool, clock, hints, services.counters),
        triggers=_triggers(settings, hints, crew),
        inbox=Inbox(pool) if settings.sandbox_inbox else None,
        issuer=issuer,
        describe=settings.swagger,
        count=settings.metrics,
    )
    return Interface(make_app(services, gatekeeper, extras), stores, crew)


def _health(pool: Pool, gatekeeper: Gatekeeper) -> Health:
    return Health(
        {
            "database": partial(probe.write, pool),
            "schema": partial(check_schema, pool),
            "token keys": gatekeeper.check,
        }
    )


def _bodies(settings: Settings) -> Bodies:
    return Bodies(largest=settings.http_max_body, big=settings.http_big_body, at_once=settings.http_max_big_bodies)


def _dispatch(settings: Settings, pool: Pool, clock: Clock, outside: Outside) -> DispatchInstant:
    options = InstantOptions(
        grace=settings.expiry_grace,
        lifetime=settings.notification_lifetime,
        assume_delivered_after=assumed_after(settings, outside.email),
        retry_delays=settings.instant_retry_after,
        patience=settings.instant_wait,
    )
    return DispatchInstant(pool, clock, outside.email, outside.sms, options)


def _triggers(settings: Settings, hints: Hints, crew: Crew) -> Triggers:
    """Map the names of the triggers to the nudges of the workers they stand for, and to errands (api.md 3.17)."""
    lanes = hints.lanes

    def email() -> None:
        lanes[Lane.Email].give()
        lanes[Lane.Composed].give()

    key = settings.trigger_key.reveal if settings.trigger_key else None
    return Triggers(
        TriggerAccess(key, settings.trigger_networks or ()),
        {
            "sendemail": email,
            "sendsmsanytime": lanes[Lane.SmsAnytime].give,
            "sendsmsdaytime": lanes[Lane.SmsDaytime].give,
            "sendsms": lanes[Lane.SmsDaytime].give,
        },
        {
            "pastdueorders": Errand(crew.process_due),
            "terminateexpirednotifications": Errand(
                crew.housekeeping.settle_expired, "Expired notifications could not be terminated."
            ),
            "deleteoldstatusfeedrecords": Errand(
                crew.housekeeping.forget_feed_entries, "Old status feed records could not be deleted."
            ),
        },
        longest=min(_LONGEST_ERRAND, settings.http_request_timeout * _SHARE_OF_A_REQUEST),
    )


def _sms_reports(settings: Settings, pool: Pool, clock: Clock, hints: Hints, counters: Counters) -> SmsReports:
    known = [
        (settings.sms_report_username, settings.sms_report_password),
        (settings.sms_report_previous_username, settings.sms_report_previous_password),
    ]
    credentials = BasicCredentials((user, password.reveal()) for user, password in known if user and password)
    return SmsReports(pool, clock, credentials, hints.reports_kept, counters, strict_states=settings.link_strict_states)
