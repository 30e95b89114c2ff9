"""From an order posted over HTTP to an SMS at the gateway, its delivery report, and its status over HTTP."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.link_gateway import LinkGateway, messages_in
from tests.support.link_replies import Reply
from tests.support.link_reports import DeliveryReport, post_report
from tests.support.placing import CHAIN, INSTANT_SMS_PATH, instant_sms, placed, to_sms
from tests.support.service import ORDER, REPORT_PASSWORD, REPORT_USER, SMS_ORDER, Service, write_directory
from tests.support.smtp_server import RealServer
from varsel.model.results import Channel

FIRST_REFERENCE = "984342374"
"""What the scripted gateway calls the first SMS it accepts."""


async def report(service: Service, *reports: DeliveryReport, password: str = REPORT_PASSWORD) -> int:
    """Post reports as the gateway does and return the status of the answer."""
    url = f"http://127.0.0.1:{service.port}/notifications/sms/api/v1/reports"
    return (await post_report(url, (REPORT_USER, password), *reports)).status_code


async def result(service: Service, order_id: UUID) -> str:
    """Return the result of an order's only SMS, as its list shows it."""
    (line,) = (await service.document(f"/orders/{order_id}/notifications/sms"))["notifications"]
    return str(line["sendStatus"]["status"])


def sent(gateway: LinkGateway) -> list[dict[str, str]]:
    """Return all messages the gateway was posted."""
    return [message for posted in gateway.posted for message in messages_in(posted.body)]


async def test_an_sms_is_sent_reported_and_counted(service: Service, gateway: LinkGateway) -> None:
    order_id = await service.accepted(
        "/orders/sms", {**SMS_ORDER, "body": "Hei på deg 😀 & <b>", "senderNumber": "TTD"}
    )

    await service.rig.work()

    (message,) = sent(gateway)
    assert (message["RCV"], message["SND"], message["TEXT"]) == ("4799999999", "TTD", "Hei på deg 😀 & <b>")
    assert await result(service, order_id) == "Accepted"
    assert (await service.status(order_id))["notificationsStatusSummary"]["sms"]["succeeded"] == 1

    service.rig.hand.turn(timedelta(minutes=2))
    assert await report(service, DeliveryReport(FIRST_REFERENCE)) == 200
    await service.rig.work()

    assert await result(service, order_id) == "Delivered"
    status = await service.status(order_id)
    assert status["processingStatus"]["lastUpdate"] == "2026-06-15T10:02:00Z"
    assert status["notificationsStatusSummary"]["sms"]["succeeded"] == 1


async def test_every_path_tells_the_gateway_the_number_that_was_judged_and_shows_it_as_given(
    service: Service, gateway: LinkGateway, tmp_path: Path
) -> None:
    """Orders, chains, reminders and instant orders; and numbers of a directory."""
    written, person_number = "+44 (0)7911\u00ad123456 ext. 5", "16069412345"
    in_directory = "00 47 99\u201399-99\u200b99"
    write_directory(tmp_path, {"persons": [{"nationalIdentityNumber": person_number, "mobileNumber": in_directory}]})
    v1 = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": [{"mobileNumber": written}]})
    looked_up = await service.accepted(
        "/orders/sms", {**SMS_ORDER, "recipients": [{"nationalIdentityNumber": person_number}]}
    )
    recipient = to_sms(written, sendingTimePolicy="Anytime")
    chain = await placed(
        service, CHAIN | {"recipient": recipient, "reminders": [{"delayDays": 1, "recipient": recipient}]}
    )
    instant = await placed(service, instant_sms(written), INSTANT_SMS_PATH)
    await service.rig.work()
    await service.rig.work(after=timedelta(days=1))

    assert sorted(message["RCV"] for message in sent(gateway)) == ["447911123456"] * 4 + ["4799999999"]
    for order_id in (v1, chain.main, *chain.reminders, instant.main):
        assert (await service.rig.listed(order_id, Channel.Sms))[0].address == written
    assert (await service.rig.listed(looked_up, Channel.Sms))[0].address == "+ 47 99\u201399-99\u200b99"


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("EXPIRED", "Failed_Expired"),
        ("DELETED", "Failed_Deleted"),
        ("UNDELIV", "Failed_Undelivered"),
        ("REJECTD", "Failed_Rejected"),
        ("BARRED", "Failed_BarredReceiver"),
        ("FAILED", "Failed"),
        ("UNKNOWN", "Failed"),
    ],
)
async def test_every_state_of_a_report_has_its_result(service: Service, state: str, wanted: str) -> None:
    order_id = await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()
    await report(service, DeliveryReport(FIRST_REFERENCE, state=state))
    await service.rig.work()
    assert await result(service, order_id) == wanted
    assert (await service.status(order_id))["notificationsStatusSummary"]["sms"]["succeeded"] == 0


