"""Chains from the request to the feed, on a hand-turned clock, through a mail server and an SMS gateway (api.md 3.9,
processing.md 1, 4.3 and 4.4)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.link_gateway import LinkGateway, messages_in
from tests.support.placing import (
    CHAIN,
    CHAIN_PATH,
    INSTANT_SMS_PATH,
    feed,
    instant_sms,
    organization,
    person,
    place,
    placed,
    shipment,
    to_email,
    to_sms,
)
from tests.support.rig import GRACE, NOON
from tests.support.service import SMS_ORDER, Service, write_directory
from tests.support.smtp_server import RealServer

DAY = timedelta(days=1)
NUMBER = "+4799999999"
TO_SMS = to_sms(NUMBER)


def texts(gateway: LinkGateway) -> list[str]:
    """Return the texts of all SMS the gateway was posted."""
    return [message["TEXT"] for posted in gateway.posted for message in messages_in(posted.body)]


async def test_a_chain_whose_reminders_fall_due_over_two_weeks(
    service: Service, mail: RealServer, gateway: LinkGateway
) -> None:
    """One by a delay, one at its own time, one cancelled meanwhile; each on its own, whatever became of the others."""
    reminders = [
        {"sendersReference": "week", "delayDays": 7, "recipient": to_sms(NUMBER, body="One week")},
        {"sendersReference": "own", "requestedSendTime": "2026-06-29T12:00:00+02:00", "recipient": to_email("own")},
        {"sendersReference": "never", "delayDays": 10, "recipient": to_email("never")},
    ]
    told = await placed(service, CHAIN | {"sendersReference": "main", "reminders": reminders})
    week, own, never = told.reminders

    leaves: dict[str, datetime] = {}
    while service.rig.clock.now() < NOON + 16 * DAY:
        await service.rig.work()
        now = service.rig.clock.now()
        for sent in (*(each.rcpt_to for each in mail.received), *texts(gateway)):
            leaves.setdefault(sent, now)
        if now == NOON + 9 * DAY:
            assert (await service.put(f"/orders/{never}/cancel")).status_code == 200
        service.rig.hand.turn(timedelta(hours=6))

    assert leaves == {"kari@example.com": NOON, "One week": NOON + 7 * DAY, "own@example.com": NOON + 14 * DAY}
    assert (len(mail.received), len(texts(gateway))) == (2, 1)
    entries = await feed(service)
    assert [(entry["sendersReference"], entry["shipmentType"], entry["lastUpdate"]) for entry in entries] == [
        ("main", "Notification", "2026-06-16T10:00:00Z"),  # delivery of e-mails is assumed a day later
        ("week", "Reminder", "2026-06-24T16:00:00Z"),  # no report came, not within 48 hours either
        ("own", "Reminder", "2026-06-30T10:00:00Z"),
    ]
    assert entries[1]["recipients"][0]["status"] == "SMS_Failed_TTL"
    assert (await shipment(service, week))["status"] == "Order_Completed"
    assert (await shipment(service, own))["recipients"][0]["status"] == "Email_Delivered"
    assert (await shipment(service, never))["status"] == "Order_Cancelled"


async def test_a_reminder_comes_although_the_main_notification_failed(service: Service, mail: RealServer) -> None:
    """There is no link between them at run time (processing.md 10.1, item 1)."""
    mail.refusals["RCPT", "kari"] = "550 5.1.1 no such user"
    told = await placed(service, CHAIN | {"reminders": [{"delayDays": 1, "recipient": to_email("ola")}]})
    await service.rig.work()
    assert (await shipment(service, told.main))["status"] == "Order_Completed"
    await service.rig.work(after=DAY)
    assert [each.rcpt_to for each in mail.received] == ["ola@example.com"]


async def test_a_daytime_sms_ordered_at_23_leaves_in_the_morning(service: Service, gateway: LinkGateway) -> None:
    """Daytime is the default of chains; 09:00:00 itself is outside, and the night does not shorten its life."""
    at_night = datetime(2026, 6, 15, 21, 0, tzinfo=UTC)
    service.rig.hand.turn_to(at_night)
    anytime = to_sms(NUMBER, sendingTimePolicy="Anytime", body="At once")
    told = await placed(service, CHAIN | {"recipient": TO_SMS})
    await placed(service, CHAIN | {"idempotencyId": "2", "recipient": anytime})
    await service.rig.work()

    assert texts(gateway) == ["At once"]
    assert await result(service, told.main) == "SMS_New"
    await service.rig.work(after=timedelta(hours=10))
    assert len(texts(gateway)) == 1
    await service.rig.work(after=timedelta(seconds=1))
    assert len(texts(gateway)) == 2
    assert await result(service, told.main) == "SMS_Accepted"

    # Ordered after 17: nine o'clock of that day and 72 hours (processing.md 4.4).
    service.rig.hand.turn_to(datetime(2026, 6, 18, 7, 0, tzinfo=UTC) + GRACE)
    await service.rig.work(after=-timedelta(seconds=1))
    assert await result(service, told.main) == "SMS_Accepted"
    await service.rig.work(after=timedelta(seconds=1))
    assert await result(service, told.main) == "SMS_Failed_TTL"


async def result(service: Service, order_id: object) -> str:
    """Return the result of an order's one notification."""
    (line,) = (await service.document(f"/future/shipment/{order_id}"))["recipients"]
    return str(line["status"])


