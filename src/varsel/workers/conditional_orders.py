"""Orders that carry a send condition: each is asked about, then expanded, by a task of its own (processing.md 1.7).

They wait apart from all others, and their tasks only wait for endpoints. Each host has its share of the places, and
each creator has, whatever the backlog: endpoints that are slow hold up the orders of their own creator only. The
condition is asked whenever processing begins, so also after a crash or a failed look-up; once the first part is stored
it has been answered for good.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from varsel.mechanisms.log_fields import add_log_fields
from varsel.mechanisms.shared_places import may_take
from varsel.model.clock import Clock
from varsel.orders.condition import (
    ConditionPolicy,
    Step,
    TreatAsMet,
    TreatAsNotMet,
    TryAgain,
    after_inconclusive,
    after_not_asked,
)
from varsel.outgoing.verdict import Inconclusive, Met, NotAsked, NotMet, Verdict
from varsel.storage import orders
from varsel.storage.orders import ClaimedOrder
from varsel.storage.pool import Pool
from varsel.storage.transactions import in_transaction
from varsel.workers.expand_orders import ExpandOrders, ProcessOptions
from varsel.workers.hints import Hints
from varsel.workers.lease import kept_alive

_log = logging.getLogger(__name__)

AskCondition = Callable[[str, str], Awaitable[Verdict]]
"""Asks the endpoint at an address on behalf of an order's creator. Whatever goes wrong is a verdict too."""

_EXPANDED_AT_ONCE = 4
"""Orders whose next parts are expanded side by side; together with the size of a part it bounds memory."""
_UNDECIDED = "the send condition is undecided"


@dataclass(frozen=True, slots=True)
class ConditionOptions:
    """What an operator may set about orders with a send condition."""

    at_once: int
    """Such orders under way at once in this process; creators share them as `mechanisms.shared_places` says."""
    at_host: int
    """Of these, how many whose endpoints are on one host; no more than `outgoing.turns` lets ask and wait there."""
    policy: ConditionPolicy


