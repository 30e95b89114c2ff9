"""A crew of workers on a hand-turned clock, with the sandbox channels: everything but HTTP."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.conditions import condition_client
from varsel.channels.protocol import Capabilities, EmailMessage, Provider, Report, SmsMessage
from varsel.channels.sandbox import KeptRow, SandboxEmail, SandboxSms
from varsel.contacts.protocol import Directory
from varsel.model.clock import Clock, HandTurnedClock
from varsel.model.orders import Order
from varsel.model.results import Channel
from varsel.orders.condition import ConditionPolicy
from varsel.schedule import LIFETIME, DaytimeWindow
from varsel.storage import notifications, orders, reports, sandbox
from varsel.storage.notifications import ListedNotification
from varsel.storage.orders import OrderState
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport
from varsel.storage.sandbox import KeptMessage
from varsel.workers.apply_reports import ReportOptions
from varsel.workers.conditional_orders import AskCondition, ConditionOptions
from varsel.workers.crew import Crew, CrewOptions
from varsel.workers.expand_orders import ProcessOptions
from varsel.workers.hints import Hints
from varsel.workers.housekeeping import RetentionOptions
from varsel.workers.instant import InstantOptions
from varsel.workers.send import SendOptions

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
"""A Monday, noon in Oslo: the daytime window is open."""

LEASE = timedelta(seconds=60)
GRACE = timedelta(seconds=300)
WINDOW = DaytimeWindow(ZoneInfo("Europe/Oslo"))


def send_options(*, assume: timedelta | None = None, resend: bool = True, most_lost: int = 5) -> SendOptions:
    """Return the options of sending, as they are by default."""
    return SendOptions(
        lease=LEASE,
        bundle_size=500,
        concurrency=4,
        retry_delays=(timedelta(minutes=1), timedelta(minutes=5)),
        pause=timedelta(seconds=60),
        grace=GRACE,
        assume_delivered_after=assume,
        resend_unknown=resend,
        most_lost=most_lost,
        instant_retry_delays=(timedelta(seconds=2),),
    )


def crew_options(
    send: Mapping[Channel, SendOptions] | None = None, *, policy: ConditionPolicy | None = None
) -> CrewOptions:
    """Return the options of a whole crew, as they are by default but with short retention."""
    return CrewOptions(
        process=ProcessOptions(
            lease=LEASE,
            look_ahead=timedelta(0),
            orders_at_once=100,
            parts_at_once=4,
            chunk_size=500,
            retry_first=timedelta(seconds=60),
            retry_longest=timedelta(hours=1),
            grace=GRACE,
            window=WINDOW,
            lifetime=timedelta(hours=48),
            placeholder_fallback=None,
        ),
        condition=ConditionOptions(at_once=200, at_host=16, policy=policy or ConditionPolicy()),
        send=send or {Channel.Email: send_options(), Channel.Sms: send_options()},
        reports=ReportOptions(
            lease=LEASE, at_once=500, first_pause=timedelta(seconds=5), give_up_after=timedelta(days=7)
        ),
        retention=RetentionOptions(
            orders=timedelta(days=400),
            log=timedelta(days=700),
            feed=timedelta(days=90),
            reports=timedelta(days=90),
            sandbox=timedelta(days=30),
            sandbox_messages=10_000,
        ),
        window=WINDOW,
        poll=timedelta(milliseconds=50),
        housekeeping_every=timedelta(seconds=1),
    )


def instant_options() -> InstantOptions:
    """Return what instant orders are dispatched with in tests."""
    return InstantOptions(
        grace=GRACE,
        lifetime=LIFETIME,
        assume_delivered_after=None,
        retry_delays=(timedelta(seconds=2),),
        patience=timedelta(seconds=30),
    )


class Rig:
    """One database, one clock, one crew, and what a test asks of them."""

    def __init__(
        self,
        pool: Pool,
        directory: Directory,
        *,
        clock: Clock | None = None,
        email: Provider[EmailMessage] | None = None,
        composed: Provider[EmailMessage] | None = None,
        sms: Provider[SmsMessage] | None = None,
        options: CrewOptions | None = None,
        ask_condition: AskCondition | None = None,
        now: datetime = NOON,
        window: int = 500,
    ) -> None:
        self.pool = pool
        self.hand = HandTurnedClock(now)
        self.clock = clock or self.hand
        self.hints = Hints()
        self.email = email or self._sandbox_email(window)
        self.sms = sms or self._sandbox_sms(window)
        self.crew = Crew(
            pool=pool,
            clock=self.clock,
            directory=directory,
            ask_condition=ask_condition or condition_client(self.clock).ask,
            email=self.email,
            composed=composed or self.email,
            sms=self.sms,
            hints=self.hints,
            options=options or crew_options(),
        )

    def _sandbox_email(self, window: int) -> SandboxEmail:
        provider = SandboxEmail(self._keep, self._tell, self.clock)
        provider.capabilities = Capabilities(window, reports=True)
        return provider

    def _sandbox_sms(self, window: int) -> SandboxSms:
        provider = SandboxSms(self._keep, self._tell, self.clock)
        provider.capabilities = Capabilities(window, reports=True)
        return provider

    async def _keep(self, rows: Sequence[KeptRow]) -> None:
        await sandbox.keep(self.pool, rows)

    async def _tell(self, channel: Channel, told: Sequence[Report]) -> None:
        await self.report(*(ArrivedReport(channel, r.reference, r.notification_id, r.result, r.raw) for r in told))

    async def report(self, *arrived: ArrivedReport) -> None:
        """Keep delivery reports as a receiver does."""
        await reports.keep(self.pool, arrived, now=self.clock.now())

    async def store(self, order: Order) -> UUID:
        """Store an order as intake does."""
        await (orders.insert_large if len(order.recipients) > 1 else _insert_one)(self.pool, order)
        return order.id

    async def work(self, *, after: timedelta = timedelta(0)) -> None:
        """Turn the clock and let the crew do everything that is due."""
        self.hand.turn(after)
        await self.crew.run_until_idle()

    async def state(self, order_id: UUID, creator: str = "ttd") -> OrderState:
        """Read an order's state; it must exist."""
        (state,) = await orders.statuses(self.pool, [(order_id, creator)])
        assert state is not None
        return state

    async def listed(self, order_id: UUID, channel: Channel = Channel.Email) -> list[ListedNotification]:
        """Read an order's notifications of a channel."""
        return await notifications.of_order(self.pool, order_id, channel, limit=1_000_000)

    async def kept(self) -> list[KeptMessage]:
        """Read what the sandbox was given, newest first."""
        return await sandbox.newest(self.pool, limit=1_000_000)


async def _insert_one(pool: Pool, order: Order) -> None:
    await orders.insert_many(pool, [order])
