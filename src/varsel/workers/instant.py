"""Instant orders: stored, dispatched within the request, recorded, and only then answered (processing.md W8).

The idempotency id is held from the first commit on, so equal requests never dispatch twice; it is let go only when
the message certainly did not go out.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from varsel.channels.protocol import Accepted, EmailMessage, Outcome, Provider, Settled, SmsMessage, Transient, Unknown
from varsel.errors import StorageError
from varsel.model.chains import Chain
from varsel.model.clock import Clock
from varsel.model.orders import unpack_recipients
from varsel.model.results import DELIVERED, FAILED, HANDED_OVER, NEW, Channel
from varsel.notifications.sms_parts import kept_parts
from varsel.schedule import instant_expiry
from varsel.storage import chains, chunks, instants, notifications, reports
from varsel.storage.chains import KnownChain
from varsel.storage.instants import HeldNotification, InstantNotification
from varsel.storage.notifications import Settlement, Step
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import persistently

_log = logging.getLogger(__name__)


class Dispatched(Enum):
    """What came of the dispatch: the provider took the message, certainly did not, or nobody knows."""

    HandedOver = auto()
    NotSent = auto()
    Unknown = auto()


@dataclass(frozen=True, slots=True)
class InstantOptions:
    """What an operator may set about instant orders."""

    grace: timedelta
    lifetime: timedelta
    """Of e-mails; for an SMS its caller names the time to live."""
    assume_delivered_after: timedelta | None
    """For e-mail through a provider without reports."""


class DispatchInstant:
    """Stores an instant order and hands its message over at once."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        email: Provider[EmailMessage],
        sms: Provider[SmsMessage],
        options: InstantOptions,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._email = email
        self._sms = sms
        self._options = options

    async def __call__(self, chain: Chain) -> Dispatched | KnownChain:
        """Dispatch the chain's message; or return the earlier chain that has its idempotency id."""
        channel = _channel(chain)
        held = await instants.insert(self._pool, chain, self._notification(chain, channel))
        if isinstance(held, KnownChain):
            return held
        outcome = await self._hand_over(chain, channel, held)
        await self._record(chain, channel, held, outcome)
        return _dispatched(outcome)

    def _notification(self, chain: Chain, channel: Channel) -> InstantNotification:
        text = chain.main.texts.sms
        expiry = instant_expiry(chain.created, self._time_to_live(chain))
        return InstantNotification(
            channel=channel,
            address=_address(chain),
            expiry=expiry,
            deadline=expiry + self._options.grace,
            segments=kept_parts(text.body) if text and channel is Channel.Sms else None,
        )

    def _time_to_live(self, chain: Chain) -> timedelta:
        seconds = chain.main.time_to_live_seconds
        return self._options.lifetime if seconds is None else timedelta(seconds=seconds)

    async def _hand_over(self, chain: Chain, channel: Channel, held: HeldNotification) -> Outcome:
        outcomes: list[Outcome] = [Unknown("the provider gave no outcome")]
        try:
            if channel is Channel.Email:
                await self._email.send([_email(chain, held)], outcomes.__setitem__)
            else:
                await self._sms.send([_sms(chain, held)], outcomes.__setitem__)
        except Exception:  # noqa: BLE001 - a provider that breaks its contract leaves the outcome unknown, no more
            _log.exception("the provider of an instant order failed outside its contract")
        return outcomes[0]

    async def _record(self, chain: Chain, channel: Channel, held: HeldNotification, outcome: Outcome) -> None:
        now = self._clock.now()
        settlement = self._settlement(channel, held, outcome)

        async def write(connection: Connection) -> None:
            if settlement.reference is not None:
                await reports.hasten(connection, [settlement.reference], now=now)
            await notifications.settle(connection, [settlement], now=now)
            if _dispatched(outcome) is Dispatched.NotSent:
                await chains.release(connection, chain.id)
            if not isinstance(outcome, Unknown):
                await chunks.hand_over(connection, [(held.chunk, self._awaited_until(channel, held, settlement, now))])

        await persistently(self._pool, write)

    def _settlement(self, channel: Channel, held: HeldNotification, outcome: Outcome) -> Settlement:
        new = NEW[channel]
        provider = (self._email if channel is Channel.Email else self._sms).name
        match outcome:
            case Accepted(reference):
                assumed = channel is Channel.Email and self._options.assume_delivered_after == timedelta(0)
                taken = (DELIVERED if assumed else HANDED_OVER)[channel]
                return Settlement(held.id, Step(new, taken, 1, assumed=assumed, provider=provider), reference)
            case Settled(result, detail, reference):
                return Settlement(held.id, Step(new, result, 1, detail, provider=provider), reference)
            case Transient(detail):
                return Settlement(held.id, Step(new, FAILED[channel], 1, detail))
            case Unknown(detail):  # stays under way: a report or its expiry decides, nobody sends it again
                return Settlement(held.id, Step(new, new, 1, detail))

    def _awaited_until(
        self, channel: Channel, held: HeldNotification, settlement: Settlement, now: datetime
    ) -> datetime | None:
        if settlement.step.result is not HANDED_OVER[channel]:
            return None
        expired = held.expiry + self._options.grace
        after = self._options.assume_delivered_after if channel is Channel.Email else None
        return expired if after is None else min(expired, now + after)


def _dispatched(outcome: Outcome) -> Dispatched:
    match outcome:
        case Accepted():
            return Dispatched.HandedOver
        case Settled(result):
            return Dispatched.HandedOver if result.facts.succeeded else Dispatched.NotSent
        case Transient():
            return Dispatched.NotSent
        case Unknown():
            return Dispatched.Unknown


def _channel(chain: Chain) -> Channel:
    return Channel.Email if chain.main.texts.email is not None else Channel.Sms


def _address(chain: Chain) -> str:
    (recipient,) = unpack_recipients(chain.main.recipients[0])
    return recipient.email_address or recipient.mobile_number or ""


def _email(chain: Chain, held: HeldNotification) -> EmailMessage:
    text = chain.main.texts.email
    if text is None:
        raise StorageError(f"Instant order {chain.main.id} has no e-mail text.")
    return EmailMessage(held.id, _address(chain), text.from_address, text.subject, text.body, text.content_type)


def _sms(chain: Chain, held: HeldNotification) -> SmsMessage:
    text = chain.main.texts.sms
    if text is None:
        raise StorageError(f"Instant order {chain.main.id} has no SMS text.")
    return SmsMessage(held.id, _address(chain), text.sender_number, text.body, held.expiry - chain.created)
