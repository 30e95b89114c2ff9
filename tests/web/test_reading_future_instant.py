"""Instant messages and their rules (api.md 3.11 to 3.13; checklist 6.3, POST instant)."""

from typing import Any

import pytest
from msgspec import to_builtins

from tests.support.future_bodies import INSTANT, INSTANT_EMAIL, INSTANT_SMS, changed, keys, read_future
from varsel.intake.wire_future import InstantEmailRequest, InstantRequest, InstantSmsRequest

WRAPPED = "InstantNotificationRecipient.ShortMessageDeliveryDetails"


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(59, False), (60, True), ("60", True), (172_800, True), (172_801, False), (-60, False)]
)
def test_an_sms_lives_between_a_minute_and_two_days(seconds: Any, accepted: bool) -> None:
    sms = changed(INSTANT_SMS, "recipientSms.timeToLiveInSeconds", seconds)
    assert keys(InstantSmsRequest, sms) == (set() if accepted else {"RecipientSms.TimeToLiveInSeconds"})
    wrapped = changed(INSTANT, "recipient.recipientSms.timeToLiveInSeconds", seconds)
    assert keys(InstantRequest, wrapped) == (set() if accepted else {f"{WRAPPED}.TimeToLiveInSeconds"})


@pytest.mark.parametrize(("number", "accepted"), [("+4740000000", True), ("40000000", False), ("+47", False)])
def test_phone_numbers(number: str, accepted: bool) -> None:
    sms = changed(INSTANT_SMS, "recipientSms.phoneNumber", number)
    assert keys(InstantSmsRequest, sms) == (set() if accepted else {"RecipientSms.PhoneNumber"})
    wrapped = changed(INSTANT, "recipient.recipientSms.phoneNumber", number)
    assert keys(InstantRequest, wrapped) == (set() if accepted else {f"{WRAPPED}.PhoneNumber"})


@pytest.mark.parametrize("sender", [None, "", " ", "TTD", "anything at all"])
def test_any_sms_sender_will_do(sender: str | None) -> None:
    assert keys(InstantSmsRequest, changed(INSTANT_SMS, "recipientSms.smsSettings.sender", sender)) == set()


@pytest.mark.parametrize(("address", "accepted"), [("kari@example.com", True), ("kari", False), ("a b@c.no", False)])
def test_e_mail_addresses(address: str, accepted: bool) -> None:
    email = changed(INSTANT_EMAIL, "recipientEmail.emailAddress", address)
    assert keys(InstantEmailRequest, email) == (set() if accepted else {"InstantEmailDetails.EmailAddress"})


@pytest.mark.parametrize(
    ("sender", "accepted"), [(None, True), ("noreply@example.no", True), ("", False), ("noreply", False)]
)
def test_e_mail_senders(sender: str | None, accepted: bool) -> None:
    email = changed(INSTANT_EMAIL, "recipientEmail.emailSettings.senderEmailAddress", sender)
    key = "InstantEmailDetails.EmailSettings.SenderEmailAddress"
    assert keys(InstantEmailRequest, email) == (set() if accepted else {key})


@pytest.mark.parametrize("policy", ["Daytime", 99, None, {}, "nonsense"])
def test_a_sending_time_policy_is_an_unknown_member(policy: Any) -> None:
    email = changed(INSTANT_EMAIL, "recipientEmail.emailSettings.sendingTimePolicy", policy)
    assert keys(InstantEmailRequest, email) == set()


def test_a_send_time_is_an_unknown_member() -> None:
    assert keys(InstantSmsRequest, INSTANT_SMS | {"requestedSendTime": "2020-01-01"}) == set()


def test_errors_accumulate() -> None:
    document = changed(INSTANT, "recipient.recipientSms.phoneNumber", "1")
    document = changed(document, "recipient.recipientSms.timeToLiveInSeconds", 0)
    assert keys(InstantRequest, document) == {f"{WRAPPED}.PhoneNumber", f"{WRAPPED}.TimeToLiveInSeconds"}


def test_the_older_form_says_the_same() -> None:
    wrapped = read_future(InstantRequest, INSTANT)
    assert to_builtins(wrapped.today) == to_builtins(read_future(InstantSmsRequest, INSTANT_SMS))
