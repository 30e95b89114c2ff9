"""Pauses between attempts: exponential back-off and jitter, as pure functions."""

from collections.abc import Sequence
from datetime import timedelta

_MOST_DOUBLINGS = 20
"""Enough for any pause in use, and small enough that the product fits into a timedelta."""


def exponential(failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """Return the pause after `failures` failures in a row (from 1): `first`, doubled with each one up to `longest`."""
    doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return min(first * (1 << doublings), longest)


def stepped(failures: int, steps: Sequence[timedelta]) -> timedelta:
    """Return the step for `failures` failures in a row (from 1); after the last of `steps` it stays at that one."""
    return steps[min(failures, len(steps)) - 1]


def lengthened(pause: timedelta, chance: float, share: float = 0.2) -> timedelta:
    """Return `pause`, lengthened by up to `share` of itself.

    `chance` is a random number from 0 to 1. Use this where a pause is a minimum, such as a provider's own wish.
    """
    return pause * (1 + share * chance)


def spread(pause: timedelta, chance: float, share: float = 0.2) -> timedelta:
    """Return `pause`, lengthened or shortened by up to `share` of itself; `chance` is a random number from 0 to 1."""
    return pause * (1 + share * (2 * chance - 1))
