"""The trigger endpoints, for schedulers that still call them (api.md 3.17, contract/README.md; checklist 6.3)."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.requests import Request

from tests.support.condition_endpoint import NO, ConditionEndpoint, Does
from tests.support.embedded_server import execute, fetch
from tests.support.orders import emails, make_order, many, numbers
from tests.support.raw_http import request
from tests.support.rig import GRACE, NOON, Rig, crew_options
from tests.support.service import BASE, EMAIL_ORDER, Service, running_service
from tests.support.service_process import varsel_serve
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.triggers import TriggerAccess
from varsel.model.lanes import Lane
from varsel.model.orders import NotificationChannel, OrderStatus, SendingTimePolicy
from varsel.model.results import Result
from varsel.settings.secret import Secret
from varsel.storage.pool import Pool
from varsel.workers.loop import Hint

KEY = "synthetic-trigger-key"
MINUTE = timedelta(minutes=1)
NAMES = (
    "pastdueorders",
    "sendemail",
    "sendsms",
    "sendsmsanytime",
    "sendsmsdaytime",
    "terminateexpirednotifications",
    "deleteoldstatusfeedrecords",
)


@pytest.fixture
async def triggered(pool: Pool, tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose triggers may be called with a key."""
    async with running_service(pool, tmp_path, trigger_key=Secret(KEY)) as running:
        yield running


async def fire(service: Service, name: str, **headers: str) -> tuple[int, bytes]:
    """Call a trigger the way schedulers do, without body and media type; return status and body."""
    answer = await service.raw(request("POST", f"{BASE}/trigger/{name}", headers))
    return answer.status, answer.body


async def test_without_a_setting_there_are_none(service: Service) -> None:
    for name in NAMES:
        for method in ("GET", "POST"):
            answer = await service.raw(request(method, f"{BASE}/trigger/{name}", {"X-API-Key": ""}))
            assert (answer.status, answer.body) == (404, b"")


async def test_whoever_knows_the_key_may_call(triggered: Service) -> None:
    for name in NAMES:
        assert await fire(triggered, name, **{"X-API-Key": KEY}) == (200, b"")
        for wrong in ({}, {"X-API-Key": ""}, {"X-API-Key": KEY + "x"}, {"X-API-Key": "æ"}, triggered.bearer()):
            assert await fire(triggered, name, **wrong) == (401, b"")
    assert await fire(triggered, "nothing", **{"X-API-Key": KEY}) == (404, b"")
    assert await fire(triggered, "SendSMS/", **{"x-api-key": KEY}) == (200, b"")


async def test_whoever_calls_from_a_named_network_needs_no_key(pool: Pool, tmp_path: Path) -> None:
    here, elsewhere = (ip_network(each) for each in ("127.0.0.0/8", "10.0.0.0/8"))
    for networks, key, expected in [
        ((elsewhere, here), None, 200),
        ((here,), Secret(KEY), 200),
        ((elsewhere,), None, 401),
        ((elsewhere,), Secret(KEY), 401),
    ]:
        async with running_service(pool, tmp_path, trigger_networks=networks, trigger_key=key) as service:
            assert await fire(service, "sendemail", **{"X-Forwarded-For": "10.0.0.1"}) == (expected, b"")


