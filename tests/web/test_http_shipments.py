"""Shipments: GET `/future/shipment/{id}` (api.md 3.14, processing.md 7.2; checklist 6.3, GET shipment)."""

import json
import socket
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.future_bodies import BOTH_SETTINGS, EMAIL
from tests.support.orders import emails, make_order, many
from tests.support.placing import (
    CHAIN,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_SMS_PATH,
    instant_sms,
    organization,
    person,
    placed,
    shipment,
    to_email,
    to_sms,
)
from tests.support.rig import NOON
from tests.support.service import BASE, EMAIL_ORDER, Service, write_directory
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.results import Channel, Result
from varsel.storage.reports import ArrivedReport

RESERVED, ORGANISATION = "26069412346", "310123456"
BOTH = NotificationChannel.EmailAndSms


async def test_a_shipment_before_processing_has_no_recipients(service: Service) -> None:
    told = await placed(service, CHAIN | {"requestedSendTime": "2026-06-15T10:30:00Z"})
    expected = {
        "shipmentId": str(told.main),
        "sendersReference": "case-42",
        "type": "Notification",
        "status": "Order_Registered",
        "lastUpdate": "2026-06-15T10:00:00Z",
        "recipients": [],
    }
    assert await shipment(service, told.main) == expected
    service.rig.hand.turn(timedelta(minutes=30))
    await service.claim(service.rig.clock.now())
    assert await shipment(service, told.main) == expected | {"status": "Order_Processing"}


async def test_a_shipment_is_live_before_and_after_its_order_is_completed(service: Service) -> None:
    """`Order_Processed` is not masked here; later results show although the order has ended."""
    told = await placed(service, CHAIN | {"recipient": to_email("never-reported")})
    assert "sendersReference" in await shipment(service, told.main)
    await service.rig.work(after=timedelta(minutes=1))
    assert await shipment(service, told.main) == {
        "shipmentId": str(told.main),
        "sendersReference": "case-42",
        "type": "Notification",
        "status": "Order_Processed",
        "lastUpdate": "2026-06-15T10:01:00Z",
        "recipients": [
            {
                "type": "Email",
                "destination": "never-reported@example.com",
                "status": "Email_Succeeded",
                "lastUpdate": "2026-06-15T10:01:00Z",
            }
        ],
    }
    await service.rig.work(after=timedelta(hours=49))
    ended = await shipment(service, told.main)
    assert (ended["status"], ended["lastUpdate"]) == ("Order_Completed", "2026-06-17T11:01:00Z")
    assert ended["recipients"][0]["status"] == "Email_Failed_TTL"
    assert "corrected" not in ended


@pytest.mark.parametrize("count", [2, 1_001])
async def test_after_a_late_report_the_shipment_tells_the_end_as_the_feed_does_and_the_correction(
    service: Service, count: int
) -> None:
    """The feed keeps what was known at the end; a shipment read at once or piece by piece tells both times."""
    order = make_order([*emails("never-reported"), *many(count - 1)], NOON)
    await service.rig.store(order)
    await service.rig.work()
    await service.rig.work(after=timedelta(hours=49))
    ended = await shipment(service, order.id)
    (late,) = [line for line in await service.rig.listed(order.id) if line.result is Result.EMAIL_FAILED_TTL]

    await service.rig.report(ArrivedReport(Channel.Email, None, late.id, Result.EMAIL_DELIVERED, "{}"))
    await service.rig.work(after=timedelta(hours=1))

    answer = await service.get(f"/future/shipment/{order.id}")
    assert answer.text == json.dumps(answer.json(), indent=2, ensure_ascii=False)
    corrected = answer.json()
    assert (ended["lastUpdate"], "corrected" in ended) == ("2026-06-17T11:00:00Z", False)
    assert (corrected["lastUpdate"], corrected["corrected"]) == ("2026-06-17T11:00:00Z", "2026-06-17T12:00:00Z")
    changed = [line for line in corrected["recipients"] if line["destination"] == "never-reported@example.com"]
    assert [(line["status"], line["lastUpdate"]) for line in changed] == [("Email_Delivered", "2026-06-17T12:00:00Z")]
    (entry,) = (await service.get("/future/shipment/feed")).json()
    assert entry["lastUpdate"] == corrected["lastUpdate"]
    assert "Email_Failed_TTL" in {each["status"] for each in entry["recipients"]}


