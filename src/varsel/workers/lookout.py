"""Looking out for work that nobody in this process knows of: another process's, or what has become due meanwhile."""

from datetime import timedelta

from varsel.model.clock import Clock
from varsel.storage import lookout
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool
from varsel.workers.contact import DatabaseContact
from varsel.workers.hints import Hints


class Lookout:
    """Looks once for all workers of a process and wakes those who have something to do."""

    def __init__(self, pool: Pool, clock: Clock, hints: Hints, look_ahead: timedelta, contact: DatabaseContact) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._look_ahead = look_ahead
        self._contact = contact

    async def run_once(self) -> bool:
        """Look and wake; always False, for the next look can wait."""
        try:
            waiting = await lookout.look(self._pool, now=self._clock.now(), look_ahead=self._look_ahead)
        except Exception:
            self._contact.lost()
            raise
        self._contact.reached()
        processors = {
            Queue.Small: self._hints.orders,
            Queue.Large: self._hints.large_orders,
            Queue.Conditional: self._hints.conditional_orders,
        }
        hints = [processors[queue] for queue in waiting.queues] + [self._hints.lanes[lane] for lane in waiting.lanes]
        if waiting.reports:
            hints.append(self._hints.reports)
        if waiting.feed:
            hints.append(self._hints.feed)
        for hint in hints:
            hint.give()
        return False
