"""A provider kept to a rate: the one an operator set, shared by all processes, and the one its refusals teach."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import random
from typing import Final, Generic, TypeVar

from varsel.channels.protocol import (
    Accepted,
    Capabilities,
    EmailMessage,
    Outcome,
    Provider,
    Settle,
    Settled,
    SmsMessage,
    Transient,
)
from varsel.mechanisms.backoff import lengthened
from varsel.mechanisms.pace import LearnedRate, Slots, reserve
from varsel.model.clock import Clock

_log = logging.getLogger(__name__)

Message = TypeVar("Message", EmailMessage, SmsMessage)

AHEAD: Final = timedelta(seconds=2)
"""How long a message may wait here for its slot. What would wait longer goes back to the queue."""
SLACK: Final = timedelta(milliseconds=200)
"""Unused time that may be made up for: what passes between two windows of one worker."""
_WINDOW: Final = 1.0
"""Seconds of sending in one window: half of `AHEAD`, so that two workers take turns without a gap."""
_TOLD_TOGETHER: Final = 16
"""Messages that were taken are counted so many at a time: counting each would cost more than handing it on."""
_TICK: Final = timedelta(milliseconds=50)
"""Messages whose slots lie within a tick are handed over together."""
_BRAKE: Final = timedelta(seconds=1)
"""Rest after the first refusals for rate, until the provider's own count of this second is over."""
_SOON: Final = timedelta(seconds=10)
_INNOCENT: Final = 3
"""A message refused for rate is tried again soon, up to this attempt: so far that says nothing of the message."""
_NO_DATABASE: Final = timedelta(seconds=5)

_WAITS = "waits for its turn: the provider takes no more messages per second"


@dataclass(frozen=True, slots=True)
class SharedRate:
    """A rate in messages per second; `reserve` gives slots of it that no other process has."""

    per_second: float
    reserve: Callable[[int], Awaitable[Slots]]


async def wait_until(moment: datetime, clock: Clock) -> None:
    """Return at `moment`."""
    await asyncio.sleep((moment - clock.now()).total_seconds())