async def test_every_type_of_order_is_a_shipment(service: Service) -> None:
    """v1 order visible (api.md 5, item 15)."""
    chain = await placed(service, CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]})
    composed = await placed(service, COMPOSED, COMPOSED_PATH)
    instant = await placed(service, instant_sms("+4799000096"), INSTANT_SMS_PATH)
    v1 = await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": "v1"})
    for order_id, kind in [
        (chain.main, "Notification"),
        (chain.reminders[0], "Reminder"),
        (composed.main, "Composed"),
        (instant.main, "Instant"),
        (v1, "Notification"),
    ]:
        assert (await shipment(service, order_id))["type"] == kind


async def test_emails_come_before_sms_and_who_is_not_reached_has_no_destination(
    service: Service, tmp_path: Path
) -> None:
    """Type discriminator first; reserved destination `""`; an organisation has an entry for each address."""
    addresses = {"emails": ["a@example.com", "b@example.com"], "mobileNumbers": ["+4799000090"]}
    write_directory(
        tmp_path,
        {
            "persons": [{"nationalIdentityNumber": RESERVED, "isReserved": True}],
            "organizations": [{"organizationNumber": ORGANISATION, **addresses}],
        },
    )
    reserved = await placed(service, CHAIN | {"recipient": person(RESERVED, "EmailAndSms")})
    several = await placed(
        service, CHAIN | {"idempotencyId": "2", "recipient": organization(ORGANISATION, "EmailAndSms")}
    )

    await service.rig.work()

    at = "2026-06-15T10:00:00Z"
    answer = await service.get(f"/future/shipment/{reserved.main}")
    assert answer.json()["recipients"] == [
        {"type": "Email", "destination": "", "status": "Email_Failed_RecipientReserved", "lastUpdate": at},
        {"type": "SMS", "destination": "", "status": "SMS_Failed_RecipientReserved", "lastUpdate": at},
    ]
    assert list(answer.json()["recipients"][0]) == ["type", "destination", "status", "lastUpdate"]
    lines = (await shipment(service, several.main))["recipients"]
    assert [line["type"] for line in lines] == ["Email", "Email", "SMS"]
    assert {line["destination"] for line in lines} == {"a@example.com", "b@example.com", "+4799000090"}


SMS_NAMES = (
    "New Sending Accepted Delivered Failed Failed_InvalidRecipient Failed_RecipientReserved Failed_BarredReceiver"
    " Failed_Deleted Failed_Expired Failed_Undelivered Failed_RecipientNotIdentified Failed_Rejected Failed_TTL"
)
EMAIL_NAMES = (
    "New Sending Succeeded Delivered Failed Failed_RecipientReserved Failed_RecipientNotIdentified"
    " Failed_InvalidFormat Failed_SuppressedRecipient Failed_TransientError Failed_Bounced Failed_FilteredSpam"
    " Failed_Quarantined Failed_TTL Failed_InvalidSasUrl Failed_PayloadTooLarge"
)
NAMES = {25 + number: f"SMS_{name}" for number, name in enumerate(SMS_NAMES.split())}
NAMES |= {50 + number: f"Email_{name}" for number, name in enumerate(EMAIL_NAMES.split())}
"""Names by their numbers in the contract (api.md 4.3 and 4.4)."""


async def test_all_results_have_their_names(service: Service) -> None:
    """All result names incl. renamed ones; `Failed_TTL` is not masked (api.md 4.3, 4.4)."""
    order = make_order([Recipient(email_address="kari@example.com", mobile_number="+4799999999")], NOON, channel=BOTH)
    await service.rig.store(order)
    await service.rig.work()
    for result in Result:
        await service.rig.pool.execute(
            "UPDATE notifications SET result = $1 WHERE channel = $2", result, result.facts.channel
        )
        found = (await shipment(service, order.id))["recipients"]
        assert [line["type"] for line in found] == ["Email", "SMS"]
        assert found[result.facts.channel is Channel.Sms]["status"] == NAMES[result]


