"""Mail transactions on an open connection (RFC 5321 section 3.3), pipelined where the server allows (RFC 2920)."""

from dataclasses import dataclass
from typing import Protocol

from varsel.channels.email_smtp.batch import Job
from varsel.channels.email_smtp.draft import Draft
from varsel.channels.email_smtp.extensions import Extensions
from varsel.channels.email_smtp.opening import Connection
from varsel.channels.email_smtp.replies import SERVICE_CLOSING, ConnectionDropped, Reply, Stage, judge
from varsel.channels.email_smtp.settings import SmtpSettings
from varsel.channels.mime import Pieces
from varsel.channels.protocol import Accepted, Outcome, Transient, Unknown

_DATA = b"DATA\r\n"
_DOT = b".\r\n"
_RSET = b"RSET\r\n"
_GO_AHEAD = 354
_REFUSALS = (4, 5)

LARGE = 64 * 1024
"""From this many octets the final dot waits until the content has left, so that we know whether it was sent."""

_PIECE = 256 * 1024
"""Octets written at a time: TLS would encrypt megabytes at one go, and each piece has a time limit of its own."""


@dataclass(slots=True)
class Transaction:
    """A job with its draft; whether it still lacks an outcome, and whether the dot that hands it over has been sent."""

    job: Job
    draft: Draft
    open: bool = True
    dot_sent: bool = False

    def conclude(self, outcome: Outcome) -> None:
        """Give the job its outcome; the first one counts."""
        if self.open:
            self.open = False
            self.job.conclude(outcome)


class Desk(Protocol):
    """Where a session gets its work."""

    def take(self, offered: Extensions) -> Transaction | None:
        """Return the next transaction, None if nothing waits."""
        ...

    def give_back(self, job: Job) -> None:
        """Put a job that was certainly not taken in front of the others."""
        ...


