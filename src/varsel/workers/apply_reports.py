"""Applying delivery reports: what arrived is matched, judged and recorded in sets (processing.md 6, W4, W12, W20)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from varsel import delivery
from varsel.model.clock import Clock
from varsel.model.results import Result, Stage
from varsel.storage import notifications, reports
from varsel.storage.notifications import OpenNotification, Settlement, Step
from varsel.storage.pool import Connection, Pool
from varsel.storage.reports import ClaimedReport, Conclusion
from varsel.storage.transactions import in_transaction

_log = logging.getLogger(__name__)

APPLIED = "applied"
SUPERSEDED = "superseded"
NO_CHANGE = "no change"
UNMATCHED = "unmatched"

_CORRECTED = "corrected by a delivery report"


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
        """Apply one set of reports; True when there may be more."""
        return await in_transaction(self._pool, self._apply_next)

    async def _apply_next(self, connection: Connection) -> bool:
        now = self._clock.now()
        claimed = await reports.claim(
            connection, now=now, lease_until=now + self._options.lease, limit=self._options.at_once
        )
        if claimed:
            await self._apply(connection, claimed, now)
        return len(claimed) == self._options.at_once

    async def _apply(self, connection: Connection, claimed: Sequence[ClaimedReport], now: datetime) -> None:
        found = await notifications.by_id_or_reference(
            connection,
            [report.notification_id for report in claimed if report.notification_id is not None],
            [report.reference for report in claimed if report.reference is not None],
        )
        judged = _judge(claimed, _Index(found))
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


@dataclass(slots=True)
class _Judged:
    """The steps to take, which report decided each, and whom every report speaks of."""

    steps: dict[UUID, Settlement]
    deciding: set[UUID]
    matches: dict[UUID, UUID]


class _Index:
    """Notifications by what a report may name them by; a report only speaks of its own channel."""

    def __init__(self, found: Sequence[OpenNotification]) -> None:
        self._by_id: Mapping[UUID, OpenNotification] = {n.id: n for n in found}
        self._by_reference = {(n.channel, n.reference): n for n in found}

    def match(self, report: ClaimedReport) -> OpenNotification | None:
        """Find the notification a report speaks of; an id says it before a reference does."""
        by_id = self._by_id.get(report.notification_id) if report.notification_id is not None else None
        by_reference = self._by_reference.get((report.channel, report.reference)) if report.reference else None
        match = by_id or by_reference
        return match if match is not None and match.channel is report.channel else None


def _judge(claimed: Sequence[ClaimedReport], index: _Index) -> _Judged:
    """Decide report after report in order of arrival; the first final result of a notification stays."""
    judged = _Judged({}, set(), {})
    for report in sorted(claimed, key=lambda report: (report.received, report.id)):
        notification = index.match(report)
        if notification is None:
            continue
        judged.matches[report.id] = notification.id
        if report.result is None:
            continue
        earlier = judged.steps.get(notification.id)
        current, assumed = (earlier.step.result, False) if earlier else (notification.result, notification.assumed)
        result = delivery.next_result(current, assumed, report.result, "report")
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
