"""Replies of an SMTP server: reading them, and judging what a refusal means (integrations.md 8.1.5)."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from varsel.channels.protocol import Outcome, Settled, Transient
from varsel.errors import ProviderUnreachable
from varsel.model.results import Result

MAX_LINE = 4096
MAX_LINES = 200
SERVICE_CLOSING = 421

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
_ADDRESS = re.compile(r"\S*@\S*")
_NUMBER = re.compile(r"\d{5,}")
_SPAM = re.compile(r"spam|blocked|blacklist|reputation|content", re.IGNORECASE)
_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_QUARANTINE = re.compile(r"quarantine", re.IGNORECASE)


class ConnectionDropped(ProviderUnreachable):
    """The dialogue ended before its time: closed, timed out, or the server spoke something else than SMTP."""


class OpeningFailed(ProviderUnreachable):
    """No usable connection. `lasting` means that only a change of settings can help, here or at the server."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(reason)


class Stage(StrEnum):
    """The place in a transaction a reply belongs to."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "end of content"


class Reply(NamedTuple):
    """A complete reply; the lines of its text are separated by `\\n`."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Whether this is a positive completion (2xx)."""
        return 200 <= self.code < 300

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced status code at the start of the text (RFC 3463), if there is one."""
        found = _ENHANCED.match(self.text)
        return (int(found[1]), int(found[2]), int(found[3])) if found else None


class ReplyReader:
    """Cuts a stream of octets into replies (RFC 5321 section 4.2), however it arrives."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []

    @property
    def pending(self) -> bool:
        """Whether part of a reply has arrived."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """Take `data` and return the replies it completes. Raises `ConnectionDropped` on what is not SMTP."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ConnectionDropped("the server sent a line longer than any SMTP reply")
        return [reply for line in lines if (reply := self._take(line)) is not None]

    def _take(self, line: bytes) -> Reply | None:
        reply, more = _read_line(line)
        if not (more or self._lines):
            return reply
        if len(self._lines) >= MAX_LINES:
            raise ConnectionDropped("the server sent a reply longer than any SMTP reply")
        self._lines.append(reply.text)
        if more:
            return None
        text = "\n".join(self._lines)
        self._lines.clear()
        return Reply(reply.code, text)


@lru_cache(maxsize=256)  # servers repeat themselves: most lines were read before
def _read_line(line: bytes) -> tuple[Reply, bool]:
    """Read one line; the second value tells whether more lines follow."""
    code, mark = line[:3], line[3:4]
    if len(line) > MAX_LINE or not code.isdigit() or mark not in (b" ", b"-", b"\r", b""):
        raise ConnectionDropped("the server sent something that is not an SMTP reply")
    return Reply(int(code), line[4:].rstrip(b"\r").decode("utf-8", "replace")), mark == b"-"


_AUTHENTICATION_CODES = frozenset({530, 534, 535, 538})

_WANT_FEWER = frozenset({421, 432, 450, 451, 452, 454})
_ADDRESSING, _MAILBOX, _MAIL_SYSTEM, _POLICY = 1, 2, 3, 7
"""Subjects of enhanced status codes (RFC 3463 section 3)."""

_BY_STATUS: dict[tuple[int, int], Result] = {
    (1, 0): Result.EMAIL_FAILED_BOUNCED,
    (1, 1): Result.EMAIL_FAILED_BOUNCED,
    (1, 2): Result.EMAIL_FAILED_BOUNCED,
    (1, 3): Result.EMAIL_FAILED_INVALID_FORMAT,
    (1, 6): Result.EMAIL_FAILED_BOUNCED,
    (1, 7): Result.EMAIL_FAILED,
    (1, 8): Result.EMAIL_FAILED,
    (1, 10): Result.EMAIL_FAILED_BOUNCED,
    (2, 0): Result.EMAIL_FAILED_BOUNCED,
    (2, 1): Result.EMAIL_FAILED_BOUNCED,
    (2, 2): Result.EMAIL_FAILED_BOUNCED,
    (2, 3): Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE,
    (3, 4): Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE,
}
_BY_CODE_AT_RCPT = {
    550: Result.EMAIL_FAILED_BOUNCED,
    551: Result.EMAIL_FAILED_BOUNCED,
    553: Result.EMAIL_FAILED_BOUNCED,
}


