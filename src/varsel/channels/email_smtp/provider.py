"""The SMTP provider: messages in, one outcome for each."""

import asyncio
from collections.abc import Sequence

from varsel.channels.email_smtp.batch import Batch
from varsel.channels.email_smtp.draft import Drafter
from varsel.channels.email_smtp.extensions import describe
from varsel.channels.email_smtp.login import Tokens
from varsel.channels.email_smtp.opening import Opener, take_leave
from varsel.channels.email_smtp.pool import Pool
from varsel.channels.email_smtp.settings import SmtpSettings
from varsel.channels.protocol import Capabilities, EmailMessage, Settle
from varsel.model.clock import Clock

_PER_CONNECTION = 4  # one being answered for, one pipelined behind it, and as many again to be ready
_MAX_WINDOW = 200


class SmtpProvider:
    """Sends e-mail through one submission server; any number of `send` calls share its connections.

    The reference of an accepted message is its Message-ID without the angle brackets. With `tokens` it signs in by them
    (XOAUTH2) instead of a password, and closes them in the end. Raises `SettingsError` if the
    CA file cannot be read.
    """

    name = "smtp"

    def __init__(self, settings: SmtpSettings, clock: Clock, tokens: Tokens | None = None) -> None:
        self.capabilities = Capabilities(
            window=min(_MAX_WINDOW, settings.max_connections * _PER_CONNECTION), reports=False
        )
        self._settings = settings
        self._tokens = tokens
        self._opener = Opener(settings, tokens)
        self._pool = Pool(settings, self._opener.open, Drafter(settings, clock.now), clock.now)

    async def send(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        """Hand over `messages`; see `Provider.send`. Stopped early, what was not begun is settled as transient."""
        if not messages:
            return
        batch = Batch(messages, settle)
        self._pool.submit(batch.jobs)
        try:
            await batch.done
        except asyncio.CancelledError:
            self._pool.withdraw(batch)
            raise

    def recall(self) -> None:
        """Settle what has not been begun as not offered, because the server wants fewer messages per second."""
        self._pool.recall()

    async def check(self) -> str:
        """Connect, sign in and leave; say what was found. Raises `ProviderUnreachable`."""
        connection = await self._opener.open()
        encrypted = connection.wire.tls_version() or "no encryption"
        await take_leave(connection.wire)
        signed_in = "signed in" if self._settings.username is not None else "without signing in"
        where = f"{self._settings.host}:{self._settings.port}"
        return f"SMTP server {where} answers ({encrypted}, {signed_in}) and offers {describe(connection.offered)}."

    async def close(self) -> None:
        """Leave the server politely."""
        await self._pool.close()
        if self._tokens is not None:
            await self._tokens.aclose()
