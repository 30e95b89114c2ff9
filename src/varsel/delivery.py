"""What follows from an outcome, a report or the passing of time: the next result, another try, or the end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from varsel.model.results import DELIVERED, Result, Stage
from varsel.model.states import result_may_follow

Source = Literal["send", "report", "sweep"]
"""Who says it: our own hand-over, the provider afterwards, or our clock."""


def next_result(current: Result, assumed: bool, incoming: Result, source: Source) -> Result | None:
    """Return the result to store, or None to keep `current`. Results only move forward (design.md 2.4).

    `assumed` says that the current Delivered rests on no report (integrations.md 8). A report that confirms it comes
    back as Delivered again: what was assumed is now known. Of two final results the first known one stays.
    """
    if incoming is Result.EMAIL_FAILED_TRANSIENT_ERROR:
        incoming = Result.EMAIL_NEW  # a transport value only: the e-mail is tried again (processing.md 5.1)
    if assumed and incoming is current and source == "report":
        return incoming
    if not result_may_follow(current, incoming) or not _may_say(source, current, assumed, incoming):
        return None
    return incoming


def _may_say(source: Source, current: Result, assumed: bool, incoming: Result) -> bool:
    """Tell whether `source` knows enough for a step that is legal as such."""
    if current.facts.stage is Stage.Final:
        knows_better = assumed or current is not DELIVERED[current.facts.channel]
        return source != "sweep" and knows_better
    if source == "report":
        return incoming.facts.stage in (Stage.HandedOver, Stage.Final)
    if source == "sweep" and incoming is DELIVERED[incoming.facts.channel]:
        return current.facts.stage is Stage.HandedOver
    return True


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this instant."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Expired:
    """The next try would come too late: the notification ends as Failed_TTL."""


def after_transient(
    *, now: datetime, expiry: datetime, pause: timedelta, retry_after: timedelta | None = None
) -> RetryAt | Expired:
    """Decide what follows when a message was certainly not taken.

    `pause` is our own, grown with the attempts (`schedule.stepped_pause`); the provider's own wish goes before it.
    """
    at = now + (pause if retry_after is None else retry_after)
    return RetryAt(at) if at < expiry else Expired()
