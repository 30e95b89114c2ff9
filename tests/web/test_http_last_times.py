"""The last instants of the calendar: .NET's `DateTime.MaxValue` means "never" to many callers."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.placing import CHAIN, CHAIN_PATH
from tests.support.service import EMAIL_ORDER, ORDER, Service
from varsel.model.clock import LATEST

MAX_VALUE = "9999-12-31T23:59:59.9999999Z"
TIMES = [MAX_VALUE, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.9999985Z", "9999-12-31T18:59:59.9999999-05:00"]


@pytest.fixture(params=["UTC", "Europe/Oslo"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the machine, which must not matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("requested", TIMES)
@pytest.mark.usefixtures("zone")
async def test_an_order_for_the_last_instant_is_read_and_cancelled_as_any(service: Service, requested: str) -> None:
    for path, body in (("/orders/email", EMAIL_ORDER), ("/orders", ORDER)):
        order_id = await service.accepted(path, {**body, "requestedSendTime": requested})

        order = await service.document(f"/orders/{order_id}")
        assert order["requestedSendTime"][:26] in {"9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999998"}
        status = await service.status(order_id)
        assert status["requestedSendTime"] == "9999-12-31T23:59:59.999998Z"
        assert (await service.put(f"/orders/{order_id}/cancel")).status_code == 200


@pytest.mark.usefixtures("zone")
async def test_a_chain_and_its_reminders_may_end_with_the_calendar(service: Service) -> None:
    reminders = [{**CHAIN, "requestedSendTime": MAX_VALUE}, {**CHAIN, "delayDays": 1}]
    for reminder in reminders:
        reminder.pop("idempotencyId")
    body = {**CHAIN, "requestedSendTime": "9999-12-30T23:59:59.9999999Z", "reminders": reminders}
    answer = await service.post(CHAIN_PATH, body)
    assert answer.status_code == 201, answer.text

    notification = answer.json()["notification"]
    for shipment in (notification, *notification["reminders"]):
        assert (await service.get(f"/future/shipment/{shipment['shipmentId']}")).status_code == 200
        assert (await service.put(f"/orders/{shipment['shipmentId']}/cancel")).status_code == 200


async def test_what_is_due_at_the_end_of_the_calendar_is_stored_as_an_instant(service: Service) -> None:
    await service.accepted("/orders/email", {**EMAIL_ORDER, "requestedSendTime": MAX_VALUE})
    row = await service.rig.pool.fetchrow("SELECT requested_send_time, due, isfinite(due) FROM orders")
    assert tuple(row or ()) == (LATEST, LATEST, True)
    assert LATEST + timedelta(microseconds=1) == datetime.max.replace(tzinfo=UTC)
