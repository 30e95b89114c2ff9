"""Connections opened on demand, sharing one queue of messages."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from varsel.channels.email_smtp.batch import Batch, Job
from varsel.channels.email_smtp.breaker import Breaker
from varsel.channels.email_smtp.draft import Drafter
from varsel.channels.email_smtp.extensions import Extensions
from varsel.channels.email_smtp.opening import Connection, take_leave
from varsel.channels.email_smtp.replies import ConnectionDropped, OpeningFailed
from varsel.channels.email_smtp.session import Session, Transaction
from varsel.channels.email_smtp.settings import SmtpSettings
from varsel.channels.protocol import Settled, Transient
from varsel.model.results import Result

CAP_REST = timedelta(seconds=60)
"""How long a server that refused one more connection is not asked for more than it allowed."""

_RETRY_DELAY = (0.1, 0.5)  # seconds between failed attempts to connect, before the breaker opens
_CLOSE_TIMEOUT = 10.0

_STOPPED = Transient("the sending was stopped before the message was sent", pause=True, offered=False, reached=False)
_RECALLED = Transient("the server wants fewer messages per second", pause=True, offered=False)

logger = logging.getLogger(__name__)


class Pool:
    """Hands waiting jobs to connections and decides how many connections there are.

    As many may be opening at once as are established (at least one), so that a burst reaches the cap in a few round
    trips while a server that is down sees one attempt at a time.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        connect: Callable[[], Awaitable[Connection]],
        drafter: Drafter,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._drafter = drafter
        self._now = now
        self._breaker = Breaker(settings.failure_threshold, settings.pause_first, settings.pause_max)
        self._waiting: deque[Job] = deque()
        self._idle: list[asyncio.Future[bool]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = 0
        self._established = 0
        self._cap = settings.max_connections
        self._cap_until: datetime | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False

    # --- for the provider

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue `jobs`; while the breaker is open they are answered for at once."""
        self._waiting.extend(jobs)
        self._dispatch()

    def withdraw(self, batch: Batch) -> None:
        """Take back what of a batch has not been begun: it was certainly not sent."""
        mine = [job for job in self._waiting if job.batch is batch]
        self._waiting = deque(job for job in self._waiting if job.batch is not batch)
        for job in mine:
            job.conclude(_STOPPED)
        batch.abandoned = True

    def recall(self) -> None:
        """Give back whatever has not been begun: the server wants fewer messages per second."""
        self._fail_waiting(_RECALLED)

    async def close(self) -> None:
        """Say goodbye on every connection and wait until they are gone."""
        self._closed = True
        self._wake(len(self._idle))
        if self._retry is not None:
            self._retry.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_CLOSE_TIMEOUT)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._fail_waiting(_STOPPED)

    # --- for the sessions

    def take(self, offered: Extensions) -> Transaction | None:
        """Return the next message as a transaction for a server with these extensions."""
        while self._waiting:
            job = self._waiting.popleft()
            if job.batch.abandoned:
                continue
            try:
                draft = self._drafter.draft(job.message, offered)
            except Exception as error:  # noqa: BLE001 - one message that cannot be written must not stop the others
                logger.error("an e-mail could not be written: %s", type(error).__name__)  # noqa: TRY400 - the traceback may quote the message
                draft = Settled(Result.EMAIL_FAILED, f"the message could not be written ({type(error).__name__})")
            if not isinstance(draft, Settled):
                return Transaction(job, draft)
            job.conclude(draft)
        return None

    def give_back(self, job: Job) -> None:
        """Put a job that was certainly not taken in front of the others."""
        self._waiting.appendleft(job)

    # --- growing and shrinking

    def _dispatch(self) -> None:
        """Bring waiting jobs to idle connections, or open more of them."""
        rest = self._breaker.rest(self._now()) if self._waiting and not self._established else None
        if rest is not None:
            self._fail_waiting(_left_alone(self._breaker.reason, rest))
            return
        woken = self._wake(len(self._waiting))
        room = self._current_cap() - self._opening - self._established
        at_once = max(1, self._established) - self._opening
        if not self._closed and self._retry is None:
            for _ in range(min(len(self._waiting) - woken - self._opening, room, at_once)):
                self._opening += 1
                self._start()

    def _start(self) -> None:
        task = asyncio.create_task(self._live(), name="smtp connection")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("an SMTP connection ended unexpectedly", exc_info=error)
        if not self._closed:
            self._dispatch()

    async def _live(self) -> None:
        """One connection's life: opened, used, left."""
        try:
            connection = await self._connect()
        except OpeningFailed as failure:
            self._opening -= 1
            self._opening_failed(failure)
            return
        except BaseException:
            self._opening -= 1
            raise
        self._opening -= 1
        self._established += 1
        try:
            await self._use(Session(connection, self._settings, self))
        finally:
            self._established -= 1
            connection.wire.abort()

    async def _use(self, session: Session) -> None:
        try:
            while (transaction := await self._next(session)) is not None:
                self._dispatch()  # what still waits after this one may want further connections
                await session.carry(transaction)
                self._breaker.succeeded()
        except ConnectionDropped as dropped:
            if session.answered:
                self._breaker.succeeded()
            else:
                self._breaker.failed(str(dropped), self._now(), lasting=False)
            return
        await take_leave(session.wire)

    async def _next(self, session: Session) -> Transaction | None:
        """Return the session's next transaction, None when it should end."""
        while session.usable and not self._closed:
            if (transaction := self.take(session.offered)) is not None:
                return transaction
            if not await self._woken(session):
                break
        return None

    async def _woken(self, session: Session) -> bool:
        """Idle until there is work (True), or the time is up or the server leaves (False)."""
        loop = asyncio.get_running_loop()
        wake: asyncio.Future[bool] = loop.create_future()
        self._idle.append(wake)
        session.wire.on_lost = partial(_resolve, wake, value=False)
        timer = loop.call_later(self._settings.idle_timeout.total_seconds(), session.wire.on_lost)
        try:
            return await wake
        finally:
            timer.cancel()
            session.wire.on_lost = None
            if wake in self._idle:
                self._idle.remove(wake)

    def _wake(self, wanted: int) -> int:
        """Wake the connections used last first, so that those not needed grow old and close."""
        woken = 0
        while self._idle and woken < wanted:
            woken += _resolve(self._idle.pop(), value=True)
        return woken

    def _current_cap(self) -> int:
        if self._cap_until is not None and self._now() >= self._cap_until:
            self._cap, self._cap_until = self._settings.max_connections, None
        return self._cap

    def _opening_failed(self, failure: OpeningFailed) -> None:
        now = self._now()
        if self._established:  # the server works, it only wants no more connections
            self._cap, self._cap_until = self._established, now + CAP_REST
            return
        self._breaker.failed(str(failure), now, lasting=failure.lasting)
        logger.warning("SMTP: %s", failure)
        if self._breaker.rest(now) is None and self._retry is None:
            delay = random.uniform(*_RETRY_DELAY)  # noqa: S311 - spreads processes, guards nothing
            self._retry = asyncio.get_running_loop().call_later(delay, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._dispatch()

    def _fail_waiting(self, outcome: Transient) -> None:
        failed, self._waiting = self._waiting, deque()
        for job in failed:
            job.conclude(outcome)


def _left_alone(reason: str, rest: timedelta) -> Transient:
    """Return the outcome of messages for a server that is left alone after failures."""
    return Transient(reason, retry_after=rest, pause=True, offered=False, reached=False)


def _resolve(wake: "asyncio.Future[bool]", *, value: bool) -> bool:
    """Set the result of `wake` unless it has one; say whether it was set."""
    if wake.done():
        return False
    wake.set_result(value)
    return True