class ConditionalOrders:
    """Takes due orders with a send condition through the question and, if it is met, through their expansion."""

    def __init__(
        self,
        pool: Pool,
        ask: AskCondition,
        expand: ExpandOrders,
        clock: Clock,
        hints: Hints,
        process: ProcessOptions,
        options: ConditionOptions,
    ) -> None:
        self._pool = pool
        self._ask = ask
        self._expand = expand
        self._clock = clock
        self._hints = hints
        self._process = process
        self._options = options
        self._places = asyncio.Semaphore(_EXPANDED_AT_ONCE)
        self._claiming = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._held = Counter[tuple[str, int]]()
        """Orders under way by creator and host."""
        self._questions: set[asyncio.Timeout] = set()
        self._stopping = False

    async def run_once(self) -> bool:
        """Take up as many due orders as there is room for, without waiting for them; True when there may be more."""
        async with self._claiming:  # a trigger may look beside the worker
            room = self._options.at_once - len(self._under_way)
            if self._stopping or room <= 0:
                return False
            claimed = await self._claim(room)
            for order in claimed:
                self._start(order)
        return bool(claimed)

    @property
    def is_full(self) -> bool:
        """Whether nothing can be taken up before something has ended."""
        return len(self._under_way) >= self._options.at_once

    async def settle_down(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Take nothing new, give back what is being asked about, finish what is being expanded."""
        self._stopping = True
        while self._questions:
            self._questions.pop().reschedule(asyncio.get_running_loop().time())
        await self.settle_down()

    async def _claim(self, room: int) -> list[ClaimedOrder]:
        return await orders.claim_conditional(
            self._pool,
            now=self._clock.now(),
            lease=self._process.lease,
            look_ahead=self._process.look_ahead,
            limit=room,
            at_host=self._options.at_host,
            under_way=self._held,
        )

    def _start(self, order: ClaimedOrder) -> None:
        place = order.creator, order.condition_host or 0
        task = asyncio.create_task(self._carry(order))
        self._under_way.add(task)
        self._held[place] += 1
        task.add_done_callback(lambda ended: self._ended(ended, place))

    def _ended(self, task: asyncio.Task[None], place: tuple[str, int]) -> None:
        if self._is_limited(place):
            self._hints.conditional_orders.give()  # others may be waiting for this place
        self._under_way.discard(task)
        self._held[place] -= 1
        if not self._held[place]:
            del self._held[place]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out and the order is taken again; nothing is lost.
            _log.error("processing an order with a send condition broke off", exc_info=error)

    def _is_limited(self, place: tuple[str, int]) -> bool:
        """Tell whether some limit keeps others from being taken up: the host's, or any creator's."""
        at_host = sum(count for (_, host), count in self._held.items() if host == place[1])
        of_creators = Counter[str]()
        for (creator, _), count in self._held.items():
            of_creators[creator] += count
        free = self._options.at_once - len(self._under_way)
        return at_host >= self._options.at_host or not may_take(max(of_creators.values()), free)

    async def _carry(self, order: ClaimedOrder) -> None:
        add_log_fields(**order.log_fields)
        async with kept_alive(lambda: self._renew(order), every=self._process.lease / 3):
            held = [order] if order.parts_done or await self._is_met(order) else []
            while held:
                async with self._places:
                    held = await self._expand.next_parts(held)

    async def _renew(self, order: ClaimedOrder) -> None:
        await orders.renew(self._pool, [order], lease_until=self._clock.now() + self._process.lease)

    async def _is_met(self, order: ClaimedOrder) -> bool:
        """Ask, and record what follows from any other answer than yes."""
        match await self._verdict(order):
            case Met():
                return True
            case NotMet():
                await self._end(order)
                return False
            case NotAsked(reason) if self._stopping:
                await self._ask_again(order, timedelta(0), reason)  # another process takes over at once
                return False
            case NotAsked(reason, rest):
                return await self._is_met_unasked(order, reason, rest)
            case Inconclusive(reason, rest):
                asked = replace(order, condition_asked=order.condition_asked + 1)
                step = after_inconclusive(asked.condition_asked, self._options.policy, rest)
                return await self._is_treated_as_met(asked, step, reason)

    async def _verdict(self, order: ClaimedOrder) -> Verdict:
        question = asyncio.timeout(0 if self._stopping else None)
        try:
            async with question:
                self._questions.add(question)
                return await self._ask(order.condition_endpoint or "", order.creator)
        except Exception as error:  # noqa: BLE001 - a defect of whoever asks must not strand the order
            if question.expired():
                return NotAsked("the process that asked was about to stop")
            _log.exception("asking the send condition of order %s failed", order.id)
            return Inconclusive(f"{type(error).__name__} while asking; the log says more")
        finally:
            self._questions.discard(question)

    async def _is_met_unasked(self, order: ClaimedOrder, reason: str, rest: timedelta) -> bool:
        """Count one more time without asking, and do what the policy says about so many."""
        unasked = replace(order, condition_unasked=order.condition_unasked + 1)
        jitter = random.random()  # noqa: S311 - spreads retries; nobody gains by guessing it
        step = after_not_asked(unasked.condition_unasked, rest, jitter, self._options.policy)
        reason = f"its endpoint could not be asked, {unasked.condition_unasked} times by now: {reason}"
        return await self._is_treated_as_met(unasked, step, reason)

    async def _is_treated_as_met(self, order: ClaimedOrder, step: Step, reason: str) -> bool:
        """Do what the policy says."""
        match step:
            case TryAgain(pause):
                _log.info("order %s waits %s, for its send condition is undecided: %s", order.id, pause, reason)
                await self._ask_again(order, pause, reason)
                return False
            case TreatAsNotMet():
                _log.warning("order %s ends unsent, for its send condition stays undecided: %s", order.id, reason)
                await self._end(order)
                return False
            case TreatAsMet():
                _log.warning("order %s is sent although its send condition is undecided: %s", order.id, reason)
                return True

    async def _ask_again(self, order: ClaimedOrder, pause: timedelta, reason: str) -> None:
        at = self._clock.now() + pause
        await orders.ask_again(self._pool, order, at=at, trouble=f"{_UNDECIDED}: {reason}")

    async def _end(self, order: ClaimedOrder) -> None:
        now = self._clock.now()
        await in_transaction(self._pool, lambda connection: orders.stop(connection, order, now=now))
