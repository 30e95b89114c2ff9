"""Lists of an order's notifications: GET `/orders/{id}/notifications/email` and `/sms` (api.md 3.8, checklist 6.3)."""

import json
import socket
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.orders import emails, make_order, many, numbers
from tests.support.rig import NOON
from tests.support.service import BASE, EMAIL_ORDER, SMS_ORDER, Service, write_directory
from varsel.model.lanes import Lane
from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.results import Channel, Result
from varsel.storage import chunks

RESERVED, REACHABLE, UNKNOWN = "16069412345", "26069412346", "06069412347"
ORGANISATION = "310123456"
DIRECTORY: dict[str, Any] = {
    "persons": [
        {"nationalIdentityNumber": RESERVED, "isReserved": True, "email": "r@example.com"},
        {"nationalIdentityNumber": REACHABLE, "email": "ola@example.com", "mobileNumber": "99999999"},
    ],
    "organizations": [{"organizationNumber": ORGANISATION, "emails": ["a@example.com", "b@example.com"]}],
}


async def listed(service: Service, order_id: UUID, channel: str = "email") -> dict[str, Any]:
    """Read a list and hold its counts to its elements."""
    found = await service.document(f"/orders/{order_id}/notifications/{channel}")
    assert found["generated"] == len(found["notifications"])
    assert found["succeeded"] == sum(each["succeeded"] for each in found["notifications"])
    return found


async def test_a_list_without_notifications_is_empty(service: Service) -> None:
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": "r"})
    empty = {"orderId": str(order_id), "sendersReference": "r", "generated": 0, "succeeded": 0, "notifications": []}
    assert await listed(service, order_id) == empty
    await service.rig.work()
    assert await listed(service, order_id, "sms") == empty


async def test_a_delivered_email_in_full(service: Service) -> None:
    order_id = await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    (kept,) = await service.rig.kept()
    assert await listed(service, order_id) == {
        "orderId": str(order_id),
        "generated": 1,
        "succeeded": 1,
        "notifications": [
            {
                "id": str(kept.notification_id),
                "succeeded": True,
                "recipient": {"emailAddress": "kari@example.com"},
                "sendStatus": {
                    "status": "Delivered",
                    "description": "The e-mail reached the recipient's mail server.",
                    "lastUpdate": "2026-06-15T10:00:00Z",
                },
            }
        ],
    }


async def test_identifiers_are_shown_with_the_address_that_was_found(service: Service, tmp_path: Path) -> None:
    """Reserved and unidentified recipients are listed with the address `""`."""
    write_directory(tmp_path, DIRECTORY)
    recipients = [{"nationalIdentityNumber": number} for number in (RESERVED, REACHABLE, UNKNOWN)]
    order = {**EMAIL_ORDER, "recipients": [*recipients, {"organizationNumber": ORGANISATION}]}
    order_id = await service.accepted("/orders/email", order)

    await service.rig.work()

    found = [
        (each["sendStatus"]["status"], each["recipient"]) for each in (await listed(service, order_id))["notifications"]
    ]
    assert sorted(found, key=str) == sorted(
        [
            ("Failed_RecipientReserved", {"nationalIdentityNumber": RESERVED, "emailAddress": ""}),
            ("Delivered", {"nationalIdentityNumber": REACHABLE, "emailAddress": "ola@example.com"}),
            ("Failed_RecipientNotIdentified", {"nationalIdentityNumber": UNKNOWN, "emailAddress": ""}),
            ("Delivered", {"organizationNumber": ORGANISATION, "emailAddress": "a@example.com"}),
            ("Delivered", {"organizationNumber": ORGANISATION, "emailAddress": "b@example.com"}),
        ],
        key=str,
    )
    summary = (await service.status(order_id))["notificationsStatusSummary"]["email"]
    assert (summary["generated"], summary["succeeded"]) == (5, 3)


async def test_sms_are_listed_with_their_number(service: Service, tmp_path: Path) -> None:
    write_directory(tmp_path, DIRECTORY)
    recipients = [
        {"nationalIdentityNumber": REACHABLE},
        {"organizationNumber": ORGANISATION},
        {"mobileNumber": "+47 99 99 99 98"},
    ]
    order_id = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": recipients})
    await service.rig.work()
    assert Counter(
        str(each["recipient"]) for each in (await listed(service, order_id, "sms"))["notifications"]
    ) == Counter(
        map(
            str,
            [
                {"nationalIdentityNumber": REACHABLE, "mobileNumber": "+4799999999"},
                {"organizationNumber": ORGANISATION, "mobileNumber": ""},
                {"mobileNumber": "+47 99 99 99 98"},
            ],
        )
    )


async def test_an_expired_notification_is_shown_as_failed_with_its_own_description(service: Service) -> None:
    email = await service.accepted(
        "/orders/email", {**EMAIL_ORDER, "recipients": [{"emailAddress": "never-reported@example.com"}]}
    )
    sms = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": [{"mobileNumber": "+4799000096"}]})
    await service.rig.work()

    await service.rig.work(after=timedelta(hours=48, minutes=6))

    for order_id, channel in ((email, "email"), (sms, "sms")):
        (line,) = (await listed(service, order_id, channel))["notifications"]
        assert line["sendStatus"]["status"] == "Failed"
        assert line["sendStatus"]["description"] == "No final report arrived within the time limit."
        assert line["succeeded"] is False


