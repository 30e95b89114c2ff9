"""What SMTP tests say over and over: a message, a provider, the outcomes of a send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from varsel.channels.email_smtp import Security, SmtpProvider, SmtpSettings
from varsel.channels.protocol import EmailMessage, Outcome
from varsel.model.clock import Clock, HandTurnedClock
from varsel.model.orders import ContentType

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTIFICATION = UUID("0197f3c2-8b1e-7c55-9d1a-1f2e3d4c5b6a")


def message(to_address: str = "kari@example.no", *, number: int = 0, **changes: Any) -> EmailMessage:
    """Make a message; `number` tells its notification id from others."""
    fields: dict[str, Any] = {
        "notification_id": UUID(int=NOTIFICATION.int + number),
        "to_address": to_address,
        "from_address": "noreply@example.com",
        "subject": "Et brev",
        "body": "Du har et brev.",
        "content_type": ContentType.Plain,
    }
    return EmailMessage(**(fields | changes))


def messages(count: int) -> list[EmailMessage]:
    """Make `count` messages to different people."""
    return [message(f"user{number}@example.no", number=number) for number in range(count)]


@contextlib.asynccontextmanager
async def smtp_provider(port: int, *, clock: Clock | None = None, **changes: Any) -> AsyncIterator[SmtpProvider]:
    """Make a provider for a server on 127.0.0.1, without encryption unless told, and close it in the end."""
    fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": Security.NONE}
    provider = SmtpProvider(SmtpSettings(**(fields | changes)), clock or HandTurnedClock(START))
    try:
        yield provider
    finally:
        await provider.close()


async def outcomes(provider: SmtpProvider, batch: Sequence[EmailMessage]) -> list[Outcome]:
    """Send a batch and return the outcome of each, making sure that there is exactly one."""
    settled: dict[int, Outcome] = {}

    def settle(position: int, outcome: Outcome) -> None:
        assert position not in settled
        settled[position] = outcome

    await provider.send(batch, settle)
    return [settled[position] for position in range(len(batch))]


async def outcome(provider: SmtpProvider, single: EmailMessage) -> Outcome:
    """Send one message and return its outcome."""
    (only,) = await outcomes(provider, [single])
    return only


async def until(condition: Callable[[], bool], *, within: timedelta = timedelta(seconds=10)) -> None:
    """Let other tasks run until `condition` holds. Raises `TimeoutError`."""
    async with asyncio.timeout(within.total_seconds()):
        while not condition():  # noqa: ASYNC110 - polls what has no event to wait for
            await asyncio.sleep(0.001)
