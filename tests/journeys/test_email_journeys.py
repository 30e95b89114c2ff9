"""From an order posted over HTTP to an e-mail at a mail server, and back to its status over HTTP."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.journeys.conftest import ASSUMED_AFTER
from tests.support.service import EMAIL_ORDER, Service, write_directory
from tests.support.smtp_server import DROP, RealServer, Received

PERSON, RESERVED, UNKNOWN = "16069412345", "26069412346", "06069412347"
ORGANISATION = "310123456"
DIRECTORY: dict[str, Any] = {
    "persons": [
        {"nationalIdentityNumber": PERSON, "name": "Ola Nordmann", "email": "ola@example.com"},
        {"nationalIdentityNumber": RESERVED, "name": "Per", "isReserved": True, "email": "per@example.com"},
    ],
    "organizations": [
        {
            "organizationNumber": ORGANISATION,
            "name": "Blåbær & Sønn AS",
            "emails": ["post@example.no", "POST@example.no", "styret@example.no"],
            "users": [
                {"userId": 1, "email": "anne@example.no", "resources": ["app_ttd_letters"]},
                {"userId": 2, "email": "geir@example.no", "resources": ["other"]},
            ],
        }
    ],
}


def read(received: Received) -> EmailMessage:
    """Read a message as a mail program does."""
    message = message_from_bytes(received.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str) -> str:
    """Return the body of a kind, html or plain."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


async def results(service: Service, order_id: UUID) -> dict[str, str]:
    """Return the results of an order's e-mails by address, as its list shows them."""
    listed = await service.document(f"/orders/{order_id}/notifications/email")
    return {each["recipient"]["emailAddress"]: each["sendStatus"]["status"] for each in listed["notifications"]}


async def test_an_html_email_arrives_whole(service: Service, mail: RealServer) -> None:
    body = "<p>Kjære Kari, du har fått brev. 😀</p>\n.\n<p>From here on: " + "lang " * 500 + "</p>"
    order = {**EMAIL_ORDER, "subject": "Brev\ntil deg: blåbær", "body": body, "contentType": "Html"}
    order_id = await service.accepted("/orders/email", order)

    await service.rig.work()

    (received,) = mail.received
    message = read(received)
    (line,) = (await service.document(f"/orders/{order_id}/notifications/email"))["notifications"]
    assert (received.mail_from, received.rcpt_to) == ("noreply@altinn.cloud", "kari@example.com")
    assert (message["From"], message["To"]) == ("noreply@altinn.cloud", "kari@example.com")
    assert message["Subject"] == "Brev til deg: blåbær"
    assert message["Message-ID"] == f"<{line['id']}@altinn.cloud>"
    assert message["Date"].datetime == service.rig.clock.now()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert text_of(message, "html") == body
    assert "Kjære Kari, du har fått brev. 😀" in text_of(message, "plain")


async def test_a_plain_email_comes_from_the_sender_the_order_names(service: Service, mail: RealServer) -> None:
    template = {"subject": "Hei", "body": "Ren tekst: æøå <b>", "fromAddress": "Avsender@ttd.example.no"}
    order = {"notificationChannel": "Email", "recipients": EMAIL_ORDER["recipients"], "emailTemplate": template}
    await service.accepted("/orders", order)

    await service.rig.work()

    message = read(mail.received[0])
    assert mail.received[0].mail_from == "Avsender@ttd.example.no"
    assert (message["From"], message.get_content_type()) == ("Avsender@ttd.example.no", "text/plain")
    assert text_of(message, "plain") == "Ren tekst: æøå <b>"


async def test_an_order_waits_for_its_time_and_then_leaves(service: Service, mail: RealServer) -> None:
    order_id = await service.accepted(
        "/orders/email", {**EMAIL_ORDER, "requestedSendTime": "2026-06-15T13:00:00+02:00"}
    )
    await service.rig.work(after=timedelta(minutes=59))
    assert (await service.status(order_id))["processingStatus"]["status"] == "Registered"
    assert mail.received == []
    await service.rig.work(after=timedelta(minutes=1))
    assert (await service.status(order_id))["processingStatus"]["lastUpdate"] == "2026-06-15T11:00:00Z"
    assert len(mail.received) == 1


async def test_delivery_is_assumed_where_nobody_reports_it(service: Service) -> None:
    """integrations.md 8.1: an e-mail that nothing was heard of does not end as expired."""
    order_id = await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    assert await results(service, order_id) == {"kari@example.com": "Succeeded"}
    summary = (await service.status(order_id))["notificationsStatusSummary"]
    assert (summary["email"]["generated"], summary["email"]["succeeded"]) == (1, 1)

    await service.rig.work(after=ASSUMED_AFTER - timedelta(seconds=1))
    assert await results(service, order_id) == {"kari@example.com": "Succeeded"}
    await service.rig.work(after=timedelta(seconds=1))

    assert await results(service, order_id) == {"kari@example.com": "Delivered"}
    status = await service.status(order_id)
    assert status["processingStatus"]["lastUpdate"] == "2026-06-16T10:00:00Z"
    assert status["notificationsStatusSummary"] == summary


