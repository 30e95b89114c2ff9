"""Cancelling: PUT `/orders/{id}/cancel` (api.md 3.4, checklist 6.3)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.orders import emails, make_order
from tests.support.placing import COMPOSED, COMPOSED_PATH, placed
from tests.support.raw_http import request
from tests.support.rig import NOON
from tests.support.service import BASE, EMAIL_ORDER, Service
from tests.support.until import until
from varsel.intake.times import write_time
from varsel.model.ids import new_id
from varsel.model.orders import OrderStatus, OrderType
from varsel.storage import queries
from varsel.storage.orders import Queue

TEXT = "Order processing was stopped due to order being cancelled."


async def due_in(service: Service, minutes: float) -> UUID:
    """Place an order due in so many minutes."""
    due = write_time(service.rig.clock.now() + timedelta(minutes=minutes))
    return await service.accepted("/orders/email", {**EMAIL_ORDER, "requestedSendTime": due})


async def cancel(service: Service, order_id: UUID, **options: Any) -> Any:
    return await service.put(f"/orders/{order_id}/cancel", **options)


def assert_problem(answer: Any, status: int, section: str, title: str) -> None:
    """Hold an answer to a plain problem document (api.md 1.8)."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    assert problem.pop("traceId").startswith("00-")
    assert problem == {
        "type": f"https://tools.ietf.org/html/rfc9110#section-{section}",
        "title": title,
        "status": status,
    }


async def test_a_registered_order_is_cancelled_once_and_never_sent(service: Service) -> None:
    order_id = await due_in(service, 60)
    service.rig.hand.turn(timedelta(minutes=1))

    first = await cancel(service, order_id)

    assert first.status_code == 200
    status = first.json()
    assert status["processingStatus"] == {
        "status": "Cancelled",
        "description": TEXT,
        "lastUpdate": "2026-06-15T10:01:00Z",
    }
    assert "notificationsStatusSummary" not in status
    assert status == await service.status(order_id)

    service.rig.hand.turn(timedelta(minutes=1))
    again = await cancel(service, order_id)
    assert (again.status_code, again.json()) == (200, status)  # `lastUpdate` unchanged

    await service.rig.work(after=timedelta(hours=2))
    assert await service.rig.kept() == []
    assert await service.status(order_id) == status
    assert (await cancel(service, order_id)).status_code == 200  # however late
    assert await service.rig.pool.fetchval("SELECT count(*) FROM feed_waiting") == 0


async def test_cancelling_ends_five_minutes_before_the_send_time(service: Service) -> None:
    for minutes, status in ((4, 409), (5, 409), (5.01, 200), (6, 200)):
        assert (await cancel(service, await due_in(service, minutes))).status_code == status
    at_once = await service.accepted("/orders/email", EMAIL_ORDER)
    assert_problem(await cancel(service, at_once), 409, "15.5.10", "Conflict")


async def test_only_a_registered_order_can_be_cancelled(service: Service) -> None:
    order_id = await due_in(service, 60)
    for status in set(OrderStatus) - {OrderStatus.Registered, OrderStatus.Cancelled}:
        await service.rig.pool.execute("UPDATE orders SET status = $2 WHERE id = $1", order_id, status)
        assert_problem(await cancel(service, order_id), 409, "15.5.10", "Conflict")


async def test_unknown_and_foreign_orders_are_404_with_a_body(service: Service) -> None:
    theirs = await due_in(service, 60)
    for order_id, org in ((theirs, "skd"), (new_id(), "ttd")):
        assert_problem(await cancel(service, order_id, org=org), 404, "15.5.5", "Not Found")
    assert (await service.status(theirs))["processingStatus"]["status"] == "Registered"


async def test_an_id_that_is_none_is_400(service: Service) -> None:
    answer = await service.put("/orders/email/cancel")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["id"])


async def test_any_body_or_none_is_fine(service: Service) -> None:
    for headers, body in (
        ({}, b""),
        ({"Content-Type": "text/plain"}, b"x"),
        ({"Content-Type": "application/json"}, b"{"),
    ):
        order_id = await due_in(service, 60)
        answer = await service.raw(request("PUT", f"{BASE}/orders/{order_id}/cancel", service.bearer() | headers, body))
        assert answer.status == 200


async def test_orders_of_a_chain_are_cancelled_one_by_one(service: Service) -> None:
    """Main order and reminder share nothing but their chain."""
    due, chain = NOON + timedelta(days=1), new_id()
    main, reminder = (
        make_order(emails("kari"), NOON, send_at=due, type=kind, chain_id=chain)
        for kind in (OrderType.Notification, OrderType.Reminder)
    )
    for order in (main, reminder):
        await service.rig.store(order)

    assert (await cancel(service, main.id)).status_code == 200

    assert (await service.status(reminder.id))["processingStatus"]["status"] == "Registered"


async def test_of_cancelling_and_claiming_exactly_one_wins(service: Service) -> None:
    for _ in range(10):
        order_id = await due_in(service, 60)
        claiming = service.claim(NOON + timedelta(hours=2))
        answer, claimed = await asyncio.gather(cancel(service, order_id), claiming)
        outcome = (answer.status_code, claimed)
        assert outcome in ((200, []), (409, [order_id]))


async def test_a_cancelled_composed_order_forgets_where_its_files_lie(service: Service) -> None:
    """6.3 PUT cancel: Registered far future -> 200; nothing of a pre-signed address stays in the database."""
    told = await placed(service, COMPOSED | {"requestedSendTime": "2026-06-16T10:00:00Z"}, COMPOSED_PATH)
    stored = "SELECT string_agg(whole::text, '') FROM order_parts AS whole"
    assert "sig=" in await service.rig.pool.fetchval(stored)

    answer = await cancel(service, told.main)

    assert (answer.status_code, answer.json()["processingStatus"]["status"]) == (200, "Cancelled")
    kept = await service.rig.pool.fetchval(stored)
    assert "sasUrl" not in kept
    assert "blob.core.windows.net" not in kept
    assert "sig=" not in kept
    assert "decision.pdf" in kept  # its name is no secret
    again = await cancel(service, told.main)
    assert (again.status_code, again.json()) == (200, answer.json())


@pytest.mark.parametrize(("commits", "status"), [(True, 409), (False, 200)])
async def test_cancelling_waits_for_a_claim_that_has_the_row(service: Service, *, commits: bool, status: int) -> None:
    """6.3 PUT cancel: concurrent with claim; the claim was first, and whether it commits decides."""
    order_id, pool = await due_in(service, 60), service.rig.pool
    due = NOON + timedelta(hours=2)
    arguments = (due, due, OrderStatus.Processing, 10, Queue.Small, due, OrderStatus.Registered)
    async with pool.acquire() as claiming:
        transaction = claiming.transaction()
        await transaction.start()
        claimed = await claiming.fetch(queries.load("orders")["claim_due"].text, *arguments)
        cancelling = asyncio.create_task(cancel(service, order_id))
        await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
        await (transaction.commit() if commits else transaction.rollback())
        answer = await cancelling

    assert [row["id"] for row in claimed] == [order_id]
    assert answer.status_code == status
    shown = (await service.status(order_id))["processingStatus"]
    assert shown["status"] == ("Processing" if commits else "Cancelled")
    if commits:
        assert_problem(answer, 409, "15.5.10", "Conflict")
    else:
        assert await service.claim(due) == []