@pytest.mark.parametrize(
    ("night", "last_moment_of_the_night"),
    [
        (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),  # to summer time
        (datetime(2026, 10, 24, 21, 0, tzinfo=UTC), datetime(2026, 10, 25, 8, 0, tzinfo=UTC)),  # and back
    ],
)
async def test_the_morning_comes_when_it_does_on_the_nights_the_clocks_change(
    service: Service, gateway: LinkGateway, night: datetime, last_moment_of_the_night: datetime
) -> None:
    """Ordered at 23:00 in Oslo, the evening before; its reminder 24 hours later, whatever the clocks show then."""
    service.rig.hand.turn_to(night)
    reminder = {"delayDays": 1, "recipient": to_sms(NUMBER, sendingTimePolicy="Anytime", body="A day later")}
    await placed(service, CHAIN | {"recipient": TO_SMS, "reminders": [reminder]})
    await service.rig.work()

    service.rig.hand.turn_to(last_moment_of_the_night)
    await service.rig.work()
    assert texts(gateway) == []
    await service.rig.work(after=timedelta(seconds=1))
    assert len(texts(gateway)) == 1

    service.rig.hand.turn_to(night + DAY - timedelta(seconds=1))
    await service.rig.work()
    assert len(texts(gateway)) == 1
    await service.rig.work(after=timedelta(seconds=1))
    assert texts(gateway)[1:] == ["A day later"]


async def test_the_dialog_of_a_chain_is_in_the_log_of_all_its_orders(service: Service) -> None:
    """processing.md 7.4: reminders share the chain's; the log is written with the final status."""
    dialog = {"dialogId": "d-1", "transmissionId": "t-1"}
    body = CHAIN | {"dialogportenAssociation": dialog, "reminders": [{"delayDays": 1, "recipient": to_email("ola")}]}
    told = await placed(service, body)
    await service.rig.work()
    assert await service.rig.pool.fetchval("SELECT count(*) FROM notification_log") == 0
    for _ in range(3):
        await service.rig.work(after=DAY)
    rows = await service.rig.pool.fetch("SELECT * FROM notification_log ORDER BY requested_send_time")
    assert [(row["shipment_id"], row["destination"]) for row in rows] == [
        (told.main, "kari@example.com"),
        (told.reminders[0], "ola@example.com"),
    ]
    assert {(row["chain_id"], row["dialog_id"], row["transmission_id"]) for row in rows} == {
        (told.chain_id, "d-1", "t-1")
    }


async def test_sms_are_kept_with_the_number_of_their_segments(service: Service, tmp_path: Path) -> None:
    """Counted as gateways do, per recipient where names differ; nothing of it on the wire (processing.md W27)."""
    write_directory(
        tmp_path,
        {
            "persons": [{"nationalIdentityNumber": "26069412346", "isReserved": True}],
            "organizations": [
                {"organizationNumber": "310123456", "name": "Å" * 150, "mobileNumbers": ["+4790000001"]},
                {"organizationNumber": "310987654", "name": "ç" * 60, "mobileNumbers": ["+4790000002"]},
            ],
        },
    )
    named = {"smsSettings": {"body": "$recipientName$ har fått brev"}}
    recipients = [
        (to_sms("+4790000000", body="å" * 160), 1),
        (to_sms("+4790000003", body="å" * 161), 2),
        (organization("310123456", "Sms", **named), 2),
        (organization("310987654", "Sms", **named), 2),
        (person("26069412346", "Sms"), None),
        (to_email("kari"), None),
    ]
    expected = dict[object, int | None]()
    for number, (recipient, segments) in enumerate(recipients):
        told = await placed(service, CHAIN | {"idempotencyId": str(number), "recipient": recipient})
        expected[told.main] = segments
    body = instant_sms("+4790000004")
    body["recipientSms"]["smsSettings"]["body"] = "😀" * 36
    expected[(await placed(service, body, INSTANT_SMS_PATH)).main] = 2
    v1 = {**SMS_ORDER, "body": "€" * 81, "recipients": [{"mobileNumber": "+4790000005"}]}
    expected[await service.accepted("/orders/sms", v1)] = 2

    await service.rig.work()

    rows = await service.rig.pool.fetch("SELECT order_id, segments FROM notifications")
    assert {row["order_id"]: row["segments"] for row in rows} == expected


async def test_a_text_of_absurd_length_is_counted_no_further_than_can_be_kept(service: Service) -> None:
    """No rule limits a text (api.md 5, item 28)."""
    assert (await place(service, CHAIN_PATH, CHAIN | {"recipient": to_sms(NUMBER, body="a" * 5_100_000)})).is_success
    await service.rig.work()
    assert await service.rig.pool.fetchval("SELECT segments FROM notifications") == 32_767
