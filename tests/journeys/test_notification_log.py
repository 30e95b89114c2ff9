"""The notification log: one row for each notification of an order that completes (processing.md 7.4)."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Record

from tests.support.condition_endpoint import NO, ConditionEndpoint
from tests.support.future_bodies import BOTH_SETTINGS, EMAIL, SMS
from tests.support.link_gateway import LinkGateway
from tests.support.link_replies import Reply
from tests.support.link_reports import DeliveryReport, post_report
from tests.support.placing import (
    CHAIN,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_SMS_PATH,
    instant_email,
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
from tests.support.service import EMAIL_ORDER, REPORT_PASSWORD, REPORT_USER, SMS_ORDER, Service, write_directory
from tests.support.smtp_server import RealServer
from varsel.model.orders import OrderType
from varsel.model.results import Channel, Result

PERSON, RESERVED, ORGANISATION = "16069412345", "26069412346", "310123456"
IDENTITY = "urn:altinn:party:username:kari"
RESOURCE = "urn:altinn:resource:app_ttd_letters"
DAY = timedelta(days=1)
DIRECTORY = {
    "persons": [
        {"nationalIdentityNumber": PERSON, "email": "ola@example.com", "mobileNumber": "+4790000001"},
        {"nationalIdentityNumber": RESERVED, "isReserved": True},
    ],
    "organizations": [{"organizationNumber": ORGANISATION, "emails": ["a@example.com", "b@example.com"]}],
    "externalIdentities": [{"externalIdentity": IDENTITY, "email": "x@example.com"}],
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    write_directory(tmp_path, DIRECTORY)


async def logged(service: Service, order_id: UUID | None = None) -> list[Record]:
    """Read the log, or what it says of one order, by channel and destination."""
    return await service.rig.pool.fetch(
        "SELECT * FROM notification_log WHERE $1::uuid IS NULL OR shipment_id = $1 ORDER BY channel, destination",
        order_id,
    )


async def report(service: Service, reference: str, state: str) -> None:
    """Post a report as the gateway does, and let it be applied."""
    url = f"http://127.0.0.1:{service.port}/notifications/sms/api/v1/reports"
    answer = await post_report(url, (REPORT_USER, REPORT_PASSWORD), DeliveryReport(reference, state))
    assert answer.status_code == 200
    await service.rig.work()


def message_ids(mail: RealServer) -> dict[str, str]:
    """Return the Message-ID of what the mail server took, by recipient."""
    arrived = [email.message_from_bytes(each.content, policy=email.policy.SMTP) for each in mail.received]
    return {str(each["To"]): str(each["Message-ID"]).strip("<>") for each in arrived}


async def test_a_row_in_full(service: Service) -> None:
    """Every field, of the SMS of a chain: what a gateway calls it, when it was wanted and when it was decided."""
    dialog = {"dialogId": "d-1", "transmissionId": "t-1"}
    recipient = person(PERSON, "Sms", resourceId=RESOURCE, smsSettings={"body": "x", "sendingTimePolicy": "Anytime"})
    wanted = {"requestedSendTime": "2026-06-15T12:30:00.5+02:00", "dialogportenAssociation": dialog}
    told = await placed(service, CHAIN | wanted | {"recipient": recipient})
    await service.rig.work(after=timedelta(hours=1))
    assert await logged(service) == []
    service.rig.hand.turn(timedelta(minutes=1))

    await report(service, "984342374", "DELIVRD")

    (row,) = await logged(service)
    (line,) = await service.rig.listed(told.main, Channel.Sms)
    assert dict(row) == {
        "notification_id": line.id,
        "chain_id": told.chain_id,
        "shipment_id": told.main,
        "creator": "ttd",
        "senders_reference": "case-42",
        "dialog_id": "d-1",
        "transmission_id": "t-1",
        "delivery_reference": "984342374",
        "recipient": PERSON,
        "type": OrderType.Notification,
        "channel": Channel.Sms,
        "destination": "+4790000001",
        "resource_id": RESOURCE,
        "result": Result.SMS_DELIVERED,
        "requested_send_time": datetime(2026, 6, 15, 10, 30, 0, 500_000, tzinfo=UTC),
        "last_update": NOON + timedelta(hours=1, minutes=1),
    }


RECIPIENTS: list[tuple[dict[str, Any], str | None, set[str]]] = [
    (person(PERSON, "Email"), PERSON, {"ola@example.com"}),
    (person(RESERVED, "Email"), RESERVED, {""}),
    (organization(ORGANISATION, "Email"), ORGANISATION, {"a@example.com", "b@example.com"}),
    (
        {"recipientExternalIdentity": {"externalIdentity": IDENTITY, "channelSchema": "Email", **BOTH_SETTINGS}},
        None,
        {"x@example.com"},
    ),
    (EMAIL, None, {"kari@example.com"}),
    (SMS, None, {"+4799999999"}),
]


async def test_the_recipient_is_an_organisation_else_a_person_else_nobody(service: Service) -> None:
    """Null for direct addresses and external identities; one row for each address of an organisation."""
    told = list[UUID]()
    for number, (recipient, _, _) in enumerate(RECIPIENTS):
        told.append((await placed(service, CHAIN | {"idempotencyId": str(number), "recipient": recipient})).main)
    await service.rig.work()
    await service.rig.work(after=3 * DAY)

    for order_id, (_, number_of, destinations) in zip(told, RECIPIENTS, strict=True):
        rows = await logged(service, order_id)
        assert {row["destination"] for row in rows} == destinations
        assert len(rows) == len(destinations)
        assert {row["recipient"] for row in rows} == {number_of}


async def test_all_four_types_with_what_their_providers_called_them(service: Service, mail: RealServer) -> None:
    """Type, channel and delivery reference: a Message-ID of SMTP, a number of LINK; none for what never left."""
    reminders = [{"delayDays": 1, "recipient": to_sms("+4790000002", sendingTimePolicy="Anytime")}]
    chain = await placed(service, CHAIN | {"reminders": reminders})
    composed = await placed(service, without_attachments(COMPOSED, "composed@example.com"), COMPOSED_PATH)
    by_sms = await placed(service, instant_sms("+4790000003"), INSTANT_SMS_PATH)
    by_email = await placed(service, instant_email("instant"), INSTANT_EMAIL_PATH)
    v1 = await service.accepted("/orders/email", {**EMAIL_ORDER, "recipients": [{"emailAddress": "v1@example.com"}]})
    unsent = await placed(service, CHAIN | {"idempotencyId": "-", "recipient": person(RESERVED, "Sms")})
    for _ in range(5):
        await service.rig.work(after=DAY)

    ids = message_ids(mail)
    expected: dict[UUID, tuple[OrderType, Channel, str | None, UUID | None]] = {
        chain.main: (OrderType.Notification, Channel.Email, ids["kari@example.com"], chain.chain_id),
        chain.reminders[0]: (OrderType.Reminder, Channel.Sms, "984342375", chain.chain_id),
        composed.main: (OrderType.Composed, Channel.Email, ids["composed@example.com"], composed.chain_id),
        by_sms.main: (OrderType.Instant, Channel.Sms, "984342374", by_sms.chain_id),
        by_email.main: (OrderType.Instant, Channel.Email, ids["instant@example.com"], by_email.chain_id),
        v1: (OrderType.Notification, Channel.Email, ids["v1@example.com"], None),
        unsent.main: (OrderType.Notification, Channel.Sms, None, unsent.chain_id),
    }
    rows = {row["shipment_id"]: row for row in await logged(service)}
    assert {
        order_id: (row["type"], row["channel"], row["delivery_reference"], row["chain_id"])
        for order_id, row in rows.items()
    } == expected
    assert len(await logged(service)) == len(expected)


def without_attachments(body: dict[str, Any], address: str) -> dict[str, Any]:
    """Return a composed e-mail to this address that encloses nothing."""
    settings = {"subject": "Decision", "body": "Made.", "attachments": []}
    return body | {"recipient": {"emailAddress": address, "emailSettings": settings}}


async def test_what_became_of_it_is_told_by_its_raw_name(
    service: Service, mail: RealServer, gateway: LinkGateway
) -> None:
    """The result as kept: neither masked nor spelled as on the wire; the time is that of the result."""
    mail.refusals["RCPT", "gone"] = "550 5.1.1 no such user"
    gateway.script.append(Reply.INVALID_RCV)
    bodies = {
        "Failed_InvalidRecipient": to_sms("+4790000004", sendingTimePolicy="Anytime"),
        "Failed_RecipientReserved": person(RESERVED, "Email"),
        "Failed_Bounced": to_email("gone"),
        "Delivered": EMAIL,
    }
    told = {
        name: (await placed(service, CHAIN | {"idempotencyId": name, "recipient": recipient})).main
        for name, recipient in bodies.items()
    }
    await service.rig.work()
    told["Failed_TTL"] = (await placed(service, CHAIN | {"idempotencyId": "TTL", "recipient": SMS})).main
    await service.rig.work()
    await service.rig.work(after=DAY)
    await service.rig.work(after=DAY + GRACE)

    at_once, a_day_later = NOON, NOON + DAY
    expected = dict.fromkeys(told, at_once) | {"Delivered": a_day_later, "Failed_TTL": NOON + 2 * DAY + GRACE}
    for name, order_id in told.items():
        (row,) = await logged(service, order_id)
        assert (Result(row["result"]).facts.name, row["last_update"]) == (name, expected[name])
        assert row["requested_send_time"] == NOON


async def test_v1_orders_have_no_chain_and_a_row_for_each_recipient(service: Service) -> None:
    recipients = [{"emailAddress": "one@example.com"}, {"nationalIdentityNumber": PERSON}]
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "recipients": recipients, "resourceId": "free"})
    await service.rig.work()
    await service.rig.work(after=DAY)

    rows = await logged(service, order_id)

    assert [(row["destination"], row["recipient"]) for row in rows] == [
        ("ola@example.com", PERSON),
        ("one@example.com", None),
    ]
    assert {(row["chain_id"], row["dialog_id"], row["transmission_id"]) for row in rows} == {(None, None, None)}
    assert {(row["senders_reference"], row["resource_id"]) for row in rows} == {(None, "free")}


async def test_stopped_and_cancelled_orders_have_no_row(service: Service) -> None:
    """SendConditionNotMet and Cancelled, of v1, chain and composed orders; and none before an order completes."""
    later = {"requestedSendTime": "2026-06-15T10:30:00Z"}
    async with ConditionEndpoint(otherwise=NO) as endpoint:
        condition = {"conditionEndpoint": endpoint.url("/check", host="asked.example.com")}
        stopped = [
            (await placed(service, CHAIN | condition)).main,
            (await placed(service, without_attachments(COMPOSED, "k@example.com") | condition, COMPOSED_PATH)).main,
            await service.accepted("/orders/email", {**EMAIL_ORDER, **condition}),
        ]
        cancelled = [
            (await placed(service, CHAIN | later | {"idempotencyId": "2"})).main,
            (await placed(service, COMPOSED | later | {"idempotencyId": "2"}, COMPOSED_PATH)).main,
            await service.accepted("/orders/sms", {**SMS_ORDER, **later}),
        ]
        for order_id in cancelled:
            assert (await service.put(f"/orders/{order_id}/cancel")).status_code == 200
        for _ in range(3):
            await service.rig.work(after=DAY)
    assert len(endpoint.received) == len(stopped)
    for order_ids, status in ((stopped, "Order_SendConditionNotMet"), (cancelled, "Order_Cancelled")):
        assert {(await shipment(service, order_id))["status"] for order_id in order_ids} == {status}
    assert await logged(service) == []


async def test_a_row_is_unchanged_by_a_late_report(service: Service) -> None:
    """Immutable: the shipment shows what came after the order had ended, the log does not."""
    told = await placed(service, instant_sms("+4799999999", seconds=60), INSTANT_SMS_PATH)
    await service.rig.work(after=timedelta(seconds=60) + GRACE)
    before = await logged(service)
    assert [Result(row["result"]) for row in before] == [Result.SMS_FAILED_TTL]
    service.rig.hand.turn(timedelta(minutes=1))

    await report(service, "984342374", "DELIVRD")

    assert (await shipment(service, told.main))["recipients"][0]["status"] == "SMS_Delivered"
    assert await logged(service) == before


async def test_an_instant_message_that_was_refused_has_its_row(service: Service, gateway: LinkGateway) -> None:
    gateway.script.append(Reply.INVALID_RCV)
    refused = await place(service, INSTANT_SMS_PATH, instant_sms("+4799999999"))
    assert refused.status_code == 201
    (row,) = await logged(service)
    assert (row["type"], Result(row["result"])) == (OrderType.Instant, Result.SMS_FAILED_INVALID_RECIPIENT)
    assert row["delivery_reference"] is None