@pytest.mark.parametrize(
    ("address", "admitted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("fd00::1", True), ("fe80::1", False)],
)
def test_a_caller_s_network_is_told_by_either_protocol(address: str, admitted: bool) -> None:
    access = TriggerAccess(None, (ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    scope: dict[str, Any] = {"type": "http", "headers": [], "client": (address, 4711)}
    assert access.admits(Request(scope)) is admitted
    assert not access.admits(Request(scope | {"client": None}))


async def test_a_foreign_media_type_is_415_and_another_method_405_before_the_key(triggered: Service) -> None:
    for name in NAMES:
        path = f"{BASE}/trigger/{name}"
        assert (await triggered.raw(request("POST", path, {"Content-Type": "text/plain"}))).status == 415
        typed = await triggered.raw(request("POST", path, {"Content-Type": "application/json", "X-API-Key": KEY}))
        assert typed.status == 200
        other = await triggered.raw(request("GET", path))
        assert (other.status, other.headers["allow"]) == (405, "POST")


async def test_the_triggers_of_sending_wake_whoever_does_it(triggered: Service) -> None:
    """`/sendsms` = `/sendsmsdaytime`; e-mails with attachments are e-mails."""
    hints = triggered.rig.hints
    lanes = hints.lanes
    wakes: dict[str, list[Hint]] = {
        "sendemail": [lanes[Lane.Email], lanes[Lane.Composed]],
        "sendsms": [lanes[Lane.SmsDaytime]],
        "sendsmsanytime": [lanes[Lane.SmsAnytime]],
        "sendsmsdaytime": [lanes[Lane.SmsDaytime]],
    }
    every = [hints.orders, hints.large_orders, hints.conditional_orders, hints.housekeeping, *lanes.values()]
    for name, expected in wakes.items():
        sleeping = {hint: asyncio.create_task(hint.wait(timedelta(hours=1))) for hint in every}
        await asyncio.sleep(0)
        assert await fire(triggered, name, **{"X-API-Key": KEY}) == (200, b"")
        await asyncio.wait_for(asyncio.gather(*(sleeping[hint] for hint in expected)), 5)
        assert [hint for hint, waiting in sleeping.items() if waiting.done()] == [h for h in every if h in expected]
        for waiting in sleeping.values():
            waiting.cancel()


async def test_due_orders_are_processed_before_the_answer(pool: Pool, tmp_path: Path) -> None:
    """Small, large and conditional ones, and none that is not due; nobody works here but the request itself."""
    async with ConditionEndpoint(NO) as endpoint:
        rig = Rig(pool, FixedDirectory(None))
        async with running_service(pool, tmp_path, rig=rig, trigger_key=Secret(KEY)) as service:
            asks = endpoint.url()
            wanted = {
                await rig.store(make_order(emails("kari"), NOON)): OrderStatus.Processed,
                await rig.store(make_order(many(501), NOON)): OrderStatus.Processed,
                await rig.store(
                    make_order(emails("kari"), NOON, condition_endpoint=asks)
                ): OrderStatus.SendConditionNotMet,
                await rig.store(make_order(emails("kari"), NOON, send_at=NOON + MINUTE)): OrderStatus.Registered,
            }

            assert await fire(service, "pastdueorders", **{"X-API-Key": KEY}) == (200, b"")

            assert {order_id: (await rig.state(order_id)).status for order_id in wanted} == wanted
            assert await rig.kept() == []


async def test_workers_in_the_same_process_send_at_once_what_a_trigger_has_processed(
    pool: Pool, tmp_path: Path
) -> None:
    """Workers that look only once an hour begin at once."""
    rarely = dataclasses.replace(crew_options(), poll=timedelta(hours=1), housekeeping_every=timedelta(hours=1))
    rig = Rig(pool, FixedDirectory(None), options=rarely)
    async with running_service(pool, tmp_path, rig=rig, trigger_key=Secret(KEY)) as service:
        first, second = (make_order(emails("kari"), NOON) for _ in range(2))
        await rig.store(first)
        stopping = asyncio.Event()
        working = asyncio.create_task(rig.crew.run(stopping))
        await until(lambda: is_completed(rig, first.id))  # by the workers' first look

        await rig.store(second)
        await fire(service, "pastdueorders", **{"X-API-Key": KEY})

        await until(lambda: is_completed(rig, second.id))
        stopping.set()
        await working


async def test_a_trigger_does_not_wait_for_ever(pool: Pool, tmp_path: Path) -> None:
    """A condition's endpoint that says nothing: the caller is answered, the order goes on by itself."""
    async with ConditionEndpoint(Does.HOLD) as endpoint:
        rig = Rig(pool, FixedDirectory(None))
        options: dict[str, Any] = {"trigger_key": Secret(KEY), "http_request_timeout": timedelta(seconds=1)}
        async with running_service(pool, tmp_path, rig=rig, **options) as service:
            order_id = await rig.store(make_order(emails("kari"), NOON, condition_endpoint=endpoint.url()))

            assert await fire(service, "pastdueorders", **{"X-API-Key": KEY}) == (200, b"")

            assert (await rig.state(order_id)).status is OrderStatus.Processing
            endpoint.release()
            await until(lambda: is_completed(rig, order_id, OrderStatus.Processed))
            await rig.crew.stop()


async def test_expired_notifications_have_ended_when_the_trigger_is_answered(triggered: Service) -> None:
    rig = triggered.rig
    order_id = await rig.store(make_order(emails("never-reported"), NOON))
    await rig.work()
    key = {"X-API-Key": KEY}

    rig.hand.turn(timedelta(hours=48) + GRACE - timedelta(seconds=1))
    assert await fire(triggered, "terminateexpirednotifications", **key) == (200, b"")
    assert [line.result for line in await rig.listed(order_id)] == [Result.EMAIL_SUCCEEDED]
    rig.hand.turn(timedelta(seconds=1))
    assert await fire(triggered, "terminateexpirednotifications", **key) == (200, b"")

    assert [line.result for line in await rig.listed(order_id)] == [Result.EMAIL_FAILED_TTL]
    assert (await rig.state(order_id)).status is OrderStatus.Completed


_OLD_ENTRIES = """
INSERT INTO feed (number, creator, order_id, type, status, last_update, recipients)
SELECT n, 'ttd', gen_random_uuid(), 0, 2, $1, '[]' FROM generate_series(1, 10001) AS n
"""


async def test_old_feed_entries_are_gone_when_the_trigger_is_answered_ten_thousand_a_call(triggered: Service) -> None:
    rig, key = triggered.rig, {"X-API-Key": KEY}
    await rig.pool.execute(_OLD_ENTRIES, NOON)
    for turn, left in ((timedelta(days=90), 10_001), (timedelta(seconds=1), 1), (timedelta(0), 0)):
        rig.hand.turn(turn)
        assert await fire(triggered, "deleteoldstatusfeedrecords", **key) == (200, b"")
        assert await rig.pool.fetchval("SELECT count(*) FROM feed") == left


FAILURES = {
    "terminateexpirednotifications": b"Expired notifications could not be terminated.",
    "deleteoldstatusfeedrecords": b"Old status feed records could not be deleted.",
}


async def fail_to(service: Service, name: str) -> None:
    """Call a trigger that must fail in the contract's way: 500, plain text, a short sentence."""
    answer = await service.raw(request("POST", f"{BASE}/trigger/{name}", {"X-API-Key": KEY}))
    assert (answer.status, answer.body) == (500, FAILURES[name])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_clean_up_fails_with_a_sentence_while_the_database_is_away(
    triggered: Service, caplog: pytest.LogCaptureFixture
) -> None:
    triggered.rig.pool.terminate()
    for name in FAILURES:
        await fail_to(triggered, name)
    assert await fire(triggered, "pastdueorders", **{"X-API-Key": KEY}) == (503, b"")
    assert "terminateexpirednotifications failed (InterfaceError)" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_clean_up_that_is_not_done_in_time_has_failed(pool: Pool, tmp_path: Path) -> None:
    """Somebody holds the table; the caller is told before the request itself is given up."""
    options: dict[str, Any] = {"trigger_key": Secret(KEY), "http_request_timeout": timedelta(milliseconds=500)}
    async with running_service(pool, tmp_path, **options) as service, pool.acquire() as other, other.transaction():
        await other.execute("LOCK feed, chunks")
        for name in FAILURES:
            await fail_to(service, name)


async def test_a_process_that_only_answers_requests_does_the_work_too(database_url: str, tmp_path: Path) -> None:
    async with varsel_serve(tmp_path, database_url=database_url, roles="api", trigger_key=KEY) as service:

        async def call(name: str) -> None:
            answer = await service.client.post(f"{BASE}/trigger/{name}", headers={"X-API-Key": KEY})
            assert (answer.status_code, answer.content) == (200, b"")

        assert (await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER)).status_code == 202
        await call("pastdueorders")
        assert await fetch(database_url, "SELECT result FROM notifications") == [(Result.EMAIL_NEW,)]

        await execute(database_url, "UPDATE chunks SET deadline = now()")
        await execute(database_url, "UPDATE notifications SET expiry = now() - interval '1 day'")
        await call("terminateexpirednotifications")
        assert await fetch(database_url, "SELECT result FROM notifications") == [(Result.EMAIL_FAILED_TTL,)]

        await execute(database_url, _OLD_ENTRIES.replace("$1", "now() - interval '91 days'"))
        await call("deleteoldstatusfeedrecords")
        assert await fetch(database_url, "SELECT number FROM feed") == [(10_001,)]


async def is_completed(rig: Rig, order_id: UUID, status: OrderStatus = OrderStatus.Completed) -> bool:
    """Tell whether an order has come so far."""
    return (await rig.state(order_id)).status is status


OSLO_BOUNDS = [
    (datetime(2026, 1, 15, 7, 59, tzinfo=UTC), False),  # 08:59 in winter
    (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), False),
    (datetime(2026, 1, 15, 8, 1, tzinfo=UTC), True),
    (datetime(2026, 1, 15, 15, 59, tzinfo=UTC), True),
    (datetime(2026, 1, 15, 16, 0, tzinfo=UTC), False),
    (datetime(2026, 7, 19, 6, 59, tzinfo=UTC), False),  # 08:59 in summer, a Sunday
    (datetime(2026, 7, 19, 7, 0, tzinfo=UTC), False),
    (datetime(2026, 7, 19, 7, 1, tzinfo=UTC), True),
    (datetime(2026, 7, 19, 14, 59, tzinfo=UTC), True),
    (datetime(2026, 7, 19, 15, 0, tzinfo=UTC), False),
]


async def test_daytime_sms_leave_strictly_between_9_and_17_in_oslo_whatever_is_triggered(triggered: Service) -> None:
    """08:59, 09:00, 09:01, 16:59, 17:00 Oslo in winter and summer; weekends are like other days."""
    rig = triggered.rig
    for moment, open_ in OSLO_BOUNDS:
        await rig.pool.execute("TRUNCATE orders, order_parts, notifications, chunks, sandbox_messages, feed_waiting")
        rig.hand.turn_to(moment)
        for policy in (SendingTimePolicy.Daytime, SendingTimePolicy.Anytime):
            sms = NotificationChannel.Sms
            await rig.store(make_order(numbers("+4799999999"), moment, channel=sms, sending_time_policy=policy))
        for name in ("sendsms", "sendsmsdaytime", "sendsmsanytime"):
            assert await fire(triggered, name, **{"X-API-Key": KEY}) == (200, b"")
        await rig.work()
        assert len(await rig.kept()) == 1 + open_, moment