class PacedProvider(Generic[Message]):
    """Hands messages to `provider` no faster than `shared` allows and than it seems to want itself.

    Messages get slots of the next two seconds and wait for them here; those that get none are settled as not offered,
    with the time after which it is worth asking again. `recall` lets the provider give back, in the same way, what it
    has not begun to send; it is called when it wants fewer messages per second. Without either rate, outcomes are
    counted and nothing else is done.
    """

    def __init__(
        self,
        provider: Provider[Message],
        clock: Clock,
        *,
        shared: SharedRate | None = None,
        recall: Callable[[], None] = lambda: None,
        wait: Callable[[datetime, Clock], Awaitable[None]] = wait_until,
        chance: Callable[[], float] = random,
    ) -> None:
        self.name = provider.name
        self._provider: Provider[Message] = provider
        self._clock = clock
        self._shared = shared
        self._recall = recall
        self._wait = wait
        self._chance = chance
        self._learned = LearnedRate()
        self._taken = 0
        """Messages that were taken and are not counted in the learned rate yet."""
        self._next_free = clock.now()
        """The next free slot at the learned rate, which is this process's own."""

    @property
    def capabilities(self) -> Capabilities:
        """Those of the provider; a window holds no more than a second's messages, for a crash leaves it in doubt."""
        whole = self._provider.capabilities
        rates = [rate for rate in (self._learned.rate(self._clock.now()), self._set_rate()) if rate is not None]
        return replace(whole, window=max(1, min(whole.window, int(min(rates) * _WINDOW)))) if rates else whole

    async def send(self, messages: Sequence[Message], settle: Settle) -> None:
        """Hand over `messages`, each at its slot; see `Provider.send`."""
        try:
            times = await self._times(len(messages))
        except Exception as error:  # noqa: BLE001 - no slots, no sending; whatever the database ran into passes
            _log.warning("no rate could be reserved for %s (%s)", self.name, type(error).__name__)
            self._put_off(range(len(messages)), settle, "no rate could be reserved for it", _NO_DATABASE)
            return
        if times is None:
            await self._provider.send(messages, self._counting(messages, settle))
            return
        self._put_off(range(len(times), len(messages)), settle, _WAITS, AHEAD)
        await self._at_their_times(messages, times, settle)

    async def check(self) -> str:
        """Ask the provider."""
        return await self._provider.check()

    async def close(self) -> None:
        """Close the provider."""
        await self._provider.close()

    def _set_rate(self) -> float | None:
        return self._shared.per_second if self._shared else None

    async def _times(self, wanted: int) -> Sequence[datetime] | None:
        """Return when the first messages may go, at most `wanted` of them; None if all may go at once."""
        now, rate = self._clock.now(), self._learned.rate(self._clock.now())
        own = None
        if rate is not None:
            own = reserve(self._next_free, now=now, wanted=wanted, rate=rate, ahead=AHEAD, slack=SLACK)
            self._next_free = own.next_free
        if self._shared is None:
            return None if own is None else [own.at(number) for number in range(own.count)]
        common = await self._shared.reserve(wanted if own is None else own.count)
        if own is None:
            return [common.at(number) for number in range(common.count)]
        return [max(own.at(number), common.at(number)) for number in range(common.count)]

    async def _at_their_times(self, messages: Sequence[Message], times: Sequence[datetime], settle: Settle) -> None:
        """Hand over what has a time; what was not begun when this is broken off was not offered."""
        begun = 0
        try:
            async with asyncio.TaskGroup() as sending:
                while begun < len(times):
                    await self._wait(times[begun], self._clock)
                    first, begun = begun, _end_of_tick(times, begun)
                    group = messages[first:begun]
                    told = self._counting(group, _moved(settle, first))
                    sending.create_task(self._provider.send(group, told))
        finally:
            self._put_off(range(begun, len(times)), settle, "the sending was stopped before its turn", None)

    def _put_off(self, positions: range, settle: Settle, detail: str, retry_after: timedelta | None) -> None:
        outcome = Transient(detail, retry_after, pause=True, offered=False)
        for position in positions:
            settle(position, outcome)

    def _counting(self, messages: Sequence[Message], settle: Settle) -> Settle:
        def told(position: int, outcome: Outcome) -> None:
            if isinstance(outcome, (Accepted, Settled)):
                self._taken += 1
                if self._taken >= _TOLD_TOGETHER:
                    self._tell_taken()
            elif isinstance(outcome, Transient):
                outcome = self._judged(outcome, messages[position].attempt)
            settle(position, outcome)

        return told

    def _tell_taken(self) -> None:
        self._learned.taken(self._clock.now(), self._taken)
        self._taken = 0

    def _judged(self, outcome: Transient, attempt: int) -> Transient:
        if outcome.slower:
            self._slow_down()
            return self._soon_again(outcome, attempt)
        if not outcome.offered and outcome.retry_after is None:
            return replace(outcome, retry_after=_BRAKE)
        return outcome

    def _slow_down(self) -> None:
        self._tell_taken()
        now = self._clock.now()
        unlimited = self._learned.rate(now) is None
        if not self._learned.refused(now):
            return
        level = logging.WARNING if unlimited else logging.INFO
        _log.log(level, "%s wants fewer messages: at most %.1f per second", self.name, self._learned.rate(now) or 0)
        if unlimited:
            self._next_free = now + _BRAKE
            self._recall()

    def _soon_again(self, refusal: Transient, attempt: int) -> Transient:
        """Have a message tried again soon if its refusal was our fault: we were sending too fast."""
        limited = self._shared is not None or self._learned.rate(self._clock.now()) is not None
        if not limited or attempt > _INNOCENT or refusal.retry_after is not None:
            return refusal
        return replace(refusal, retry_after=lengthened(_SOON, self._chance()))


def _end_of_tick(times: Sequence[datetime], first: int) -> int:
    """Return the position after the last message that is handed over together with `first`."""
    end = times[first] + _TICK
    return next((position for position in range(first, len(times)) if times[position] >= end), len(times))


def _moved(settle: Settle, by: int) -> Settle:
    return lambda position, outcome: settle(position + by, outcome)
