"""Orders that carry a send condition, asked about over real HTTP (processing.md 1.7)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.condition_endpoint import NO, YES, ConditionEndpoint, Does, Says
from tests.support.conditions import TRUSTS_NOBODY, condition_client
from tests.support.directories import FragileDirectory
from tests.support.loopback import written
from tests.support.oauth_server import CLIENT_ID, CLIENT_SECRET, SCOPE, OAuthServer
from tests.support.orders import emails, make_order, many
from tests.support.rig import LEASE, NOON, Rig, crew_options
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock, SystemClock
from varsel.model.orders import OrderStatus, Recipient
from varsel.orders.condition import ConditionPolicy, Undecided
from varsel.outgoing.authentication import Bearer, Introduction
from varsel.outgoing.client_credentials import Client, ClientCredentials
from varsel.outgoing.tokens import KeptTokens
from varsel.outgoing.turns import TurnLimits
from varsel.outgoing.verdict import Inconclusive, Met, NotAsked, NotMet, Verdict
from varsel.storage import feed, orders
from varsel.storage.pool import Pool
from varsel.workers.conditional_orders import ConditionOptions

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
EMPTY, BROKEN = Says(204), Says(500, NO.body)
SENT, STOPPED, WAITING = OrderStatus.Completed, OrderStatus.SendConditionNotMet, OrderStatus.Processing


@pytest.fixture
def rig(pool: Pool) -> Rig:
    return Rig(pool, FixedDirectory(None))


async def store(rig: Rig, url: str, recipients: Sequence[Recipient] = tuple(emails("kari"))) -> UUID:
    """Store an order with a condition that is due now."""
    return await rig.store(make_order(recipients, rig.clock.now(), condition_endpoint=url))


async def trouble(pool: Pool, order: UUID) -> str | None:
    """Read why an order is delayed."""
    text: str | None = await pool.fetchval("SELECT trouble FROM orders WHERE id = $1", order)
    return text


# --- what an answer leads to


async def test_the_condition_is_asked_at_the_send_time_and_yes_sends(rig: Rig) -> None:
    async with ConditionEndpoint(YES, otherwise=NO) as endpoint:
        url = endpoint.url("/check?case=42", "condition.example.com")
        order = make_order(emails("kari"), NOON, send_at=NOON + MINUTE, condition_endpoint=url)
        await rig.store(order)
        await rig.work(after=59 * SECOND)
        assert endpoint.received == []

        await rig.work(after=SECOND)

        (asked,) = endpoint.received
    assert (asked.method, asked.target, asked.headers["host"]) == ("GET", "/check?case=42", url.split("/")[2])
    assert (await rig.state(order.id)).status is SENT
    assert [kept.recipient for kept in await rig.kept()] == ["kari@example.com"]
    await assert_nothing_is_held(rig.pool)


async def test_no_ends_the_order_and_the_feed_tells(rig: Rig) -> None:
    async with ConditionEndpoint(NO) as endpoint:
        order = await store(rig, endpoint.url())
        await rig.work(after=MINUTE)
        await rig.work(after=10 * MINUTE)
        assert len(endpoint.received) == 1

    state = await rig.state(order)
    assert (state.status, state.last_update, state.email_generated) == (STOPPED, NOON + MINUTE, 0)
    assert await rig.listed(order) == []
    assert await rig.kept() == []
    (entry,) = await feed.after(rig.pool, "ttd", 0, limit=10)
    assert (entry.order_id, entry.status, entry.last_update, entry.recipients) == (order, STOPPED, NOON + MINUTE, [])
    await assert_nothing_is_held(rig.pool)


@pytest.mark.parametrize(
    ("first", "second", "end"),
    [
        (EMPTY, EMPTY, SENT),
        (BROKEN, BROKEN, SENT),
        (Does.DROP, Says(200, b"{}"), SENT),
        (BROKEN, NO, STOPPED),
        (BROKEN, YES, SENT),
    ],
)
async def test_without_an_answer_it_is_asked_once_more_after_a_minute(
    rig: Rig, first: Says | Does, second: Says | Does, end: OrderStatus
) -> None:
    async with ConditionEndpoint(first, second) as endpoint:
        order = await store(rig, endpoint.url("/check?secret=1"))
        await rig.work()
        await rig.work(after=59 * SECOND)

        state = await rig.state(order)
        assert (state.status, state.last_update, len(endpoint.received)) == (WAITING, NOON, 1)
        delay = await trouble(rig.pool, order)
        assert delay is not None
        assert delay.startswith("the send condition is undecided: ")
        assert "secret" not in delay

        await rig.work(after=SECOND)
        assert len(endpoint.received) == 2

    assert (await rig.state(order)).status is end
    assert len(await rig.kept()) == (end is SENT)
    assert await trouble(rig.pool, order) is None
    await assert_nothing_is_held(rig.pool)


async def test_without_a_token_an_order_waits_until_one_can_be_had(pool: Pool) -> None:
    clock = HandTurnedClock(NOON)
    async with OAuthServer(lifetime="3599") as server, ConditionEndpoint(NO) as endpoint:
        server.script.extend([written(503, b"")] * 2)
        client = Client(server.token_url, CLIENT_ID, CLIENT_SECRET, SCOPE)
        source = ClientCredentials(lambda: client, clock, tls=TRUSTS_NOBODY)
        introduction = Introduction(Bearer(KeptTokens(source, clock)), over_http=True)
        asking = condition_client(clock, introduction=introduction)
        rig = Rig(pool, FixedDirectory(None), clock=clock, ask_condition=asking.ask)
        order = await store(rig, endpoint.url())
        await rig.work()
        for _ in range(10):
            assert (await rig.state(order)).status is WAITING, "no token says nothing of the condition"
            clock.turn(2 * MINUTE)
            await rig.work()
            if endpoint.received:
                break
        assert [asked.headers["authorization"] for asked in endpoint.received] == ["Bearer oauth-1"]
    assert (await rig.state(order)).status is STOPPED
    assert await rig.kept() == []


@pytest.mark.parametrize("wish", ["300", "Mon, 15 Jun 2026 10:05:00 GMT"])
async def test_an_endpoint_that_is_busy_is_asked_again_when_it_wishes(rig: Rig, wish: str) -> None:
    async with ConditionEndpoint(Says(503, b"", {"Retry-After": wish}), NO) as endpoint:
        order = await store(rig, endpoint.url())
        await rig.work()
        await rig.work(after=5 * MINUTE - SECOND)
        assert len(endpoint.received) == 1
        await rig.work(after=SECOND)
    assert (await rig.state(order)).status is STOPPED


async def test_a_condition_behind_a_redirect_of_its_host_stops_the_order(rig: Rig) -> None:
    async with ConditionEndpoint(Says(308, b"", {"Location": "/check/"}), NO) as endpoint:
        order = await store(rig, endpoint.url("/check"))
        await rig.work()
    assert (await rig.state(order)).status is STOPPED
    assert await rig.kept() == []


async def test_undecided_may_mean_unsent(pool: Pool) -> None:
    rig = Rig(pool, FixedDirectory(None), options=crew_options(policy=ConditionPolicy(Undecided.DO_NOT_SEND)))
    async with ConditionEndpoint(otherwise=BROKEN) as endpoint:
        order = await store(rig, endpoint.url())
        await rig.work()
        assert (await rig.state(order)).status is WAITING
        await rig.work(after=MINUTE)

    assert (await rig.state(order)).status is STOPPED
    assert len(await feed.after(pool, "ttd", 0, limit=10)) == 1
    assert await rig.kept() == []


@pytest.mark.parametrize(("answer", "end"), [(YES, SENT), (NO, STOPPED), (BROKEN, STOPPED)])
async def test_undecided_may_mean_held_for_so_long(pool: Pool, answer: Says, end: OrderStatus) -> None:
    policy = ConditionPolicy(Undecided.HOLD, attempts=1, longest_hold=10 * MINUTE)
    rig = Rig(pool, FixedDirectory(None), options=crew_options(policy=policy))
    async with ConditionEndpoint(BROKEN, BROKEN, BROKEN, answer) as endpoint:
        order = await store(rig, endpoint.url())
        for pause in (0, 1, 2, 4):
            assert (await rig.state(order)).status in (OrderStatus.Registered, WAITING)
            await rig.work(after=pause * MINUTE)
        assert len(endpoint.received) == 4

    assert (await rig.state(order)).status is end
    await assert_nothing_is_held(pool)


class Told:
    """Answers as told; `asked` counts the questions."""

    def __init__(self, *verdicts: Verdict) -> None:
        self._verdicts = list(verdicts)
        self.asked = 0

    async def __call__(self, _url: str, _creator: str) -> Verdict:
        self.asked += 1
        return self._verdicts.pop(0)


async def test_what_could_not_be_asked_is_not_counted(pool: Pool) -> None:
    busy, unclear = NotAsked("it is being asked too much"), Inconclusive("it answered 500")
    resting = NotAsked("it is left alone", rest=2 * MINUTE)
    told = Told(busy, busy, unclear, resting, unclear)
    rig = Rig(pool, FixedDirectory(None), ask_condition=told)
    order = await store(rig, "https://condition.example.com/")
    pauses = []
    for _ in range(4):
        await rig.work()
        assert (await rig.state(order)).status is WAITING
        pauses.append(await pool.fetchval("SELECT due FROM orders") - rig.hand.now())
        rig.hand.turn(pauses[-1])

    assert pauses[2] == MINUTE
    assert 15 * SECOND <= pauses[0] <= 18 * SECOND
    assert 30 * SECOND <= pauses[1] <= 36 * SECOND
    assert 2 * MINUTE <= pauses[3] <= 2.4 * MINUTE
    await rig.work()
    assert (told.asked, (await rig.state(order)).status) == (5, SENT)


async def test_a_resting_host_sends_nobody(pool: Pool) -> None:
    policy = ConditionPolicy(attempts=1)
    rig = Rig(pool, FixedDirectory(None), options=crew_options(policy=policy))
    async with ConditionEndpoint() as gone:
        nobody = gone.url()
    for _ in range(5):
        await store(rig, nobody)
    await rig.work()
    async with ConditionEndpoint(NO) as neighbour:
        order = await store(rig, neighbour.url())
        await rig.work()
        assert ((await rig.state(order)).status, neighbour.received) == (WAITING, [])
        delay = await trouble(rig.pool, order)
        assert delay is not None
        assert "could not be asked, 1 times by now: http://127.0.0.1 failed repeatedly" in delay

        await rig.work(after=22 * SECOND)
        assert (await rig.state(order)).status is STOPPED


@pytest.mark.parametrize(("undecided", "end"), [(Undecided.SEND, SENT), (Undecided.DO_NOT_SEND, STOPPED)])
async def test_an_order_whose_endpoint_can_never_be_asked_is_decided_in_the_end(
    pool: Pool, undecided: Undecided, end: OrderStatus, caplog: pytest.LogCaptureFixture
) -> None:
    policy = ConditionPolicy(undecided, longest_unasked=60 * MINUTE)
    told = Told(*[NotAsked("it is being asked too much")] * 10)
    rig = Rig(pool, FixedDirectory(None), ask_condition=told, options=crew_options(policy=policy))
    order = await store(rig, "https://condition.example.com/")
    await rig.work()
    while (await rig.state(order)).status is WAITING:
        await rig.work(after=await pool.fetchval("SELECT due FROM orders") - rig.hand.now())
    assert (await rig.state(order)).status is end
    assert (told.asked, rig.hand.now() - NOON > 45 * MINUTE) == (9, True)
    assert "its endpoint could not be asked, 9 times by now" in caplog.text


# --- when it is asked again


async def test_a_failed_lookup_leads_to_another_question_and_a_new_count(pool: Pool, tmp_path: Path) -> None:
    kari = "16069412345"
    directory = FragileDirectory(tmp_path / "directory.json")
    directory.broken_for = {kari}
    told = Told(Inconclusive("it answered 500"), Met(), Inconclusive("it answered 500"), Met())
    rig = Rig(pool, directory, ask_condition=told)
    order = await store(rig, "https://condition.example.com/", [Recipient(national_identity_number=kari)])
    await rig.work()
    await rig.work(after=MINUTE)
    assert (told.asked, (await rig.state(order)).status) == (2, WAITING)
    directory.broken_for = set()
    await rig.work(after=2 * MINUTE)
    assert (told.asked, (await rig.state(order)).status) == (3, WAITING), "one more unclear answer is the first again"

    await rig.work(after=MINUTE)
    assert (told.asked, (await rig.state(order)).status) == (4, SENT)


async def test_it_is_not_asked_again_for_later_parts(pool: Pool, tmp_path: Path) -> None:
    kari = "16069412345"
    directory = FragileDirectory(tmp_path / "directory.json")
    directory.broken_for = {kari}
    rig = Rig(pool, directory)
    async with ConditionEndpoint(YES, otherwise=NO) as endpoint:
        recipients = [*many(2_100), Recipient(national_identity_number=kari)]
        order = await store(rig, endpoint.url(), recipients)
        await rig.work()
        assert (await rig.state(order)).email_generated == 2_000

        directory.broken_for = set()
        await rig.work(after=2 * MINUTE)
        assert len(endpoint.received) == 1

    state = await rig.state(order)
    assert (state.status, state.email_generated) == (SENT, 2_101)
    await assert_counters_are_true(pool)


class Held:
    """Answers when told to; `asked` is set by the question."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    async def __call__(self, _url: str, _creator: str) -> Verdict:
        self.asked.set()
        return await self.verdict


