"""E-mails with attachments: fetched at last, all or nothing, then handed on to the provider that sends them.

How an address is fetched is handed in. Addresses are secrets: nothing said here repeats one (integrations.md 4.9).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from varsel.channels.base64_lines import Base64Lines
from varsel.channels.protocol import Capabilities, EmailMessage, File, Outcome, Provider, Settle, Settled, Transient
from varsel.errors import AddressNotFetched, AddressRefused, AnswerTooLarge, AnswerUnreadable
from varsel.model.orders import Attachment
from varsel.model.results import Result

_TRY_AGAIN = frozenset({408, 429})
_GZIP = "application/gzip"

_log = logging.getLogger(__name__)


Take = Callable[[bytes], None]
"""Takes the next of a file's content."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The status of an answer, and how long its server asks to be left alone."""

    status: int
    retry_after: timedelta | None = None


class Fetch(Protocol):
    """Fetches one address, within the time and size it may take.

    Content is given on as it arrives, and only with a status of success; `decode` takes its content coding off. Raises
    `AddressNotFetched` in all its forms.
    """

    def __call__(self, address: str, take: Take, *, decode: bool) -> Awaitable[Fetched]:
        """Fetch `address`."""
        ...


BeginFetching = Callable[[], Fetch]
"""Begins with an e-mail: what is fetched by one `Fetch` is counted together against the limit of size."""


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """Attachments of one e-mail fetched at once, e-mails in hand at once, and how long all those of one may take."""

    at_once: int = 5
    emails: int = 4
    in_all: timedelta = timedelta(minutes=5)


class AttachingProvider:
    """Fetches what e-mails enclose and sends them through `sender`, which whoever made it closes.

    Only so many e-mails are in hand at once, however often `send` is called, because their files are in memory until
    `sender` has answered for them: once, as Base64.
    """

    def __init__(
        self,
        sender: Provider[EmailMessage],
        begin_fetching: BeginFetching,
        limits: AttachmentLimits = AttachmentLimits(),
    ) -> None:
        self.name = sender.name
        self._sender: Provider[EmailMessage] = sender
        self._begin_fetching = begin_fetching
        self._limits = limits
        self._places = asyncio.Semaphore(limits.emails)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the sender, with a window no larger than the e-mails in hand at once."""
        sender = self._sender.capabilities
        return replace(sender, window=min(sender.window, self._limits.emails))

    async def send(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        """Hand over `messages`; see `Provider.send`. What could not be fetched was certainly not sent."""
        sending = (self._send_one(message, partial(settle, position)) for position, message in enumerate(messages))
        for ended in await asyncio.gather(*sending, return_exceptions=True):
            if ended is not None:
                raise ended

    async def check(self) -> str:
        """Look at the provider that sends."""
        return await self._sender.check()

    async def close(self) -> None:
        """Do nothing: connections for fetching last as long as an answer."""

    async def _send_one(self, message: EmailMessage, settle: Callable[[Outcome], None]) -> None:
        async with self._places:
            try:
                files = await self._files(message.attachments)
            except _NotFetched as failure:
                settle(failure.outcome)
                return
            complete = replace(message, attachments=(), files=files)
            await self._sender.send([complete], lambda _, outcome: settle(outcome))

    async def _files(self, attachments: Sequence[Attachment]) -> tuple[File, ...]:
        """Fetch all attachments; the first failure ends it for the others. Raises `_NotFetched`."""
        try:
            async with asyncio.timeout(self._limits.in_all.total_seconds()):
                return await self._fetched(attachments)
        except TimeoutError:
            seconds = self._limits.in_all.total_seconds()
            raise _NotFetched(Transient(f"the attachments could not all be fetched within {seconds:g} s")) from None
        except ExceptionGroup as failures:
            raise _first(failures) from None

    async def _fetched(self, attachments: Sequence[Attachment]) -> tuple[File, ...]:
        fetch = self._begin_fetching()
        files = dict[int, File]()
        waiting = iter(enumerate(attachments))

        async def fetch_waiting() -> None:
            for position, attachment in waiting:
                files[position] = await _file(attachment, fetch)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._limits.at_once, len(attachments))):
                group.create_task(fetch_waiting())
        return tuple(files[position] for position in range(len(attachments)))


class _NotFetched(Exception):
    """An attachment is missing; the e-mail gets this outcome."""

    def __init__(self, outcome: Settled | Transient) -> None:
        self.outcome = outcome
        super().__init__(outcome.detail)


async def _file(attachment: Attachment, fetch: Fetch) -> File:
    """Fetch one attachment. Raises `_NotFetched` for an answer that is no content (integrations.md 4.9).

    A gzip file is attached as it is: stores often call its own compression its content coding, as web servers do.
    """
    content = Base64Lines()
    decode = attachment.mime_type.strip().lower() != _GZIP
    fetched = await fetch(attachment.sas_url, content.take, decode=decode)
    status = fetched.status
    if 200 <= status <= 299:
        return File(attachment.filename, attachment.mime_type, content.finish(), content.size)
    said = f"an attachment's address answered {status}"
    if status in _TRY_AGAIN or status >= 500:
        raise _NotFetched(Transient(said, fetched.retry_after))
    raise _NotFetched(Settled(Result.EMAIL_FAILED_INVALID_SAS_URL, said))


def _first(failures: ExceptionGroup[Exception]) -> _NotFetched:
    """Return the failure that ended the fetching, as the outcome it leads to."""
    match failures.exceptions[0]:
        case _NotFetched() as judged:
            return judged
        case AddressRefused() | AnswerUnreadable() as final:
            return _NotFetched(Settled(Result.EMAIL_FAILED_INVALID_SAS_URL, str(final)))
        case AnswerTooLarge():
            detail = "the attachments together are larger than VARSEL_ATTACHMENT_LIMIT allows"
            return _NotFetched(Settled(Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE, detail))
        case AddressNotFetched() as unreachable:
            return _NotFetched(Transient(str(unreachable)))
        case unexpected:  # whose words may quote the address, so only its kind is told
            kind = type(unexpected).__name__
            _log.error("fetching attachments failed outside its contract: %s", kind)
            return _NotFetched(Transient(f"an attachment could not be fetched ({kind})"))