@pytest.mark.parametrize(
    ("stage", "answer", "result"),
    [
        ("RCPT", "550 5.1.1 No such user", "Failed_Bounced"),
        ("RCPT", "553 5.1.3 Bad address syntax", "Failed_InvalidEmailFormat"),
        ("DATA", "552 5.3.4 Message too big", "Failed_PayloadTooLarge"),
        ("DATA", "554 5.7.1 Rejected as spam", "Failed_FilteredSpam"),
    ],
)
async def test_a_refusal_ends_one_message_and_no_other(
    service: Service, mail: RealServer, stage: str, answer: str, result: str
) -> None:
    mail.refusals[stage, "bad@"] = answer
    recipients = [{"emailAddress": f"{name}@example.com"} for name in ("good", "bad", "better")]
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "recipients": recipients})

    await service.rig.work()

    found = await results(service, order_id)
    assert found == {"good@example.com": "Succeeded", "bad@example.com": result, "better@example.com": "Succeeded"}
    assert {each.rcpt_to for each in mail.received} == {"good@example.com", "better@example.com"}
    assert (await service.status(order_id))["notificationsStatusSummary"]["email"]["succeeded"] == 2


async def test_a_server_that_is_busy_gets_the_message_later_and_once(service: Service, mail: RealServer) -> None:
    mail.refusals["RCPT", "kari@"] = "450 4.2.1 Mailbox busy"
    order_id = await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    assert mail.received == []
    assert (await results(service, order_id))["kari@example.com"] == "New"

    mail.refusals.clear()
    await service.rig.work(after=timedelta(minutes=15))

    assert [each.rcpt_to for each in mail.received] == ["kari@example.com"]
    assert (await results(service, order_id))["kari@example.com"] == "Succeeded"


async def test_a_lost_connection_is_not_the_end(service: Service, mail: RealServer) -> None:
    mail.refusals["MAIL", "noreply@"] = DROP
    order_id = await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    assert (await results(service, order_id))["kari@example.com"] in {"New", "Sending"}
    mail.refusals.clear()
    await service.rig.work(after=timedelta(minutes=5))
    assert [each.rcpt_to for each in mail.received] == ["kari@example.com"]


async def test_persons_and_organisations_are_written_to_by_name(
    service: Service, mail: RealServer, tmp_path: Path
) -> None:
    """Addresses and names from the directory; user contacts only for the resource; each address once."""
    write_directory(tmp_path, DIRECTORY)
    order = {
        **EMAIL_ORDER,
        "resourceId": "urn:altinn:resource:app_ttd_letters",
        "recipients": [{"nationalIdentityNumber": PERSON}, {"organizationNumber": ORGANISATION}],
        "subject": "Til $recipientName$",
        "body": "Nummer: $recipientNumber$.",
    }
    answer = await service.post("/orders/email", order)
    assert answer.json()["recipientLookup"] == {"status": "Success", "isReserved": [], "missingContact": []}

    await service.rig.work()

    said = {each.rcpt_to: (read(each)["Subject"], text_of(read(each), "plain")) for each in mail.received}
    company = ("Til Blåbær & Sønn AS", f"Nummer: {ORGANISATION}.")
    assert said == {
        "ola@example.com": ("Til Ola Nordmann", "Nummer: ."),
        "post@example.no": company,
        "styret@example.no": company,
        "anne@example.no": company,
    }
    assert len(mail.received) == 4


async def test_who_is_reserved_is_left_alone_unless_told_otherwise(
    service: Service, mail: RealServer, tmp_path: Path
) -> None:
    write_directory(tmp_path, DIRECTORY)
    order = {**EMAIL_ORDER, "recipients": [{"nationalIdentityNumber": number} for number in (RESERVED, UNKNOWN)]}
    lookup = {"status": "Failed", "isReserved": [RESERVED], "missingContact": [UNKNOWN]}

    answer = await service.post("/orders/email", order)
    assert answer.json()["recipientLookup"] == lookup
    await service.rig.work()
    listed = await service.document(f"/orders/{answer.json()['orderId']}/notifications/email")
    assert {each["sendStatus"]["status"] for each in listed["notifications"]} == {
        "Failed_RecipientReserved",
        "Failed_RecipientNotIdentified",
    }
    assert mail.received == []

    ignoring = await service.post("/orders/email", {**order, "ignoreReservation": True})
    assert ignoring.json()["recipientLookup"] == lookup
    await service.rig.work()
    assert [each.rcpt_to for each in mail.received] == ["per@example.com"]


async def test_an_order_of_many_recipients_reaches_each_once(service: Service, mail: RealServer) -> None:
    recipients = [{"emailAddress": f"user{number}@example.com"} for number in range(1_050)]
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "recipients": recipients})
    await service.rig.work()
    assert sorted(each.rcpt_to for each in mail.received) == sorted(each["emailAddress"] for each in recipients)
    assert (await service.status(order_id))["notificationsStatusSummary"]["email"]["succeeded"] == 1_050
