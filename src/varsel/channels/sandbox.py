"""Channels that send nothing: they keep what they are given, and answer as the recipient's address asks.

The magic recipients below give every final result on request; anybody else is 'delivered' at once. They are
documented for newcomers in docs/sandbox.md, which a test compares with these tables.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from varsel.channels.protocol import (
    Accepted,
    Capabilities,
    EmailMessage,
    File,
    Outcome,
    Report,
    Settle,
    Settled,
    SmsMessage,
    Transient,
    Unknown,
)
from varsel.model.addresses import e164
from varsel.model.clock import Clock
from varsel.model.ids import new_ids
from varsel.model.results import Channel, Result

KeptRow = tuple[UUID, UUID, int, int, datetime, str, str, str | None, str, int | None, str | None]
"""id, notification, channel, attempt, time, recipient, sender, subject, body, content type, files.

Files are a JSON array of `[name, MIME type, bytes]`, or None.
"""

Keep = Callable[[Sequence[KeptRow]], Awaitable[None]]
TellReports = Callable[[Channel, Sequence[Report]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sandbox answers one magic recipient.

    `at_once` is the hand-over's outcome; `report` the final result that a delivery report brings afterwards.
    `from_attempt` and later attempts are answered as an ordinary recipient is.
    """

    meaning: str
    at_once: Outcome
    report: Result | None = None
    from_attempt: int | None = None


_TAKEN = Accepted()
_BUSY = Transient("450 4.2.1 sandbox: the mailbox is busy", retry_after=timedelta(seconds=1))
_BUSY_GATEWAY = Transient("sandbox: the gateway is busy", retry_after=timedelta(seconds=1))

EMAIL_BEHAVIOURS: dict[str, Behaviour] = {
    "delivered": Behaviour("taken, then reported delivered", _TAKEN, Result.EMAIL_DELIVERED),
    "bounced": Behaviour("taken, then reported bounced", _TAKEN, Result.EMAIL_FAILED_BOUNCED),
    "spam": Behaviour("taken, then reported filtered as spam", _TAKEN, Result.EMAIL_FAILED_FILTERED_SPAM),
    "quarantined": Behaviour("taken, then reported quarantined", _TAKEN, Result.EMAIL_FAILED_QUARANTINED),
    "failed": Behaviour("taken, then reported failed", _TAKEN, Result.EMAIL_FAILED),
    "never-reported": Behaviour("taken, and no report ever comes", _TAKEN),
    "suppressed": Behaviour("refused: suppression list", Settled(Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT)),
    "invalid": Behaviour("refused: malformed address", Settled(Result.EMAIL_FAILED_INVALID_FORMAT)),
    "too-large": Behaviour("refused: message too large", Settled(Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE)),
    "transient": Behaviour("refused twice for a moment, then delivered", _BUSY, from_attempt=3),
    "unknown": Behaviour("the first answer is lost, then delivered", Unknown("sandbox: answer lost"), from_attempt=2),
}
"""By local part, at any domain: bounced@example.com."""

SMS_BEHAVIOURS: dict[str, Behaviour] = {
    "90": Behaviour("taken, then reported delivered", _TAKEN, Result.SMS_DELIVERED),
    "91": Behaviour("taken, then reported undelivered", _TAKEN, Result.SMS_FAILED_UNDELIVERED),
    "92": Behaviour("taken, then reported expired at the operator", _TAKEN, Result.SMS_FAILED_EXPIRED),
    "93": Behaviour("taken, then reported barred", _TAKEN, Result.SMS_FAILED_BARRED_RECEIVER),
    "94": Behaviour("taken, then reported deleted", _TAKEN, Result.SMS_FAILED_DELETED),
    "95": Behaviour("taken, then reported rejected", _TAKEN, Result.SMS_FAILED_REJECTED),
    "96": Behaviour("taken, and no report ever comes", _TAKEN),
    "97": Behaviour("refused: invalid number", Settled(Result.SMS_FAILED_INVALID_RECIPIENT)),
    "98": Behaviour("taken, then reported failed", _TAKEN, Result.SMS_FAILED),
    "88": Behaviour("refused twice for a moment, then delivered", _BUSY_GATEWAY, from_attempt=3),
    "89": Behaviour("the first answer is lost, then delivered", Unknown("sandbox: answer lost"), from_attempt=2),
}
"""By the last two digits of a number whose six digits before them are 990000: +47 99 00 00 91."""