@pytest.mark.parametrize("late", [Met(), NotMet(), Inconclusive("it answered 500"), NotAsked("too much")])
async def test_who_lost_the_lease_while_asking_changes_nothing(pool: Pool, late: Verdict) -> None:
    clock, old, new = HandTurnedClock(NOON), Held(), Held()
    rig, successor = (Rig(pool, FixedDirectory(None), clock=clock, ask_condition=held) for held in (old, new))
    order = await store(rig, "https://condition.example.com/")
    working_late = asyncio.create_task(rig.work())
    await old.asked.wait()
    clock.turn(LEASE)
    working_on = asyncio.create_task(successor.work())
    await new.asked.wait()
    before = await pool.fetchrow("SELECT * FROM orders")

    old.verdict.set_result(late)
    await working_late

    assert await pool.fetchrow("SELECT * FROM orders") == before
    assert await rig.listed(order) == []
    new.verdict.set_result(Met())
    await working_on
    assert (await rig.state(order)).status is SENT
    await assert_counters_are_true(pool)


async def test_a_slow_answer_does_not_cost_the_lease(pool: Pool) -> None:
    """Renewal runs by real time, hence the real clock and the short lease."""
    options = crew_options()
    options = replace(options, process=replace(options.process, lease=timedelta(milliseconds=150)))
    rig, other = (Rig(pool, FixedDirectory(None), clock=SystemClock(), options=options) for _ in range(2))
    async with ConditionEndpoint(Does.HOLD, NO) as endpoint:
        order = await store(rig, endpoint.url())
        slow = asyncio.create_task(rig.work())
        await endpoint.wait_for(lambda: endpoint.in_flight == 1)
        lease_ended = await pool.fetchval("SELECT due FROM orders") + options.process.lease

        async def has_outlived_it() -> bool:
            due = await pool.fetchval("SELECT due FROM orders")
            return bool(min(due, rig.clock.now()) > lease_ended)

        await until(has_outlived_it)
        await other.work()
        assert len(endpoint.received) == 1
        endpoint.release()
        await slow
    assert (await rig.state(order)).status is SENT


