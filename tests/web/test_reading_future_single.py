"""From accepted composed e-mails and instant messages to their one order (processing.md 1.2 to 1.4)."""

from typing import Any

import pytest

from tests.support.future_bodies import (
    ATTACHMENT,
    COMPOSED,
    DEFAULTS,
    INSTANT,
    INSTANT_EMAIL,
    INSTANT_SMS,
    NOW,
    chain_from,
    changed,
)
from varsel.intake.wire_future import (
    ComposedRequest,
    FutureRequest,
    InstantEmailRequest,
    InstantRequest,
    InstantSmsRequest,
)
from varsel.model.chains import DialogAssociation, Family
from varsel.model.orders import (
    Attachment,
    ContentType,
    EmailText,
    NotificationChannel,
    Order,
    OrderTexts,
    OrderType,
    Recipient,
    SendingTimePolicy,
    SmsText,
    unpack_recipients,
)


def whom(order: Order) -> Recipient:
    assert order.recipient_count == 1
    ((recipient,),) = [unpack_recipients(part) for part in order.recipients]
    return recipient


def test_a_composed_e_mail() -> None:
    chain = chain_from(ComposedRequest, COMPOSED)
    order = chain.main
    assert (chain.family, chain.reminders, chain.dialog) == (Family.COMPOSED, (), None)
    assert (order.type, order.channel, order.sending_time_policy) == (
        OrderType.Composed,
        NotificationChannel.Email,
        None,
    )
    assert order.requested_send_time_text == "2026-05-04T12:00:00Z"
    assert whom(order) == Recipient(email_address="kari@example.com")
    assert order.texts.attachments == (Attachment("decision.pdf", "application/pdf", ATTACHMENT["sasUrl"]),)
    assert order.texts.email == EmailText(DEFAULTS.from_address, "New letter", "You have a letter.")


def test_a_composed_e_mail_may_have_condition_and_dialog() -> None:
    more = {"conditionEndpoint": "http://localhost/check", "dialogportenAssociation": {"dialogId": "d"}}
    chain = chain_from(ComposedRequest, COMPOSED | more)
    assert chain.main.condition_endpoint == "http://localhost/check"
    assert chain.dialog == DialogAssociation("d", None)


@pytest.mark.parametrize(("shape", "document"), [(InstantSmsRequest, INSTANT_SMS), (InstantRequest, INSTANT)])
def test_an_instant_sms(shape: type[FutureRequest], document: dict[str, Any]) -> None:
    chain = chain_from(shape, document)
    order = chain.main
    assert (chain.family, chain.reminders, chain.dialog) == (Family.INSTANT, (), None)
    assert (order.type, order.channel) == (OrderType.Instant, NotificationChannel.Sms)
    assert (order.sending_time_policy, order.time_to_live_seconds) == (SendingTimePolicy.Anytime, 300)
    assert (order.requested_send_time, order.requested_send_time_text) == (NOW, "2026-05-04T09:00:00Z")
    assert whom(order) == Recipient(mobile_number="+4799999999")
    assert order.texts == OrderTexts(sms=SmsText("TTD", "Your code is 123456"))


@pytest.mark.parametrize(("given", "sender"), [(None, "Altinn"), ("", "Altinn"), (" ", "Altinn"), (" TTD ", " TTD ")])
def test_senders_of_instant_sms_are_not_trimmed(given: str | None, sender: str) -> None:
    chain = chain_from(InstantSmsRequest, changed(INSTANT_SMS, "recipientSms.smsSettings.sender", given))
    assert chain.main.texts.sms == SmsText(sender, "Your code is 123456")


def test_an_instant_e_mail() -> None:
    document = changed(INSTANT_EMAIL, "recipientEmail.emailSettings.contentType", "Html")
    chain = chain_from(
        InstantEmailRequest, changed(document, "recipientEmail.emailSettings.senderEmailAddress", " a@example.no ")
    )
    order = chain.main
    assert (chain.family, order.type, order.channel) == (
        Family.INSTANT,
        OrderType.Instant,
        NotificationChannel.Email,
    )
    assert (order.sending_time_policy, order.time_to_live_seconds) == (SendingTimePolicy.Anytime, None)
    assert order.texts == OrderTexts(
        email=EmailText(" a@example.no ", "New letter", "You have a letter.", ContentType.Html)
    )


def test_an_instant_e_mail_from_the_default_address() -> None:
    email = chain_from(InstantEmailRequest, INSTANT_EMAIL).main.texts.email
    assert email is not None
    assert email.from_address == DEFAULTS.from_address
