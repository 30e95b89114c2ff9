"""Instant orders: stored, dispatched within the request, recorded, and only then answered (processing.md W8).

The idempotency id is held from the first commit on, so equal requests never dispatch twice; a request that finds it
held waits for the hand-over that is open. Where nobody was reached, the order is removed and its id is free.
"""

import asyncio
import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from varsel import delivery
from varsel.channels.protocol import Accepted, EmailMessage, Outcome, Provider, Settled, SmsMessage, Transient, Unknown
from varsel.errors import StorageError
from varsel.mechanisms.backoff import lengthened, stepped
from varsel.model.chains import Chain
from varsel.model.clock import Clock
from varsel.model.orders import unpack_recipients
from varsel.model.results import DELIVERED, FAILED_TTL, HANDED_OVER, NEW, Channel
from varsel.notifications.sms_parts import kept_parts
from varsel.schedule import instant_expiry
from varsel.storage import chunks, instants, notifications, reports
from varsel.storage.chains import KnownChain
from varsel.storage.instants import HandOver, HeldNotification, InstantNotification
from varsel.storage.notifications import Settlement, Step
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import persistently

_log = logging.getLogger(__name__)


class Dispatched(Enum):
    """What a caller may be told of a dispatch."""

    Accepted = auto()
    """The provider took the message or refused it for good, or it is tried again: its order says what becomes of it."""
    NotReached = auto()
    """No provider was reached. Nothing is left of the order, and its idempotency id is free."""
    Unknown = auto()
    """The provider's answer was lost, or is not there yet. The idempotency id stays held."""


@dataclass(frozen=True, slots=True)
class InstantOptions:
    """What an operator may set about instant orders."""

    grace: timedelta
    lifetime: timedelta
    """Of e-mails; for an SMS its caller names the time to live."""
    assume_delivered_after: timedelta | None
    """For e-mail through a provider without reports."""
    retry_delays: tuple[timedelta, ...]
    """Pauses before a message is tried again that was refused for a moment."""
    patience: timedelta
    """How long a request waits for the hand-over that an equal one has begun."""


_FIRST_LOOK = 0.02
_LONGEST_BETWEEN_LOOKS = 0.5
"""Seconds between two looks at a hand-over that another request, perhaps in another process, has begun."""


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
        """Dispatch the chain's message; or return the earlier chain that has its idempotency id, once it is decided."""
        while True:
            channel = _channel(chain)
            held = await instants.insert(self._pool, chain, self._notification(chain, channel))
            if not isinstance(held, KnownChain):
                outcome = await self._hand_over(chain, channel, held)
                return await self._record(chain, channel, held, outcome)
            match await self._closed(held):
                case HandOver.Open:
                    return Dispatched.Unknown
                case HandOver.Closed:
                    return held
                case HandOver.Forgotten:
                    continue  # nobody was reached, and the id is free: this request takes its turn

    async def _closed(self, known: KnownChain) -> HandOver:
        """Wait until the hand-over of an earlier request is decided, for as long as a caller waits."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._options.patience.total_seconds(), _FIRST_LOOK
        while True:
            state = await instants.hand_over_of(self._pool, known.placed.main.id, now=self._clock.now())
            if state is not HandOver.Open or loop.time() >= end:
                return state
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_BETWEEN_LOOKS)

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

    async def _record(self, chain: Chain, channel: Channel, held: HeldNotification, outcome: Outcome) -> Dispatched:
        """Record what the outcome means for the notification, however long the database is away."""
        now = self._clock.now()
        match outcome:
            case Transient(reached=False):
                await persistently(self._pool, lambda connection: instants.forget(connection, chain))
                return Dispatched.NotReached
            case Transient(detail, retry_after):
                follow = self._follow(held, retry_after, now)
                result = NEW if isinstance(follow, delivery.RetryAt) else FAILED_TTL
                settlement = Settlement(held.id, Step(NEW[channel], result[channel], 1, detail))
                await self._write(held, settlement, follow, now)
            case Unknown(detail):  # stays under way: a report or its expiry decides, nobody sends it again
                await self._write(held, Settlement(held.id, Step(NEW[channel], NEW[channel], 1, detail)), None, now)
                return Dispatched.Unknown
            case Accepted() | Settled():
                settlement = self._settlement(channel, held, outcome)
                await self._write(held, settlement, self._awaited(channel, held, settlement, now), now)
        return Dispatched.Accepted

    async def _write(
        self,
        held: HeldNotification,
        settlement: Settlement,
        follow: "delivery.RetryAt | delivery.Expired | _Awaits | None",
        now: datetime,
    ) -> None:
        """Store the result and what follows: another attempt, a report, the end, or (None) a deadline that is set."""

        async def write(connection: Connection) -> None:
            if settlement.reference is not None:
                await reports.hasten(connection, [settlement.reference], now=now)
            await notifications.settle(connection, [settlement], now=now)
            match follow:
                case delivery.RetryAt(at):
                    await chunks.hand_back(connection, [held.chunk], due=at)
                case delivery.Expired():
                    await chunks.hand_over(connection, [(held.chunk, None)])
                case _Awaits(until):
                    await chunks.hand_over(connection, [(held.chunk, until)])

        await persistently(self._pool, write)

    def _follow(
        self, held: HeldNotification, retry_after: timedelta | None, now: datetime
    ) -> "delivery.RetryAt | delivery.Expired":
        jitter = random.random()  # noqa: S311 - spreads retries; nobody gains by guessing it
        pause = lengthened(stepped(1, self._options.retry_delays), jitter)
        return delivery.after_transient(now=now, expiry=held.expiry, pause=pause, retry_after=retry_after)

    def _settlement(self, channel: Channel, held: HeldNotification, outcome: Accepted | Settled) -> Settlement:
        new = NEW[channel]
        provider = (self._email if channel is Channel.Email else self._sms).name
        match outcome:
            case Accepted(reference):
                assumed = channel is Channel.Email and self._options.assume_delivered_after == timedelta(0)
                taken = (DELIVERED if assumed else HANDED_OVER)[channel]
                return Settlement(held.id, Step(new, taken, 1, assumed=assumed, provider=provider), reference)
            case Settled(result, detail, reference):
                return Settlement(held.id, Step(new, result, 1, detail, provider=provider), reference)

    def _awaited(self, channel: Channel, held: HeldNotification, settlement: Settlement, now: datetime) -> "_Awaits":
        if settlement.step.result is not HANDED_OVER[channel]:
            return _Awaits(None)
        expired = held.expiry + self._options.grace
        after = self._options.assume_delivered_after if channel is Channel.Email else None
        return _Awaits(expired if after is None else min(expired, now + after))


@dataclass(frozen=True, slots=True)
class _Awaits:
    """The time at which a notification that was handed over is decided at the latest; None when it is final."""

    until: datetime | None


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
