"""What of a request is stored (api.md 3.5, text treatment; 3.7; processing.md 1.4 and 2.6)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reading import NOW, ORDER_ID, order_of
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, SmsOrderRequest
from varsel.model.orders import (
    ContentType,
    EmailText,
    NotificationChannel,
    Order,
    OrderType,
    Recipient,
    SmsText,
    unpack_recipients,
)
from varsel.recipients.questions import needs_lookup

PEOPLE = [f"1606941234{last}" for last in range(4)]
COMPANIES = [f"31012345{last}" for last in range(4)]


def recipients_of(order: Order) -> list[Recipient]:
    return [recipient for part in order.recipients for recipient in unpack_recipients(part)]


def chosen(**members: Any) -> Order:
    document = {
        "notificationChannel": "EmailPreferred",
        "recipients": [{"nationalIdentityNumber": PEOPLE[0]}],
        "emailTemplate": {"subject": "s", "body": "b"},
        "smsTemplate": {"body": "b"},
    }
    return order_of(OrderRequest, document | members)


def test_a_full_order_is_stored_as_sent() -> None:
    order = chosen(
        sendersReference="case-2026-0042",
        requestedSendTime="2026-05-04T11:30:00.1234567+02:00",
        conditionEndpoint="HTTPS://ttd.apps.Example.no:443/check?case=42",
        ignoreReservation=False,
        resourceId="urn:altinn:resource:app_ttd_letters",
        resourceAction="read",
        emailTemplate={"fromAddress": "me@example.no", "subject": "s", "body": " b\r\n", "contentType": "html"},
        smsTemplate={"senderNumber": " TTD ", "body": "b\n"},
    )
    assert (order.id, order.creator, order.type, order.created) == (ORDER_ID, "ttd", OrderType.Notification, NOW)
    assert order.channel is NotificationChannel.EmailPreferred
    assert order.requested_send_time == datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)
    assert order.requested_send_time_text == "2026-05-04T09:30:00.1234567Z"
    assert order.senders_reference == "case-2026-0042"
    assert order.condition_endpoint == "HTTPS://ttd.apps.Example.no:443/check?case=42"
    assert order.ignore_reservation is False
    assert (order.resource_id, order.resource_action) == ("urn:altinn:resource:app_ttd_letters", "read")
    assert order.texts.email == EmailText("me@example.no", "s", " b\r\n", ContentType.Html)
    assert order.texts.sms == SmsText(" TTD ", "b\n")
    assert recipients_of(order) == [Recipient(national_identity_number=PEOPLE[0])]


def test_defaults_are_filled_in() -> None:
    order = chosen(sendersReference=" \n")
    assert order.texts.email == EmailText("noreply@altinn.cloud", "s", "b", ContentType.Plain)
    assert order.texts.sms == SmsText("Altinn", "b")
    assert order.senders_reference == " \n"
    assert order.requested_send_time == NOW
    assert order.requested_send_time_text == "2026-05-04T09:00:00Z"
    assert (order.ignore_reservation, order.condition_endpoint, order.sending_time_policy) == (None, None, None)


def test_an_order_has_the_texts_it_was_given() -> None:
    order = chosen(notificationChannel="Email", smsTemplate=None)
    assert order.texts.email is not None
    assert order.texts.sms is None


@pytest.mark.parametrize("subject", ["a\r\nb", "a\rb", "a\nb"])
def test_newlines_in_a_subject_become_one_space(subject: str) -> None:
    email = order_of(EmailOrderRequest, {"recipients": [{"emailAddress": "a@b.no"}], "subject": subject, "body": "b"})
    assert email.texts.email == EmailText("noreply@altinn.cloud", "a b", "b", ContentType.Plain)
    template = chosen(emailTemplate={"subject": subject + "\n\n", "body": "b"}).texts.email
    assert template is not None
    assert template.subject == "a b  "


def test_the_short_orders_drop_the_other_address() -> None:
    both = {"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}
    others = [{"organizationNumber": COMPANIES[0]}]
    email = order_of(EmailOrderRequest, {"recipients": [both, *others], "subject": "s", "body": "b"})
    assert recipients_of(email) == [
        Recipient(email_address="kari@example.com"),
        Recipient(organization_number=COMPANIES[0]),
    ]
    sms = order_of(SmsOrderRequest, {"recipients": [both, *others], "body": "b", "senderNumber": ""})
    assert recipients_of(sms) == [Recipient(mobile_number="+4799999999"), Recipient(organization_number=COMPANIES[0])]
    assert sms.texts.sms == SmsText("Altinn", "b")
    assert recipients_of(chosen(notificationChannel="Email", recipients=[both])) == [
        Recipient("kari@example.com", "+4799999999")
    ]


identifiers = st.sampled_from(
    [{"nationalIdentityNumber": person} for person in PEOPLE]
    + [{"organizationNumber": company} for company in COMPANIES]
    + [{"emailAddress": "kari@example.com"}]
)


@given(st.lists(identifiers, min_size=1, max_size=30), st.sampled_from([2, 3, 4]))
def test_all_but_the_last_of_equal_identifiers_are_superseded(recipients: list[dict[str, str]], channel: int) -> None:
    expected = {
        position
        for position, recipient in enumerate(recipients)
        if "emailAddress" not in recipient and recipient in recipients[position + 1 :]
    }
    assert chosen(recipients=recipients, notificationChannel=channel).superseded == expected


def test_positions_of_superseded_recipients_count_across_parts() -> None:
    recipients = [{"nationalIdentityNumber": f"{number % 1100:011d}"} for number in range(1200)]
    assert chosen(recipients=recipients).superseded == set(range(100))


@pytest.mark.parametrize("channel", ["Email", "Sms"])
def test_single_channels_keep_repeated_identifiers(channel: str) -> None:
    twice = [{"nationalIdentityNumber": PEOPLE[0]}] * 2
    assert chosen(notificationChannel=channel, recipients=twice).superseded == frozenset()


PERSON = Recipient(national_identity_number=PEOPLE[0])
COMPANY = Recipient(organization_number=COMPANIES[0])
ONLY_EMAIL = Recipient(email_address="kari@example.com")
ONLY_MOBILE = Recipient(mobile_number="+4799999999")


@pytest.mark.parametrize(
    ("channel", "reachable"),
    [
        ("Email", [ONLY_EMAIL]),
        ("Sms", [ONLY_MOBILE]),
        ("EmailPreferred", [ONLY_EMAIL, ONLY_MOBILE]),
        ("SmsPreferred", [ONLY_EMAIL, ONLY_MOBILE]),
        ("EmailAndSms", [ONLY_EMAIL, ONLY_MOBILE]),
    ],
)
def test_only_recipients_without_a_usable_address_need_a_look_up(channel: str, reachable: list[Recipient]) -> None:
    order = chosen(notificationChannel=channel, recipients=[PERSON, *reachable, COMPANY])
    recipients = [recipient for part in order.recipients for recipient in unpack_recipients(part)]
    assert [r for r in recipients if needs_lookup(r, order.channel)] == [PERSON, COMPANY]
