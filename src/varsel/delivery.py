"""What follows from an outcome, a report or the passing of time: the next result, another try, or the end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from varsel.mechanisms.backoff import lengthened, stepped
from varsel.mechanisms.text import is_storable, storable
from varsel.model.outcomes import Accepted, Outcome, Settled, Transient, Unknown
from varsel.model.results import DELIVERED, FAILED, FAILED_TTL, HANDED_OVER, NEW, Channel, Result, Stage
from varsel.model.states import result_may_follow

LOST = "The outcome of an earlier attempt was lost; it may have been sent before."
LATE = "The provider's answer was recorded after the notification had been decided without it."
_NOT_SENT_AGAIN = "It may have been sent, and is not sent again."

_LONGEST_REFERENCE = 500
"""Characters of a provider's reference. An index entry holds 2,700 bytes, and a character takes up to four."""

_LONGEST_DETAIL = 1_000
"""Characters of a detail. More than a provider needs to say what is wrong."""

_MOST_COUNTED = 32_767
"""The largest number that the columns hold. With pauses of one second that many attempts are made in nine hours."""

Source = Literal["send", "report", "sweep"]
"""Who says it: our own hand-over, the provider afterwards, or our clock."""


def next_result(current: Result, assumed: bool, incoming: Result, source: Source) -> Result | None:
    """Return the result to store, or None to keep `current`. Results only move forward (design.md 2.4).

    `assumed` says that the current result is final but not known: Delivered without a report (integrations.md 8), or
    Failed because no outcome was known. A report that confirms it comes back as the same result again: what was
    assumed is now known. Of two final results the first known one stays.
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
        knows_better = assumed or current is FAILED_TTL[current.facts.channel]
        return source != "sweep" and knows_better
    if source == "report":
        return incoming.facts.stage in (Stage.HandedOver, Stage.Final)
    if source == "sweep" and incoming is DELIVERED[incoming.facts.channel]:
        return current.facts.stage is Stage.HandedOver
    return True


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """What an operator may set about the outcomes of sending."""

    retry_delays: tuple[timedelta, ...]
    """Pauses after the first, second, … attempt that failed; the last one repeats."""
    resend_unknown: bool
    """Whether a notification whose outcome was lost is sent again (possibly twice) or ends as Failed."""
    most_lost: int
    """Lost outcomes of one notification after which it is not sent again: what loses them is likely to go on."""
    assume_at_once: bool = False
    """Whether a message that was taken counts as delivered, because no report will ever say so."""


class Attempts(NamedTuple):
    """What is stored of a notification's attempts: how many were made, and the outcomes of how many were lost."""

    made: int
    lost: int

    def one_more(self, *, lost: bool = False) -> "Attempts":
        """Count another attempt; what cannot be stored as a number is no longer counted."""
        made, before = self
        return Attempts(made + (made < _MOST_COUNTED), before + (lost and before < _MOST_COUNTED))


class Decision(NamedTuple):
    """What becomes of a notification that is being sent; New at `again` when it is to be tried again.

    It may be one for many notifications, so the provider's reference is not a part of it (`kept_reference`).
    """

    result: Result
    attempts: Attempts
    detail: str | None = None
    assumed: bool = False
    """Whether the result is final without being known (see `next_result`)."""
    again: datetime | None = None
    answered: bool = False
    """Whether the provider gave its answer, so that a reference or a report of this provider may follow."""


def before_sending(
    channel: Channel, attempts: Attempts, *, expiry: datetime, doubtful: bool, policy: SendPolicy, now: datetime
) -> Decision | None:
    """Decide what must be recorded before a notification is sent; None when nothing must, and it is sent.

    `doubtful` says that an earlier holder of its lease may have sent it and left no outcome. New means: send it.
    """
    expired = expiry < now
    if not doubtful:
        return Decision(FAILED_TTL[channel], attempts) if expired else None
    attempts = attempts.one_more(lost=True)
    if expired:
        return Decision(FAILED_TTL[channel], attempts, LOST)
    if _may_send_again(attempts, policy):
        return Decision(NEW[channel], attempts, LOST)
    return Decision(FAILED[channel], attempts, LOST, assumed=True)