async def test_a_word_that_is_not_known_ends_nothing_and_is_kept_and_counted(service: Service) -> None:
    order_id = await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()
    assert await report(service, DeliveryReport(FIRST_REFERENCE, state="PENDING_7")) == 200
    await service.rig.work()

    assert await result(service, order_id) == "Accepted"
    kept = await service.rig.pool.fetchrow("SELECT outcome, raw::json ->> 'rawState' AS word FROM delivery_reports")
    assert kept is not None
    assert tuple(kept) == ("no change", "PENDING_7")
    assert "\nvarsel_sms_report_unknown_states_total 1\n" in (await service.client.get("/metrics")).text

    assert await report(service, DeliveryReport(FIRST_REFERENCE, state="delivrd")) == 200
    await service.rig.work()
    assert await result(service, order_id) == "Delivered"


async def test_a_report_that_comes_before_its_reference_is_known_waits_for_it(
    service: Service, gateway: LinkGateway
) -> None:
    """The gateway may report before it has answered: the report is taken at once and applied when it can be."""
    gateway.script.append(Reply.HOLD)
    order_id = await service.accepted("/orders/sms", SMS_ORDER)
    working = asyncio.create_task(service.rig.work())
    await gateway.wait_for(lambda: gateway.in_flight == 1)

    assert await report(service, DeliveryReport(FIRST_REFERENCE)) == 200
    assert await result(service, order_id) == "Sending"
    gateway.release()
    await working
    await service.rig.work(after=timedelta(seconds=5))

    assert await result(service, order_id) == "Delivered"


async def test_a_report_with_the_wrong_password_changes_nothing(service: Service) -> None:
    order_id = await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()
    assert await report(service, DeliveryReport(FIRST_REFERENCE), password="wrong") == 401
    await service.rig.work(after=timedelta(minutes=1))
    assert await result(service, order_id) == "Accepted"


async def test_a_later_report_cannot_undo_delivery(service: Service) -> None:
    order_id = await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()
    for state in ("DELIVRD", "UNDELIV", "DELIVRD"):
        assert await report(service, DeliveryReport(FIRST_REFERENCE, state=state)) == 200
        await service.rig.work()
        assert await result(service, order_id) == "Delivered"
    assert (await service.status(order_id))["notificationsStatusSummary"]["sms"]["succeeded"] == 1


async def test_a_number_the_gateway_refuses_is_told_as_such(service: Service, gateway: LinkGateway) -> None:
    gateway.refusals["4799999998"] = "Invalid RCV: 4799999998"
    recipients = [{"mobileNumber": "+4799999998"}, {"mobileNumber": "+4799999999"}]
    order_id = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": recipients})
    await service.rig.work()
    listed = await service.document(f"/orders/{order_id}/notifications/sms")
    found = {each["recipient"]["mobileNumber"]: each["sendStatus"]["status"] for each in listed["notifications"]}
    assert found == {"+4799999998": "Failed_InvalidRecipient", "+4799999999": "Accepted"}


async def test_an_sms_without_policy_is_kept_for_the_day(service: Service, gateway: LinkGateway) -> None:
    service.rig.hand.turn(timedelta(hours=10))  # 22:00 in Oslo
    await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()
    assert sent(gateway) == []
    await service.rig.work(after=timedelta(hours=11, minutes=1))
    assert len(sent(gateway)) == 1


async def test_one_order_goes_out_on_both_channels(service: Service, gateway: LinkGateway, mail: RealServer) -> None:
    recipients = [{"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}]
    order_id = await service.accepted("/orders", {**ORDER, "recipients": recipients})
    await service.rig.work()
    assert [each.rcpt_to for each in mail.received] == ["kari@example.com"]
    assert [each["RCV"] for each in sent(gateway)] == ["4799999999"]
    summary = (await service.status(order_id))["notificationsStatusSummary"]
    assert (summary["email"]["succeeded"], summary["sms"]["succeeded"]) == (1, 1)