_MAGIC_NUMBER = "990000"


class SandboxEmail:
    """Keeps e-mails instead of sending them."""

    name = "sandbox e-mail"
    capabilities = Capabilities(window=500, reports=True)

    def __init__(self, keep: Keep, tell: TellReports, clock: Clock) -> None:
        self._keep = keep
        self._tell = tell
        self._clock = clock

    async def send(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        """Keep every message, then answer each as its recipient asks."""
        now = self._clock.now()
        await self._keep(
            [
                (
                    kept_id,
                    m.notification_id,
                    Channel.Email,
                    m.attempt,
                    now,
                    m.to_address,
                    m.from_address,
                    m.subject,
                    m.body,
                    m.content_type,
                    _listed(m.files),
                )
                for kept_id, m in zip(new_ids(len(messages)), messages, strict=True)
            ]
        )
        behaviours = [EMAIL_BEHAVIOURS.get(m.to_address.strip().partition("@")[0].lower()) for m in messages]
        reports = _answer(messages, behaviours, Result.EMAIL_DELIVERED, settle)
        if reports:
            await self._tell(Channel.Email, reports)

    async def check(self) -> str:
        """Say that this channel sends nothing."""
        return "e-mails are kept in the sandbox and shown at /dev/inbox; nothing is sent"

    async def close(self) -> None:
        """Do nothing: there is no connection."""


class SandboxSms:
    """Keeps SMS instead of sending them."""

    name = "sandbox SMS"
    capabilities = Capabilities(window=500, reports=True)

    def __init__(self, keep: Keep, tell: TellReports, clock: Clock) -> None:
        self._keep = keep
        self._tell = tell
        self._clock = clock

    async def send(self, messages: Sequence[SmsMessage], settle: Settle) -> None:
        """Keep every message, then answer each as its recipient asks."""
        now = self._clock.now()
        await self._keep(
            [
                (
                    kept_id,
                    m.notification_id,
                    Channel.Sms,
                    m.attempt,
                    now,
                    m.recipient,
                    m.sender,
                    None,
                    m.body,
                    None,
                    None,
                )
                for kept_id, m in zip(new_ids(len(messages)), messages, strict=True)
            ]
        )
        behaviours = [_sms_behaviour(m.recipient) for m in messages]
        reports = _answer(messages, behaviours, Result.SMS_DELIVERED, settle)
        if reports:
            await self._tell(Channel.Sms, reports)

    async def check(self) -> str:
        """Say that this channel sends nothing."""
        return "SMS are kept in the sandbox and shown at /dev/inbox; nothing is sent"

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def _listed(files: Sequence[File]) -> str | None:
    """Return what is kept of files: that they were there, not what was in them."""
    listed = [(file.filename, file.mime_type, file.size) for file in files]
    return json.dumps(listed) if listed else None


def _sms_behaviour(number: str) -> Behaviour | None:
    digits = e164(number) or number
    return SMS_BEHAVIOURS.get(digits[-2:]) if digits[-8:-2] == _MAGIC_NUMBER else None


def _answer(
    messages: Sequence[EmailMessage | SmsMessage],
    behaviours: Sequence[Behaviour | None],
    ordinary: Result,
    settle: Settle,
) -> list[Report]:
    """Settle each message and return the delivery reports that are to follow."""
    delivered = Settled(ordinary)
    reports = []
    for position, (message, behaviour) in enumerate(zip(messages, behaviours, strict=True)):
        if behaviour is None or (behaviour.from_attempt is not None and message.attempt >= behaviour.from_attempt):
            settle(position, delivered)
            continue
        settle(position, behaviour.at_once)
        if behaviour.report is not None:
            reports.append(_report(message.notification_id, behaviour.report))
    return reports


def _report(notification_id: UUID, result: Result) -> Report:
    raw = f'{{"source":"sandbox","result":"{result.facts.name}"}}'
    return Report(reference=None, notification_id=notification_id, result=result, raw=raw)