async def test_what_expired_before_anybody_took_it_does_not_speak_of_a_missing_report(service: Service) -> None:
    for lane in (Lane.Email, Lane.SmsDaytime):
        await chunks.pause(service.rig.pool, lane, until=NOON + timedelta(days=9), reason="the provider is down")
    email = await service.accepted("/orders/email", EMAIL_ORDER)
    sms = await service.accepted("/orders/sms", SMS_ORDER)

    await service.rig.work(after=timedelta(hours=48, minutes=6))

    for order_id, channel, text in (
        (email, "email", "The provider had not confirmed that it took the e-mail when the time limit was reached."),
        (sms, "sms", "The gateway had not confirmed that it took the SMS when the time limit was reached."),
    ):
        (line,) = (await listed(service, order_id, channel))["notifications"]
        assert (line["sendStatus"]["status"], line["sendStatus"]["description"]) == ("Failed", text)


# Named here once more, and not taken from the code: these are wire constants (api.md 4.3 and 4.4).
EMAIL_NAMES = """New Sending Succeeded Delivered Failed Failed_RecipientReserved Failed_RecipientNotIdentified
Failed_InvalidEmailFormat Failed_SupressedRecipient Failed_TransientError Failed_Bounced Failed_FilteredSpam
Failed_Quarantined Failed Failed_InvalidSasUrl Failed_PayloadTooLarge"""
SMS_NAMES = """New Sending Accepted Delivered Failed Failed_InvalidRecipient Failed_RecipientReserved
Failed_BarredReceiver Failed_Deleted Failed_Expired Failed_Undelivered Failed_RecipientNotIdentified Failed_Rejected
Failed"""


@pytest.mark.parametrize(
    ("channel", "names", "counting"),
    [(Channel.Email, EMAIL_NAMES, {"Succeeded", "Delivered"}), (Channel.Sms, SMS_NAMES, {"Accepted", "Delivered"})],
)
async def test_every_result_has_its_wire_name(
    service: Service, channel: Channel, names: str, counting: set[str]
) -> None:
    results = [result for result in Result if result.facts.channel is channel]
    recipients = many(len(results)) if channel is Channel.Email else numbers(*["+4799999999"] * len(results))
    order = make_order(recipients, NOON, channel=NotificationChannel[channel.name])
    await service.rig.store(order)
    await service.rig.work()
    lines = (await listed(service, order.id, channel.name.lower()))["notifications"]
    for line, result in zip(lines, results, strict=True):
        await service.rig.pool.execute("UPDATE notifications SET result = $2 WHERE id = $1", UUID(line["id"]), result)

    shown = (await listed(service, order.id, channel.name.lower()))["notifications"]

    by_id = {line["id"]: line for line in shown}
    in_order = [by_id[line["id"]] for line in lines]
    assert [line["sendStatus"]["status"] for line in in_order] == names.split()
    assert {line["sendStatus"]["status"] for line in in_order if line["succeeded"]} == counting
    assert all(line["sendStatus"]["description"].endswith(".") for line in in_order)


async def test_a_long_list_is_streamed_whole(service: Service) -> None:
    """More than 1,000 notifications are written page by page; one of each page differs from the rest."""
    odd = emails("bounced", "suppressed")
    recipients: list[Recipient] = [*many(999), *odd, *(many(1_500)[999:])]
    order = make_order(recipients, NOON, senders_reference="long")
    await service.rig.store(order)
    await service.rig.work()

    found = await listed(service, order.id)

    assert (found["generated"], found["succeeded"], found["sendersReference"]) == (1_502, 1_500, "long")
    addresses = Counter(each["recipient"]["emailAddress"] for each in found["notifications"])
    assert addresses == Counter(recipient.email_address for recipient in recipients)
    assert len({each["id"] for each in found["notifications"]}) == 1_502


@pytest.mark.parametrize("count", [1_000, 1_001])
async def test_lists_around_a_page_s_end_are_whole(service: Service, count: int) -> None:
    order = make_order(many(count), NOON)
    await service.rig.store(order)
    await service.rig.work()
    assert (await listed(service, order.id))["generated"] == count


async def test_counts_are_those_of_the_list_even_when_results_arrive_while_it_is_written(service: Service) -> None:
    """The caller takes it slowly: what is still unwritten when a report comes shows what the report said."""
    long = "x" * 2_000  # more than the buffers between server and caller hold
    order = make_order(emails(*(f"user{number}{long}" for number in range(4_000))), NOON)
    await service.rig.store(order)
    await service.rig.work()
    small_window = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)])
    async with (
        httpx.AsyncClient(transport=small_window, base_url=service.client.base_url, timeout=30) as slow,
        slow.stream("GET", f"{BASE}/orders/{order.id}/notifications/email", headers=service.bearer()) as answer,
    ):
        pieces = answer.aiter_bytes()
        first = await anext(pieces)
        await service.rig.pool.execute("UPDATE notifications SET result = $1", Result.EMAIL_FAILED_BOUNCED)
        found = json.loads(first + b"".join([piece async for piece in pieces]))

    assert 0 < found["succeeded"] < found["generated"] == len(found["notifications"]) == 4_000
    assert found["succeeded"] == sum(each["succeeded"] for each in found["notifications"])
