"""From accepted requests to chains of orders (processing.md 1.2 to 1.4, api.md 3.9 to 3.13)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.future_bodies import (
    CHAIN,
    COMPOSED,
    DEFAULTS,
    EMAIL,
    EXTERNAL,
    INSTANT,
    INSTANT_EMAIL,
    NOW,
    ORGANIZATION,
    PERSON,
    SMS,
    chain_from,
    chain_of,
    changed,
    lacking,
    read_future,
)
from varsel.intake.wire_future import (
    ChainRequest,
    ComposedRequest,
    FutureRequest,
    InstantEmailRequest,
    InstantRequest,
)
from varsel.model.chains import DialogAssociation, Family, Placed, Shipment
from varsel.model.ids import new_ids
from varsel.model.orders import (
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


def main_order(recipient: dict[str, Any], creator: str = "ttd") -> Order:
    return chain_from(ChainRequest, CHAIN | {"recipient": recipient}, creator).main


def whom(order: Order) -> Recipient:
    assert order.recipient_count == 1
    ((recipient,),) = [unpack_recipients(part) for part in order.recipients]
    return recipient


def test_a_chain_has_a_main_order_and_reminders_that_share_it() -> None:
    ids = new_ids(3)
    chain = chain_of(read_future(ChainRequest, CHAIN), mint=lambda count: ids[:count])
    assert (chain.id, chain.main.id, chain.reminders[0].id) == tuple(ids)
    assert (chain.family, chain.creator, chain.idempotency_id, chain.created) == (Family.CHAIN, "ttd", "case-42", NOW)
    assert chain.dialog == DialogAssociation("0196-aa", "0196-bb")
    assert {order.chain_id for order in chain.orders} == {chain.id}
    assert [order.type for order in chain.orders] == [OrderType.Notification, OrderType.Reminder]
    assert {(order.creator, order.created) for order in chain.orders} == {("ttd", NOW)}
    assert chain.placed == Placed(ids[0], Shipment(ids[1], "case-2026-0042"), (Shipment(ids[2], "case-2026-0042-r1"),))


def test_ids_are_fresh_unless_they_are_given() -> None:
    chains = [chain_from(ChainRequest, CHAIN) for _ in range(2)]
    assert len({order.id for chain in chains for order in chain.orders} | {chain.id for chain in chains}) == 6


def test_a_reminder_inherits_nothing_but_creator_chain_and_time() -> None:
    chain = chain_from(ChainRequest, changed(CHAIN, "reminders", [{"recipient": EMAIL, "delayDays": 1}]))
    (reminder,) = chain.reminders
    assert (reminder.senders_reference, reminder.condition_endpoint, reminder.resource_id) == (None, None, None)
    assert reminder.channel is NotificationChannel.Email
    assert whom(reminder) == Recipient(email_address="kari@example.com")


def test_a_person() -> None:
    order = main_order(PERSON)
    assert whom(order) == Recipient(national_identity_number="16069412345")
    assert order.channel is NotificationChannel.SmsPreferred
    assert order.sending_time_policy is SendingTimePolicy.Daytime
    assert (order.ignore_reservation, order.use_stale_contact_information) == (False, False)
    assert (order.resource_id, order.resource_action) == ("urn:altinn:resource:app_ttd_letters", "read")
    assert order.condition_endpoint == "https://ttd.apps.example.no/check?case=42"
    assert order.senders_reference == "case-2026-0042"
    assert order.texts == OrderTexts(
        email=EmailText("noreply@altinn.cloud", "New letter", "You have a letter.", ContentType.Plain),
        sms=SmsText("Altinn", "You have a letter."),
    )


def test_the_other_kinds() -> None:
    organization, external, email, sms = (main_order(each) for each in (ORGANIZATION, EXTERNAL, EMAIL, SMS))
    assert whom(organization) == Recipient(organization_number="310123456")
    assert whom(external) == Recipient(external_identity="urn:altinn:party:username:kari")
    assert whom(email) == Recipient(email_address="kari@example.com")
    assert whom(sms) == Recipient(mobile_number="+4799999999")
    assert [order.channel for order in (organization, external, email, sms)] == [
        NotificationChannel.EmailPreferred,
        NotificationChannel.EmailAndSms,
        NotificationChannel.Email,
        NotificationChannel.Sms,
    ]
    assert (email.texts.sms, sms.texts.email) == (None, None)
    assert {order.ignore_reservation for order in (organization, external, email, sms)} == {None}


def test_addresses_are_stored_as_written() -> None:
    assert whom(main_order(changed(EMAIL, "recipientEmail.emailAddress", " Kari@Example.com "))).email_address == (
        " Kari@Example.com "
    )
    assert whom(main_order(changed(SMS, "recipientSms.phoneNumber", "0047 999 99 999"))).mobile_number == (
        "0047 999 99 999"
    )


def test_texts_the_channel_does_not_need_are_stored() -> None:
    order = main_order(changed(PERSON, "recipientPerson.channelSchema", "Email"))
    assert order.texts.sms is not None
    assert order.sending_time_policy is SendingTimePolicy.Daytime


def test_without_sms_settings_there_is_no_policy() -> None:
    by_email = lacking(changed(PERSON, "recipientPerson.channelSchema", "Email"), "recipientPerson.smsSettings")
    assert main_order(by_email).sending_time_policy is None
    assert main_order(EMAIL).sending_time_policy is None


def test_the_policy_is_that_of_the_sms() -> None:
    assert main_order(SMS).sending_time_policy is SendingTimePolicy.Daytime
    at_any_time = changed(SMS, "recipientSms.smsSettings.sendingTimePolicy", "Anytime")
    assert main_order(at_any_time).sending_time_policy is SendingTimePolicy.Anytime


@pytest.mark.parametrize(("given", "sender"), [(None, "Altinn"), (" ", "Altinn"), (" TTD\t", "TTD"), ("TTD", "TTD")])
def test_sms_senders_are_trimmed(given: str | None, sender: str) -> None:
    order = main_order(changed(SMS, "recipientSms.smsSettings.sender", given))
    assert order.texts.sms == SmsText(sender, "You have a letter.")


@pytest.mark.parametrize(("given", "sender"), [(None, DEFAULTS.from_address), (" a@example.no ", "a@example.no")])
def test_e_mail_senders_are_trimmed(given: str | None, sender: str) -> None:
    order = main_order(changed(EMAIL, "recipientEmail.emailSettings.senderEmailAddress", given))
    assert order.texts.email is not None
    assert order.texts.email.from_address == sender


def test_newlines_in_subjects_become_spaces() -> None:
    subject = "a\r\nb\rc\nd\n\re"
    chain = chain_from(
        ChainRequest, CHAIN | {"recipient": changed(EMAIL, "recipientEmail.emailSettings.subject", subject)}
    )
    composed = chain_from(ComposedRequest, changed(COMPOSED, "recipient.emailSettings.subject", subject))
    instant = chain_from(InstantEmailRequest, changed(INSTANT_EMAIL, "recipientEmail.emailSettings.subject", subject))
    found = [each.main.texts.email.subject for each in (chain, composed, instant) if each.main.texts.email]
    assert found == ["a b c d  e", "a b c d  e", subject]


def test_bodies_are_untouched() -> None:
    body = " a\r\n b\n"
    assert main_order(changed(SMS, "recipientSms.smsSettings.body", body)).texts.sms == SmsText("Altinn", body)


@pytest.mark.parametrize(("reference", "stored"), [(None, None), ("", ""), (" \t", " \t"), (" r ", " r ")])
@pytest.mark.parametrize(
    ("shape", "document"), [(ChainRequest, CHAIN), (ComposedRequest, COMPOSED), (InstantRequest, INSTANT)]
)
def test_references_are_kept_as_sent_even_if_blank(
    shape: type[FutureRequest], document: dict[str, Any], reference: str | None, stored: str | None
) -> None:
    chain = chain_from(shape, document | {"sendersReference": reference})
    assert chain.main.senders_reference == stored
    assert chain.placed.main.senders_reference == stored


def test_the_send_time_keeps_its_seven_digits() -> None:
    order = chain_from(ChainRequest, CHAIN | {"requestedSendTime": "2026-05-04T11:30:00.1234567+02:00"}).main
    assert order.requested_send_time == datetime(2026, 5, 4, 9, 30, 0, 123456, UTC)
    assert order.requested_send_time_text == "2026-05-04T09:30:00.1234567Z"


@pytest.mark.parametrize(("shape", "document"), [(ChainRequest, CHAIN), (ComposedRequest, COMPOSED)])
def test_without_a_send_time_it_is_now(shape: type[FutureRequest], document: dict[str, Any]) -> None:
    order = chain_from(shape, lacking(document, "requestedSendTime")).main
    assert (order.requested_send_time, order.requested_send_time_text) == (NOW, "2026-05-04T09:00:00Z")


def test_a_delay_is_counted_in_24_hours_from_the_main_send_time_across_a_change_of_clocks() -> None:
    oslo = ZoneInfo("Europe/Oslo")
    document = changed(CHAIN, "requestedSendTime", "2026-10-24T12:00:00.0000001+02:00")
    (reminder,) = chain_from(ChainRequest, changed(document, "reminders[0].delayDays", 2)).reminders
    assert reminder.requested_send_time_text == "2026-10-26T10:00:00.0000001Z"
    assert reminder.requested_send_time.astimezone(oslo).hour == 11


def test_a_delay_is_counted_from_now_if_there_is_no_send_time() -> None:
    (reminder,) = chain_from(ChainRequest, lacking(CHAIN, "requestedSendTime")).reminders
    assert reminder.requested_send_time == NOW + timedelta(days=7)


def test_a_reminder_may_have_its_own_time() -> None:
    own = {"recipient": SMS, "requestedSendTime": "2026-05-04T11:10:00.0000009+02:00"}
    (reminder,) = chain_from(ChainRequest, CHAIN | {"reminders": [own]}).reminders
    assert reminder.requested_send_time_text == "2026-05-04T09:10:00.0000009Z"
    assert reminder.channel is NotificationChannel.Sms


def test_reminders_keep_their_order() -> None:
    reminders = [{"recipient": EMAIL, "delayDays": days, "sendersReference": str(days)} for days in (3, 1, 2)]
    chain = chain_from(ChainRequest, CHAIN | {"reminders": reminders})
    assert [reminder.senders_reference for reminder in chain.placed.reminders] == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("creator", "asked", "used"),
    [
        ("ttd", False, False),
        ("ttd", True, True),
        ("skd", False, True),
        ("SKD", False, True),
        ("Skd", True, True),
        ("skd2", False, False),
    ],
)
def test_stale_contact_information(creator: str, asked: bool, used: bool) -> None:
    person = changed(PERSON, "recipientPerson.useStaleContactInformation", asked)
    reminder = {"recipient": person, "delayDays": 1}
    chain = chain_from(ChainRequest, CHAIN | {"recipient": person, "reminders": [reminder]}, creator)
    assert [order.use_stale_contact_information for order in chain.orders] == [used, used]


def test_stale_contact_information_concerns_persons_only() -> None:
    for recipient in (ORGANIZATION, EXTERNAL, EMAIL, SMS):
        assert not main_order(recipient, "skd").use_stale_contact_information


def test_a_person_s_reservation_may_be_ignored() -> None:
    assert main_order(changed(PERSON, "recipientPerson.ignoreReservation", True)).ignore_reservation is True
