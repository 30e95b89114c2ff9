"""An order that carries a send condition is never sent as if it had none (processing.md 1.7)."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.condition_endpoint import NO, YES, ConditionEndpoint, Does, Says
from tests.support.service import EMAIL_ORDER, Service
from tests.support.smtp_server import RealServer


async def placed(service: Service, endpoint: ConditionEndpoint) -> UUID:
    """Place an order with this condition and let it be processed once."""
    order = {**EMAIL_ORDER, "conditionEndpoint": endpoint.url("/check?case=42", host="asked.example.com")}
    order_id = await service.accepted("/orders/email", order)
    await service.rig.work()
    return order_id


async def test_yes_sends(service: Service, mail: RealServer) -> None:
    async with ConditionEndpoint(YES) as endpoint:
        order_id = await placed(service, endpoint)
    assert [each.target for each in endpoint.received] == ["/check?case=42"]
    assert (await service.status(order_id))["notificationsStatusSummary"]["email"]["succeeded"] == 1
    assert len(mail.received) == 1


async def test_no_stops_the_order_for_good(service: Service, mail: RealServer) -> None:
    async with ConditionEndpoint(NO) as endpoint:
        order_id = await placed(service, endpoint)
        await service.rig.work(after=timedelta(hours=1))
    status = await service.status(order_id)
    assert status["processingStatus"]["status"] == "SendConditionNotMet"
    assert "notificationsStatusSummary" not in status
    assert mail.received == []
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("answer", [Says(500), Says(204), Says(200, b'{"SendNotification": true}'), Does.DROP])
async def test_no_answer_holds_the_order_and_a_later_no_stops_it(
    service: Service, mail: RealServer, answer: Says | Does
) -> None:
    async with ConditionEndpoint(answer, otherwise=NO) as endpoint:
        order_id = await placed(service, endpoint)
        assert (await service.status(order_id))["processingStatus"]["status"] == "Processing"
        assert mail.received == []
        await service.rig.work(after=timedelta(minutes=1))
    assert (await service.status(order_id))["processingStatus"]["status"] == "SendConditionNotMet"
    assert mail.received == []


async def test_a_condition_that_stays_undecided_means_send_as_the_contract_says(
    service: Service, mail: RealServer
) -> None:
    async with ConditionEndpoint(otherwise=Says(500)) as endpoint:
        await placed(service, endpoint)
        await service.rig.work(after=timedelta(minutes=1))
    assert len(endpoint.received) == 2
    assert len(mail.received) == 1
