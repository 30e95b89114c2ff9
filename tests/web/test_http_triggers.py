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

from tests.support.orders import emails, make_order, numbers
from tests.support.raw_http import request
from tests.support.rig import NOON, Rig, crew_options
from tests.support.service import BASE, Service, running_service
from tests.support.until import until
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.triggers import TriggerAccess
from varsel.model.lanes import Lane
from varsel.model.orders import NotificationChannel, OrderStatus, SendingTimePolicy
from varsel.settings.secret import Secret
from varsel.storage.pool import Pool
from varsel.workers.loop import Hint

KEY = "synthetic-trigger-key"
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


async def test_each_trigger_wakes_whoever_does_its_work(triggered: Service) -> None:
    """`/sendsms` = `/sendsmsdaytime`; e-mails with attachments are e-mails."""
    hints = triggered.rig.hints
    lanes = hints.lanes
    wakes: dict[str, list[Hint]] = {
        "pastdueorders": [hints.orders, hints.large_orders, hints.conditional_orders],
        "sendemail": [lanes[Lane.Email], lanes[Lane.Composed]],
        "sendsms": [lanes[Lane.SmsDaytime]],
        "sendsmsanytime": [lanes[Lane.SmsAnytime]],
        "sendsmsdaytime": [lanes[Lane.SmsDaytime]],
        "terminateexpirednotifications": [hints.housekeeping],
        "deleteoldstatusfeedrecords": [hints.housekeeping],
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


async def test_a_trigger_gets_due_orders_on_their_way(pool: Pool, tmp_path: Path) -> None:
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


async def is_completed(rig: Rig, order_id: UUID) -> bool:
    """Tell whether an order has ended."""
    return (await rig.state(order_id)).status is OrderStatus.Completed


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