def after_outcome(
    outcome: Outcome,
    channel: Channel,
    attempts: Attempts,
    *,
    expiry: datetime,
    policy: SendPolicy,
    now: datetime,
    chance: float,
    many: bool = False,
) -> Decision:
    """Decide what an outcome makes of a notification that had made `attempts` before.

    `chance`, a random number from 0 to 1, lengthens a pause, so that what was refused together does not return
    together: by up to the whole pause where `many` are to be tried again, for then the provider cannot keep up;
    otherwise our own by up to a fifth, and one that the provider wished not at all.
    """
    made = attempts.one_more(lost=isinstance(outcome, Unknown))
    match outcome:
        case Accepted():
            assumed = policy.assume_at_once
            return Decision((DELIVERED if assumed else HANDED_OVER)[channel], made, assumed=assumed, answered=True)
        case Settled(result, detail):
            kept = None if detail is None else storable(detail, _LONGEST_DETAIL)
            return Decision(result, made, kept, answered=True)
        case Transient(detail, retry_after, offered=offered):
            pause = _pause(made, retry_after, policy, chance, many=many)
            return _again(channel, made if offered else attempts, detail, pause, expiry, now)
        case Unknown(detail):
            if not _may_send_again(made, policy):
                given_up = f"{storable(detail, _LONGEST_DETAIL)} {_NOT_SENT_AGAIN}"
                return Decision(FAILED[channel], made, given_up, assumed=True)
            pause = _pause(made, None, policy, chance, many=many)
            return _again(channel, made, detail, pause, expiry, now)


def kept_reference(outcome: Outcome) -> str | None:
    """Return what the provider's reports will name the message by, if it said so in a form that can be kept.

    A reference is not cut: a part of it would match nothing, or another message.
    """
    reference = outcome.reference if isinstance(outcome, Accepted | Settled) else None
    return reference if reference is not None and is_storable(reference, _LONGEST_REFERENCE) else None


def after_late_answer(current: Result, assumed: bool, answer: Decision) -> Decision | None:
    """Decide what an answer changes that comes after its notification was decided without it; None for nothing.

    It changes what was only supposed: that time had run out, or that no outcome was known. An order that has ended
    stays ended, so a message that was taken becomes Delivered, assumed until a report confirms or corrects it.
    """
    if not _is_supposed(current, assumed) or _is_supposed(answer.result, answer.assumed):
        return None
    taken = answer.result.facts.stage is Stage.HandedOver
    result = DELIVERED[answer.result.facts.channel] if taken else answer.result
    if next_result(current, assumed, result, "send") is None:
        return None
    return answer._replace(result=result, assumed=taken or answer.assumed, detail=answer.detail or LATE)


def _is_supposed(result: Result, assumed: bool) -> bool:
    """Tell whether a result says only that no answer was known in time."""
    channel = result.facts.channel
    return result is FAILED_TTL[channel] or (assumed and result is FAILED[channel])


def _may_send_again(attempts: Attempts, policy: SendPolicy) -> bool:
    return policy.resend_unknown and attempts.lost < policy.most_lost


def _pause(
    attempts: Attempts, retry_after: timedelta | None, policy: SendPolicy, chance: float, *, many: bool
) -> timedelta:
    if many:
        return lengthened(retry_after or stepped(attempts.made, policy.retry_delays), chance, share=1.0)
    return lengthened(stepped(attempts.made, policy.retry_delays), chance) if retry_after is None else retry_after


def _again(
    channel: Channel, attempts: Attempts, detail: str, pause: timedelta, expiry: datetime, now: datetime
) -> Decision:
    follow = after_transient(now=now, expiry=expiry, pause=pause)
    kept = storable(detail, _LONGEST_DETAIL)
    if isinstance(follow, Expired):
        return Decision(FAILED_TTL[channel], attempts, kept)
    return Decision(NEW[channel], attempts, kept, again=follow.at)


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

    `pause` is our own, grown with the attempts; the provider's own wish goes before it.
    """
    at = now + (pause if retry_after is None else retry_after)
    return RetryAt(at) if at < expiry else Expired()