CAME = [
    (to_email("invalid"), "Email_Failed_InvalidFormat"),
    (to_email("suppressed"), "Email_Failed_SuppressedRecipient"),
    (to_email("spam"), "Email_Failed_FilteredSpam"),
    (to_sms("+4799000093"), "SMS_Failed_BarredReceiver"),
    (to_sms("+4799000097"), "SMS_Failed_InvalidRecipient"),
]


async def test_results_that_really_came(service: Service) -> None:
    for recipient, status in CAME:
        told = await placed(service, CHAIN | {"idempotencyId": status, "recipient": recipient})
        await service.rig.work()
        (line,) = (await shipment(service, told.main))["recipients"]
        assert line["status"] == status
        assert (await shipment(service, told.main))["status"] == "Order_Completed"


async def test_an_unknown_or_foreign_shipment_is_not_found(service: Service) -> None:
    theirs = await placed(service, CHAIN, org="skd")
    for order_id, org in ((new_id(), "ttd"), (theirs.main, "ttd"), (theirs.main, "SKD"), (theirs.chain_id, "skd")):
        answer = await service.get(f"/future/shipment/{order_id}", org=org)
        assert answer.status_code == 404
        problem = answer.json()
        assert problem.pop("traceId")
        assert problem == {
            "type": "urn:altinn:error:NOT-00003",
            "title": "Shipment not found",
            "status": 404,
            "code": "NOT-00003",
            "statusDescription": "Not Found",
        }
    assert (await shipment(service, theirs.main, org="skd"))["type"] == "Notification"


@pytest.mark.parametrize("count", [999, 1_000, 1_001, 2_345])
async def test_a_large_shipment_is_written_as_it_is_read(service: Service, count: int) -> None:
    recipients = [*emails("bounced"), *many(count - 2), Recipient(mobile_number="+4799999999")]
    order = make_order(recipients, NOON, channel=NotificationChannel.EmailPreferred, senders_reference="ref")
    await service.rig.store(order)
    await service.rig.work()

    found = await shipment(service, order.id)

    lines = found.pop("recipients")
    assert found == {
        "shipmentId": str(order.id),
        "sendersReference": "ref",
        "type": "Notification",
        "status": "Order_Completed",
        "lastUpdate": "2026-06-15T10:00:00Z",
    }
    assert [line["type"] for line in lines] == ["Email"] * (count - 1) + ["SMS"]
    assert len({line["destination"] for line in lines}) == count
    assert sum(line["status"] == "Email_Failed_Bounced" for line in lines) == 1


async def test_a_large_and_a_small_shipment_are_written_alike(service: Service) -> None:
    """The same bytes, whether written at once or piece by piece."""
    small, large = make_order(many(1_000), NOON), make_order(many(1_001), NOON)
    for order in (small, large):
        await service.rig.store(order)
    await service.rig.work()
    answers = [await service.get(f"/future/shipment/{order.id}") for order in (small, large)]
    for answer in answers:
        rewritten = json.dumps(answer.json(), indent=2, ensure_ascii=False)
        assert answer.text == rewritten
        assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_caller_who_breaks_off_while_reading_harms_nobody_499(service: Service) -> None:
    order = make_order(many(5_000), NOON)
    await service.rig.store(order)
    await service.rig.work()
    small_window = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)])
    async with httpx.AsyncClient(transport=small_window, base_url=service.client.base_url, timeout=30) as hasty:
        for _ in range(12):  # more often than there are connections to the database
            async with hasty.stream("GET", f"{BASE}/future/shipment/{order.id}", headers=service.bearer()) as answer:
                await anext(answer.aiter_bytes())
    assert len((await shipment(service, order.id))["recipients"]) == 5_000


async def test_the_shipment_of_a_direct_recipient_shows_its_address_as_it_was_given(service: Service) -> None:
    recipient = {"recipientSms": {"phoneNumber": "0047 99 99 99 99", "smsSettings": BOTH_SETTINGS["smsSettings"]}}
    told = await placed(service, CHAIN | {"recipient": recipient})
    await service.rig.work()
    (line,) = (await shipment(service, told.main))["recipients"]
    assert line["destination"] == "0047 99 99 99 99"
