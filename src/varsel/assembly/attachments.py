"""Composed e-mails: the provider of e-mail, with their attachments fetched through the guard of outgoing calls."""

from datetime import timedelta

from varsel.channels.attachments import AttachingProvider, AttachmentLimits, BeginFetching, Fetch, Fetched, Take
from varsel.channels.protocol import EmailMessage, Provider
from varsel.model.clock import Clock, SystemClock
from varsel.outgoing.destination import read_destination
from varsel.outgoing.fetch import Fetcher, SizeLimit
from varsel.settings import Settings

_AZURE_BLOBS = ".blob.core.windows.net"


def composed_email(settings: Settings, email: Provider[EmailMessage], fetcher: Fetcher) -> Provider[EmailMessage]:
    """Return a provider that fetches attachments before it sends through `email`."""
    begin = fetching(fetcher, within=settings.attachment_timeout, limit=settings.attachment_limit)
    limits = AttachmentLimits(at_once=settings.attachment_concurrency, emails=settings.attachment_emails)
    return AttachingProvider(email, begin, limits)


def attachment_hosts(settings: Settings) -> tuple[str, ...]:
    """Return where attachments may lie: host names, and endings of such that begin with a dot."""
    return (_AZURE_BLOBS, *(name.removeprefix("*") for name in settings.attachment_hosts))


def fetching(fetcher: Fetcher, *, within: timedelta, limit: int, clock: Clock | None = None) -> BeginFetching:
    """Return what fetches attachments: each `within` its time, those of one e-mail together no more than `limit` bytes.

    Only content is read and counted, not what a server has to say about a failure.
    """
    time = clock or SystemClock()

    def begin() -> Fetch:
        left = SizeLimit(limit)

        async def fetch(address: str, take: Take, *, decode: bool) -> Fetched:
            async with fetcher.open(read_destination(address), within=within, limit=left) as incoming:
                if 200 <= incoming.status <= 299:
                    async for chunk in incoming.chunks(decode=decode):
                        take(chunk)
                return Fetched(incoming.status, incoming.retry_after(time.now()))

        return fetch

    return begin
