"""The messages of one `send` and what is still owed to its caller."""

import asyncio
from collections.abc import Sequence

from varsel.channels.protocol import EmailMessage, Outcome, Settle


class Batch:
    """Counts outcomes; `done` is set when each message has one.

    `abandoned` tells that the caller has gone and is told no more.
    """

    def __init__(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.jobs = [Job(self, position, message) for position, message in enumerate(messages)]
        self._settle = settle
        self._open = len(self.jobs)
        self.abandoned = False

    def conclude(self, position: int, outcome: Outcome) -> None:
        """Tell the caller one outcome."""
        if self.abandoned:
            return
        self._settle(position, outcome)
        self._open -= 1
        if not self._open and not self.done.done():
            self.done.set_result(None)


class Job:
    """One message on its way; `returned` tells that it came back untaken from a dying connection before."""

    __slots__ = ("batch", "concluded", "message", "position", "returned")

    def __init__(self, batch: Batch, position: int, message: EmailMessage) -> None:
        self.batch = batch
        self.position = position
        self.message = message
        self.returned = False
        self.concluded = False

    def conclude(self, outcome: Outcome) -> None:
        """Give the message its outcome; the first one counts."""
        if not self.concluded:
            self.concluded = True
            self.batch.conclude(self.position, outcome)
