"""What follows when a send condition could not be decided (processing.md 1.7)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

_MOST_DOUBLINGS = 20


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
    """

    undecided: Undecided = Undecided.SEND
    attempts: int = 2
    pause: timedelta = timedelta(seconds=60)
    longest_pause: timedelta = timedelta(hours=1)
    longest_hold: timedelta = timedelta(hours=48)


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


def after_inconclusive(asked: int, policy: ConditionPolicy) -> TryAgain | TreatAsMet | TreatAsNotMet:
    """Decide after the `asked`-th inconclusive answer in a row, counted from 1."""
    if asked < policy.attempts:
        return TryAgain(_pause_after(asked, policy))
    match policy.undecided:
        case Undecided.SEND:
            return TreatAsMet()
        case Undecided.DO_NOT_SEND:
            return TreatAsNotMet()
        case Undecided.HOLD:
            return _hold(asked, policy)


def _hold(asked: int, policy: ConditionPolicy) -> TryAgain | TreatAsNotMet:
    held = timedelta(0)
    for earlier in range(1, asked + 1):
        held += _pause_after(earlier, policy)
        if held > policy.longest_hold:
            return TreatAsNotMet()
    return TryAgain(_pause_after(asked, policy))


def _pause_after(asked: int, policy: ConditionPolicy) -> timedelta:
    doublings = min(asked - 1, _MOST_DOUBLINGS)
    return min(policy.pause * (1 << doublings), policy.longest_pause)