def judge(stage: Stage, reply: Reply, recipient: str) -> Outcome:
    """Say what a reply that is not the hoped-for one means for the message; `recipient` is masked in the detail."""
    detail = describe(stage, reply, recipient)
    if reply.code in _AUTHENTICATION_CODES:
        return Transient(f"{detail} (check the SMTP user name and password)", pause=True)
    if reply.code // 100 != 5:
        unwell = _server_is_unwell(stage, reply)
        return Transient(detail, pause=unwell, slower=not unwell and _wants_fewer(reply))
    if stage is Stage.MAIL:
        return Settled(_result_at_mail(reply), f"{detail} (the server does not let us send from this sender)")
    return Settled(_result(stage, reply), detail)


def describe(stage: Stage | str, reply: Reply, recipient: str = "") -> str:
    """Return code, place and words of a reply for operators, without addresses or long numbers."""
    text = _ADDRESS.sub("<address>", " ".join(reply.text.split()))
    local = recipient.rpartition("@")[0]
    if local:
        text = re.sub(re.escape(local), "<address>", text, flags=re.IGNORECASE)
    text = "".join(c for c in _NUMBER.sub("<number>", text) if c.isprintable())
    return f"{reply.code} at {stage}: {text[:160]}".rstrip(": ")


def _server_is_unwell(stage: Stage, reply: Reply) -> bool:
    """A refusal before any recipient is named, with a 'mail system' status or 421, concerns every message.

    A 421 for reasons of policy (4.7.x) is about the rate of messages; it slows the channel down and does not stop it.
    """
    if stage is not Stage.MAIL:
        return False
    status = reply.enhanced
    return (
        reply.code == SERVICE_CLOSING
        if status is None
        else status[1] == _MAIL_SYSTEM or (reply.code == SERVICE_CLOSING and status[1] != _POLICY)
    )


def _wants_fewer(reply: Reply) -> bool:
    """Tell whether a refusal may be for the rate of messages, rather than for this recipient (RFC 3463 section 3.2).

    A server that greylists wants to see the same message again, and nothing else. One refusal proves little: it is
    their share that counts, see `varsel.mechanisms.pace`.
    """
    status = reply.enhanced
    of_recipient = status is not None and status[1] in {_ADDRESSING, _MAILBOX}
    return reply.code in _WANT_FEWER and not of_recipient and not _GREYLISTED.search(reply.text)


def _result_at_mail(reply: Reply) -> Result:
    """Whatever is said of an address here is said of the sender; only the declared size is the message's."""
    status = reply.enhanced
    too_large = reply.code == 552 if status is None else status[1:] in {(2, 3), (3, 4)}
    return Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE if too_large else Result.EMAIL_FAILED


def _result(stage: Stage, reply: Reply) -> Result:
    status = reply.enhanced
    if status is None:
        return _by_code(stage, reply.code)
    _, subject, detail = status
    if subject == _POLICY:
        return _by_policy_text(reply.text) if detail in {0, 1, *range(9, 31)} else Result.EMAIL_FAILED
    if subject in {4, 6}:
        return Result.EMAIL_FAILED
    return _BY_STATUS.get((subject, detail)) or _by_code(stage, reply.code)


def _by_code(stage: Stage, code: int) -> Result:
    if code == 552:
        return Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE
    at_rcpt = stage is Stage.RCPT
    return _BY_CODE_AT_RCPT.get(code, Result.EMAIL_FAILED) if at_rcpt else Result.EMAIL_FAILED


def _by_policy_text(text: str) -> Result:
    if _SPAM.search(text):
        return Result.EMAIL_FAILED_FILTERED_SPAM
    if _QUARANTINE.search(text):
        return Result.EMAIL_FAILED_QUARANTINED
    return Result.EMAIL_FAILED
