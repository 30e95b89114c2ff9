"""What follows when a send condition could not be decided (processing.md 1.7)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from varsel.mechanisms.backoff import exponential, lengthened


class Undecided(Enum):
    """What to do with an order whose condition stays undecided."""

    SEND = "send"
    """Treat it as met, as the contract says."""
    HOLD = "hold"
    """Keep asking; after the longest hold treat it as not met."""
    DO_NOT_SEND = "do-not-send"
    """Treat it as not met."""


@dataclass(frozen=True, slots=True)
class ConditionPolicy:
    """After `attempts` inconclusive answers `undecided` decides; the defaults are the contract's.

    Between attempts lies `pause`, doubled each time up to `longest_pause`; a hold ends `longest_hold` after the first.

    An endpoint that was not asked has given no answer, so `undecided` does not decide then, until the pauses for want
    of asking, each between `unasked_pause` and `longest_unasked_pause`, add up to `longest_unasked` (for a hold: to
    `longest_hold`). A day leaves another one of the 48 hours in which a notification can be sent.
    """

    undecided: Undecided = Undecided.SEND
    attempts: int = 2
    pause: timedelta = timedelta(seconds=60)
    longest_pause: timedelta = timedelta(hours=1)
    longest_hold: timedelta = timedelta(hours=48)
    unasked_pause: timedelta = timedelta(seconds=15)
    longest_unasked_pause: timedelta = timedelta(minutes=15)
    longest_unasked: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Ask again after `pause`; the order keeps its status."""

    pause: timedelta


@dataclass(frozen=True, slots=True)
class TreatAsMet:
    """Go on as if the endpoint had said yes."""


@dataclass(frozen=True, slots=True)
class TreatAsNotMet:
    """End the order as if the endpoint had said no."""


Step = TryAgain | TreatAsMet | TreatAsNotMet


def after_inconclusive(asked: int, policy: ConditionPolicy, rest: timedelta = timedelta(0)) -> Step:
    """Decide after the `asked`-th inconclusive answer in a row, counted from 1.

    The endpoint wants no further question before `rest` is over.
    """
    if asked < policy.attempts:
        return TryAgain(max(_pause_after(asked, policy), rest))
    match policy.undecided:
        case Undecided.SEND:
            return TreatAsMet()
        case Undecided.DO_NOT_SEND:
            return TreatAsNotMet()
        case Undecided.HOLD:
            return _hold(asked, policy, rest)


def after_not_asked(unasked: int, rest: timedelta, jitter: float, policy: ConditionPolicy) -> Step:
    """Decide after the order's endpoint could not be asked for the `unasked`-th time, counted from 1.

    It is of no use to ask before `rest` is over. `jitter`, 0 to 1, lengthens a pause by up to a fifth, so that orders
    at the same host do not return together.
    """
    first, longest = policy.unasked_pause, policy.longest_unasked_pause
    holds = policy.undecided is Undecided.HOLD
    if _add_up_to_more(unasked, first, longest, policy.longest_hold if holds else policy.longest_unasked):
        return TreatAsMet() if policy.undecided is Undecided.SEND else TreatAsNotMet()
    return TryAgain(lengthened(max(exponential(unasked, first, longest), rest), jitter))


def _hold(asked: int, policy: ConditionPolicy, rest: timedelta) -> TryAgain | TreatAsNotMet:
    if _add_up_to_more(asked, policy.pause, policy.longest_pause, policy.longest_hold):
        return TreatAsNotMet()
    return TryAgain(max(_pause_after(asked, policy), rest))


def _pause_after(asked: int, policy: ConditionPolicy) -> timedelta:
    return exponential(asked, policy.pause, policy.longest_pause)


def _add_up_to_more(times: int, first: timedelta, longest: timedelta, bound: timedelta) -> bool:
    """Tell whether the first `times` pauses are longer than `bound` together."""
    together = timedelta(0)
    for time in range(1, times + 1):
        together += exponential(time, first, longest)
        if together > bound:
            return True
    return False