# --- slow endpoints


@asynccontextmanager
async def working(rig: Rig) -> AsyncIterator[None]:
    """Let the crew work while the block runs."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.crew.run(stopping))
        try:
            yield
        finally:
            stopping.set()


async def are_sent(rig: Rig, order_ids: Sequence[UUID]) -> bool:
    """Tell whether all these orders are through."""
    through = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[]) AND status = $2"
    return bool(await rig.pool.fetchval(through, order_ids, SENT) == len(order_ids))


async def test_a_hanging_endpoint_holds_up_its_own_orders_only(pool: Pool) -> None:
    clock = SystemClock()
    client = condition_client(clock, turns=TurnLimits(total=16, per_host=4), within=5 * MINUTE)
    options = replace(crew_options(), condition=ConditionOptions(at_once=200, at_host=8, policy=ConditionPolicy()))
    rig = Rig(pool, FixedDirectory(None), clock=clock, ask_condition=client.ask, options=options)
    async with ConditionEndpoint(otherwise=Does.HOLD) as slow, ConditionEndpoint() as quick:
        held = [await store(rig, slow.url(host="slow.example.com")) for _ in range(20)]
        async with working(rig):
            await slow.wait_for(lambda: slow.in_flight == 4)
            others = [await store(rig, quick.url(host="quick.example.com")) for _ in range(25)]
            others += [await rig.store(make_order(emails("ola"), clock.now())) for _ in range(25)]
            await until(lambda: are_sent(rig, others))
            assert len(slow.received) == 4
            assert not {(await rig.state(order)).status for order in held} - {OrderStatus.Registered, WAITING}

            slow.release()
            await until(lambda: are_sent(rig, held))
    assert len(slow.received) == 20
    await assert_counters_are_true(pool)


async def test_a_backlog_at_a_slow_host_delays_nobody_elses_orders(pool: Pool) -> None:
    """Hundreds of orders for each place, all of them older, of which not a single one comes to an end."""
    clock = SystemClock()
    client = condition_client(clock, turns=TurnLimits(total=4, per_host=2), within=5 * MINUTE)
    options = replace(crew_options(), condition=ConditionOptions(at_once=6, at_host=4, policy=ConditionPolicy()))
    rig = Rig(pool, FixedDirectory(None), clock=clock, ask_condition=client.ask, options=options)
    async with ConditionEndpoint(otherwise=Does.HOLD) as slow, ConditionEndpoint() as quick:
        url = slow.url(host="slow.example.com")
        for _ in range(4):
            backlog = [make_order(emails("kari"), clock.now(), condition_endpoint=url) for _ in range(500)]
            await orders.insert_many(pool, backlog)
        async with working(rig):
            await slow.wait_for(lambda: slow.in_flight == 2)
            others = [await store(rig, quick.url(host="quick.example.com")) for _ in range(10)]
            await until(lambda: are_sent(rig, others))
            assert len(slow.received) == 2
            assert await pool.fetchval("SELECT count(*) FROM orders WHERE status = $1", WAITING) == 4
    assert await pool.fetchval("SELECT count(*) FROM orders WHERE condition_unasked > 0") == 0


async def test_slow_endpoints_of_one_creator_delay_nobody_elses_orders(pool: Pool) -> None:
    """More orders at more hosts than there are places and questions, and not a single one comes to an end."""
    clock = SystemClock()
    client = condition_client(clock, turns=TurnLimits(total=8, per_host=2), within=5 * MINUTE)
    options = replace(crew_options(), condition=ConditionOptions(at_once=20, at_host=4, policy=ConditionPolicy()))
    rig = Rig(pool, FixedDirectory(None), clock=clock, ask_condition=client.ask, options=options)
    async with ConditionEndpoint(otherwise=Does.HOLD) as slow, ConditionEndpoint() as quick:
        backlog = [slow.url(host=f"{number % 40}.example.com") for number in range(400)]
        now = clock.now()
        await orders.insert_many(
            pool, [make_order(emails("kari"), now, condition_endpoint=url, creator="hog") for url in backlog]
        )
        async with working(rig):
            await slow.wait_for(lambda: slow.in_flight == 6)
            others = [await store(rig, quick.url(host=f"{number}.example.org")) for number in range(10)]
            await until(lambda: are_sent(rig, others))
            assert len(slow.received) == 6, "three quarters of the questions"
            assert await pool.fetchval("SELECT count(*) FROM orders WHERE status = $1", WAITING) == 15
    assert await pool.fetchval("SELECT count(*) FROM orders WHERE condition_unasked > 0") == 0


async def test_so_many_orders_are_under_way_at_once_and_no_more(pool: Pool) -> None:
    options = replace(crew_options(), condition=ConditionOptions(at_once=3, at_host=3, policy=ConditionPolicy()))
    rig = Rig(pool, FixedDirectory(None), clock=SystemClock(), options=options)
    async with ConditionEndpoint(otherwise=Does.HOLD) as endpoint:
        stored = [await store(rig, endpoint.url()) for _ in range(8)]
        async with working(rig):
            await endpoint.wait_for(lambda: endpoint.in_flight == 3)
            lucky = await rig.store(make_order(emails("ola"), rig.clock.now()))
            await until(lambda: are_sent(rig, [lucky]))
            assert await pool.fetchval("SELECT count(*) FROM orders WHERE status = $1", WAITING) == 3
            endpoint.release()
            await until(lambda: are_sent(rig, stored))


async def test_who_stops_while_asking_gives_the_order_back_at_once(pool: Pool) -> None:
    rig, successor = (Rig(pool, FixedDirectory(None), clock=SystemClock()) for _ in range(2))
    async with ConditionEndpoint(Does.HOLD, YES) as endpoint:
        order = await store(rig, endpoint.url())
        async with working(rig):
            await endpoint.wait_for(lambda: endpoint.in_flight == 1)
        row = await pool.fetchrow("SELECT due, condition_asked FROM orders")
        assert row is not None
        assert row["due"] <= rig.clock.now()
        assert row["condition_asked"] == 0
        await successor.work()
    assert (await rig.state(order)).status is SENT
