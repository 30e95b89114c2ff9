"""Applying delivery reports: what arrived is matched, judged and recorded in sets (processing.md 6, W4, W12, W20)."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from varsel import delivery
from varsel.model.clock import Clock
from varsel.model.results import Result, Stage
from varsel.storage import notifications, reports
from varsel.storage.notifications import Named, OpenNotification, Settlement, Step
from varsel.storage.outages import is_outage
from varsel.storage.pool import Connection, Pool
from varsel.storage.reports import ClaimedReport, Conclusion
from varsel.storage.transactions import in_transaction

_log = logging.getLogger(__name__)

APPLIED = "applied"
SUPERSEDED = "superseded"
NO_CHANGE = "no change"
UNMATCHED = "unmatched"

_CORRECTED = "corrected by a delivery report"
_MOST_OF_A_NAME = 100
"""Notifications with one reference that are looked at, the newest; a gateway that uses one again does so rarely."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What an operator may set about delivery reports."""

    lease: timedelta
    at_once: int
    first_pause: timedelta
    """First wait of a report whose notification is not known yet; it doubles each time."""
    give_up_after: timedelta
    """Age at which a report that never found its notification is left alone, kept for inspection."""


class ApplyReports:
    """Moves kept delivery reports onto the notifications they speak of."""

    def __init__(self, pool: Pool, clock: Clock, options: ReportOptions) -> None:
        self._pool = pool
        self._clock = clock
        self._options = options

    async def run_once(self) -> bool:
        """Apply one set of reports; True when there may be more.

        Where the set cannot be recorded each report is applied alone, so that one does not stop the others.
        """
        try:
            return await in_transaction(self._pool, self._apply_next)
        except Exception as error:
            if is_outage(error):
                raise
            _log.error("delivery reports could not be applied together (%s)", type(error).__name__)
        return await self._apply_apart()

    async def _apply_apart(self) -> bool:
        now = self._clock.now()
        claimed = await in_transaction(self._pool, partial(self._claim, now=now))
        for report in claimed:
            try:
                await in_transaction(self._pool, partial(self._apply, claimed=[report], now=now))
            except Exception as error:
                if is_outage(error):
                    raise
                _log.error("delivery report %s could not be applied (%s)", report.id, type(error).__name__)
        return len(claimed) == self._options.at_once

    async def _claim(self, connection: Connection, now: datetime) -> Sequence[ClaimedReport]:
        """Take a set of reports; those that are not applied are claimable again when the lease is over."""
        return await reports.claim(
            connection, now=now, lease_until=now + self._options.lease, limit=self._options.at_once
        )

    async def _apply_next(self, connection: Connection) -> bool:
        now = self._clock.now()
        claimed = await self._claim(connection, now)
        if claimed:
            await self._apply(connection, claimed, now)
        return len(claimed) == self._options.at_once

    async def _apply(self, connection: Connection, claimed: Sequence[ClaimedReport], now: datetime) -> None:
        by_id = {report.notification_id for report in claimed if report.notification_id is not None}
        by_name = {name for report in claimed if (name := _name(report)) is not None}
        index = _Index(
            await notifications.by_ids(connection, list(by_id)) if by_id else [],
            await notifications.by_references(connection, list(by_name), most=_MOST_OF_A_NAME) if by_name else {},
        )
        judged = _judge(claimed, index)
        written = await notifications.settle(connection, judged.steps.values(), now=now)
        await reports.conclude(connection, [self._conclude(report, judged, written, now) for report in claimed])

    def _conclude(self, report: ClaimedReport, judged: "_Judged", written: set[UUID], now: datetime) -> Conclusion:
        notification_id = judged.matches.get(report.id)
        if notification_id is None:
            return self._wait(report, now)
        if report.id not in judged.deciding:
            outcome = NO_CHANGE if report.result is None else SUPERSEDED
            return Conclusion(report.id, outcome, notification_id)
        if notification_id not in written:
            return Conclusion(report.id, None, notification_id, due=now)  # the row moved on meanwhile: judge anew
        return Conclusion(report.id, APPLIED, notification_id)

    def _wait(self, report: ClaimedReport, now: datetime) -> Conclusion:
        give_up = report.received + self._options.give_up_after
        if now >= give_up:
            _log.warning("a delivery report of %s never found its notification", report.channel.name)
            return Conclusion(report.id, UNMATCHED)
        pause = self._options.first_pause * 2 ** min(report.attempts - 1, 16)
        return Conclusion(report.id, None, due=min(now + pause, give_up))


def _name(report: ClaimedReport) -> Named | None:
    return Named(report.channel, report.provider, report.reference) if report.reference else None


@dataclass(slots=True)
class _Judged:
    """The steps to take, which report decided each, and the notification that each report is about."""

    steps: dict[UUID, Settlement] = field(default_factory=dict)
    deciding: set[UUID] = field(default_factory=set)
    matches: dict[UUID, UUID] = field(default_factory=dict)

    def state(self, notification: OpenNotification) -> tuple[Result, bool]:
        """Return the result with the steps decided so far, and whether it is only assumed."""
        earlier = self.steps.get(notification.id)
        return (earlier.step.result, False) if earlier else (notification.result, notification.assumed)


class _Index:
    """Notifications by what a report may name them by; a report only speaks of its own channel."""

    def __init__(self, found: Iterable[OpenNotification], named: Mapping[Named, Sequence[OpenNotification]]) -> None:
        self._by_id = {n.id: n for n in found}
        self._named = named

    def match(self, report: ClaimedReport, judged: _Judged) -> OpenNotification | None:
        """Find the notification that a report speaks of; an id says it before a reference does.

        Of several with one reference it is the newest that is still open, else the newest whose delivery is only
        assumed, else the newest.
        """
        by_id = self._by_id.get(report.notification_id) if report.notification_id is not None else None
        if by_id is not None:
            return by_id if by_id.channel is report.channel else None
        name = _name(report)
        candidates = self._named.get(name, ()) if name is not None else ()
        if len(candidates) == 1:  # as nearly always
            return candidates[0]
        return min(candidates, key=lambda candidate: _settledness(*judged.state(candidate)), default=None)


def _settledness(result: Result, assumed: bool) -> int:
    """Order notifications by how much a report can still tell of them: open, assumed, final."""
    if result.facts.stage is not Stage.Final:
        return 0
    return 1 if assumed else 2


def _judge(claimed: Sequence[ClaimedReport], index: _Index) -> _Judged:
    """Decide report after report in order of arrival; the first final result of a notification stays."""
    judged = _Judged()
    for report in sorted(claimed, key=lambda report: (report.received, report.id)):
        notification = index.match(report, judged)
        if notification is None:
            continue
        judged.matches[report.id] = notification.id
        if report.result is None:
            continue
        result = delivery.next_result(*judged.state(notification), report.result, "report")
        if result is not None:
            judged.steps[notification.id] = _settlement(notification, result)
            judged.deciding.add(report.id)
    return judged


def _settlement(notification: OpenNotification, result: Result) -> Settlement:
    corrected = notification.result.facts.stage is Stage.Final
    step = Step(
        notification.result,
        result,
        notification.attempts,
        detail=_CORRECTED if corrected else None,  # what stood there spoke of the result that was only supposed
        was_assumed=notification.assumed,
    )
    return Settlement(notification.id, step)