class Session:
    """A greeted, protected, authenticated connection, carrying one transaction after the other.

    `answered` counts the transactions the server answered for, whether it took them or not.
    """

    def __init__(self, connection: Connection, settings: SmtpSettings, desk: Desk) -> None:
        self.wire = connection.wire
        self.offered = connection.offered
        self.answered = 0
        self._desk = desk
        self._left = settings.messages_per_connection
        self._command_timeout = settings.command_timeout.total_seconds()
        self._data_timeout = settings.data_timeout.total_seconds()
        self._closing = False
        self._current: Transaction | None = None
        self._following: Transaction | None = None

    @property
    def usable(self) -> bool:
        """Whether another transaction may be begun."""
        return self._left > 0 and not self._closing and self.wire.quiet

    async def carry(self, first: Transaction) -> None:
        """Carry `first`, and where the server pipelines what waits at the desk, to an outcome each.

        Raises `ConnectionDropped` when the connection is of no more use; every transaction has then been concluded
        or given back.
        """
        self._current, self._following = first, None
        reason = "the sending was stopped"
        try:
            self.wire.write(self._opening(first))
            while self._current is not None:
                await self._exchange(self._current)
                self._stop_if_closing()
                self._current, self._following = self._following, None
        except ConnectionDropped as dropped:
            reason = str(dropped)
            raise
        finally:
            self._abandon(self._current, reason)
            self._abandon(self._following, reason)

    def _opening(self, transaction: Transaction) -> bytes:
        self._left -= 1
        draft = transaction.draft
        return draft.mail + draft.rcpt + _DATA if self.offered.pipelining else draft.mail

    async def _exchange(self, transaction: Transaction) -> None:
        refusal, data_open = await self._ask(transaction)
        if refusal is None:
            await self._hand_over(transaction)
        else:
            self._refused(transaction, refusal)
            if not self._closing:
                await self._tidy_up(data_open=data_open)

    async def _ask(self, transaction: Transaction) -> tuple[Outcome | None, bool]:
        """Read the answers to MAIL, RCPT and DATA; return the first refusal, and whether content is now awaited."""
        draft = transaction.draft
        refusal: Outcome | None = None
        data_open = False
        for stage, command in ((Stage.MAIL, b""), (Stage.RCPT, draft.rcpt), (Stage.DATA, _DATA)):
            if command and not self.offered.pipelining:
                self.wire.write(command)
            reply = await self._reply(self._command_timeout)
            data_open = stage is Stage.DATA and reply.code == _GO_AHEAD
            if refusal is None and not (data_open or (reply.positive and stage is not Stage.DATA)):
                refusal = judge(stage, reply, draft.recipient)
            if self._closing or (refusal is not None and not self.offered.pipelining):
                break
        return refusal, data_open

    async def _hand_over(self, transaction: Transaction) -> None:
        draft = transaction.draft
        if draft.size >= LARGE:
            await self._write_large(draft.content)
            last = _DOT
        else:
            last = b"".join((*draft.content, _DOT))
        transaction.dot_sent = True
        self._write_and_go_on(last)
        reply = await self._reply(self._data_timeout)
        self.answered += not self._closing
        if reply.positive:
            transaction.conclude(Accepted(transaction.draft.reference))
        elif reply.code // 100 not in _REFUSALS:  # the dialogue is out of step; the message may have been taken
            transaction.conclude(Unknown(f"the server answered the message with {reply.code}, which says nothing"))
            raise ConnectionDropped("the server answered a message with neither yes nor no")
        else:
            transaction.conclude(judge(Stage.CONTENT, reply, transaction.draft.recipient))

    async def _write_large(self, content: Pieces) -> None:
        for piece in content:
            for start in range(0, len(piece), _PIECE):
                self.wire.write(piece[start : start + _PIECE])
                await self.wire.drained(self._data_timeout)

    def _refused(self, transaction: Transaction, refusal: Outcome) -> None:
        if self._closing and isinstance(refusal, Transient):
            self._untaken(transaction, refusal)
        else:
            self.answered += 1
            transaction.conclude(refusal)

    async def _tidy_up(self, *, data_open: bool) -> None:
        """End a refused transaction: by a single dot if DATA was opened all the same (RFC 2920 section 3.1)."""
        self._write_and_go_on(_DOT if data_open else _RSET)
        reply = await self._reply(self._command_timeout)
        if not (data_open or reply.positive):
            raise ConnectionDropped("the server refused RSET")

    def _stop_if_closing(self) -> None:
        if self._closing:
            raise ConnectionDropped("the server is closing the connection")

    def _write_and_go_on(self, last: bytes) -> None:
        """End one transaction and, pipelining, begin the next in the same write (RFC 2920 section 3.1)."""
        if self.offered.pipelining and self._left > 0:
            self._following = self._desk.take(self.offered)
        self.wire.write(last + self._opening(self._following) if self._following is not None else last)

    async def _reply(self, within: float) -> Reply:
        reply = await self.wire.reply(within)
        if reply.code == SERVICE_CLOSING:
            self._closing = True
        return reply

    def _abandon(self, transaction: Transaction | None, reason: str) -> None:
        """Conclude what the end of the connection leaves open."""
        if transaction is None or not transaction.open:
            return
        if transaction.dot_sent:
            transaction.conclude(Unknown(f"{reason} after the message was sent and before it was answered for"))
        else:
            self._untaken(transaction, Transient(f"{reason} before the message was sent"))

    def _untaken(self, transaction: Transaction, outcome: Transient) -> None:
        """Give a message that was certainly not taken to another connection, once.

        Not if the server never answered for anything here, or was too slow: then another try would only cost time.
        """
        worth_another = self.answered > 0 or transaction is self._following
        if worth_another and not transaction.job.returned and not self.wire.timed_out:
            transaction.open = False
            transaction.job.returned = True
            self._desk.give_back(transaction.job)
        else:
            transaction.conclude(outcome)
