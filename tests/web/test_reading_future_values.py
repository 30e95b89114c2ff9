"""Bodies of the newer interface: scalars, enumerations, times and defaults (api.md 1.3, 1.5, 3.9; checklist C3, C8)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.future_bodies import (
    BODIES,
    CHAIN,
    COMPOSED,
    INSTANT_EMAIL,
    INSTANT_SMS,
    NOW,
    changed,
    future_errors,
    keys,
    lacking,
    read_future,
)
from varsel.intake.wire_future import (
    ChainRequest,
    ComposedRequest,
    FutureRequest,
    InstantEmailRequest,
    InstantSmsRequest,
)
from varsel.model.orders import ContentType, NotificationChannel, SendingTimePolicy

PERSON = "recipient.recipientPerson"


@pytest.mark.parametrize(
    ("shape", "document", "path"),
    [
        (ChainRequest, CHAIN, "requestedSendTime"),
        (ChainRequest, CHAIN, f"{PERSON}.channelSchema"),
        (ChainRequest, CHAIN, f"{PERSON}.ignoreReservation"),
        (ChainRequest, CHAIN, f"{PERSON}.useStaleContactInformation"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.contentType"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.sendingTimePolicy"),
        (ChainRequest, CHAIN, f"{PERSON}.smsSettings.sendingTimePolicy"),
        (ComposedRequest, COMPOSED, "requestedSendTime"),
        (ComposedRequest, COMPOSED, "recipient.emailSettings.contentType"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.timeToLiveInSeconds"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailSettings.contentType"),
    ],
)
@pytest.mark.parametrize("value", [None, "nonsense", [], True])
def test_scalars_that_are_wrong_or_null_are_shape_errors(
    shape: type[FutureRequest], document: dict[str, Any], path: str, value: Any
) -> None:
    if value is True and path.endswith(("ignoreReservation", "useStaleContactInformation")):
        assert future_errors(shape, changed(document, path, value)) == {}
    else:
        assert keys(shape, changed(document, path, value)) == {f"$.{path}", shape.parameter}


@pytest.mark.parametrize(
    "path",
    [
        "sendersReference",
        "conditionEndpoint",
        "dialogportenAssociation",
        "dialogportenAssociation.dialogId",
        "dialogportenAssociation.transmissionId",
        "reminders",
        f"{PERSON}.resourceAction",
        f"{PERSON}.emailSettings.senderEmailAddress",
        f"{PERSON}.smsSettings.sender",
        "recipient.recipientEmail",
        "reminders[0].sendersReference",
        "reminders[0].conditionEndpoint",
        "reminders[0].requestedSendTime",
    ],
)
def test_optional_members_may_be_null(path: str) -> None:
    assert future_errors(ChainRequest, changed(CHAIN, path, None)) == {}


def test_null_arrays_are_empty() -> None:
    assert read_future(ChainRequest, CHAIN | {"reminders": None}).reminders == ()
    composed = read_future(ComposedRequest, changed(COMPOSED, "recipient.emailSettings.attachments", None))
    assert composed.recipient.email_settings.attachments == ()


def test_defaults() -> None:
    request = read_future(ChainRequest, {"idempotencyId": "k", "recipient": CHAIN["recipient"]})
    person = request.recipient.recipient_person
    assert person is not None
    assert person.email_settings is not None
    assert person.sms_settings is not None
    assert (person.ignore_reservation, person.use_stale_contact_information) == (False, False)
    assert person.email_settings.content_type is ContentType.Plain
    assert person.email_settings.sending_time_policy is SendingTimePolicy.Anytime
    assert person.sms_settings.sending_time_policy is SendingTimePolicy.Daytime
    assert request.reminders == ()


@pytest.mark.parametrize("written", ["smspreferred", " SMSPREFERRED ", 3, "3"])
def test_enumerations_in_every_form(written: Any) -> None:
    person = read_future(ChainRequest, changed(CHAIN, f"{PERSON}.channelSchema", written)).recipient.recipient_person
    assert person is not None
    assert person.channel_schema is NotificationChannel.SmsPreferred


@pytest.mark.parametrize(
    ("shape", "document", "path", "key"),
    [
        (ChainRequest, CHAIN, f"{PERSON}.channelSchema", "Recipient.RecipientPerson.ChannelSchema"),
        (
            ChainRequest,
            CHAIN,
            f"{PERSON}.emailSettings.contentType",
            "Recipient.RecipientPerson.EmailSettings.ContentType",
        ),
        (
            ChainRequest,
            CHAIN,
            f"{PERSON}.emailSettings.sendingTimePolicy",
            "Recipient.RecipientPerson.EmailSettings.SendingTimePolicy",
        ),
        (
            ChainRequest,
            CHAIN,
            f"{PERSON}.smsSettings.sendingTimePolicy",
            "Recipient.RecipientPerson.SmsSettings.SendingTimePolicy",
        ),
        (ComposedRequest, COMPOSED, "recipient.emailSettings.contentType", "Recipient.Settings.ContentType"),
        (
            ComposedRequest,
            COMPOSED,
            "recipient.emailSettings.sendingTimePolicy",
            "Recipient.Settings.SendingTimePolicy",
        ),
        (
            InstantEmailRequest,
            INSTANT_EMAIL,
            "recipientEmail.emailSettings.contentType",
            "InstantEmailDetails.EmailSettings.ContentType",
        ),
    ],
)
@pytest.mark.parametrize("undefined", [99, "99", -1, 2**31 - 1])
def test_undefined_integers_break_a_rule(
    shape: type[FutureRequest], document: dict[str, Any], path: str, key: str, undefined: Any
) -> None:
    assert keys(shape, changed(document, path, undefined)) == {key}


def test_undefined_integers_are_judged_with_everything_else() -> None:
    document = changed(changed(CHAIN, f"{PERSON}.channelSchema", 99), f"{PERSON}.resourceId", "app")
    assert keys(ChainRequest, document) == {
        "Recipient.RecipientPerson.ChannelSchema",
        "Recipient.RecipientPerson.ResourceId",
    }


@pytest.mark.parametrize("unreadable", [2**31, "2147483648", 1.5, "1,2", "Email,Sms"])
def test_what_is_no_32_bit_integer_is_a_shape_error(unreadable: Any) -> None:
    path = f"{PERSON}.channelSchema"
    assert f"$.{path}" in keys(ChainRequest, changed(CHAIN, path, unreadable))


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2026-05-04T09:00:00Z", set()),
        ("2026-05-04T11:00+02", set()),
        ("2026-05-04T09:00:00.0000001Z", set()),
        ("2026-05-04T08:59:59.9999999Z", {"RequestedSendTime"}),
        ("2026-05-04T08:55:30Z", {"RequestedSendTime"}),
        ("2026-05-04T10:00:00", {"RequestedSendTime"}),
        ("2026-05-05", {"RequestedSendTime"}),
        ("2026-05-05T10:00:00 Z", {"$.requestedSendTime", "notificationOrderRequest"}),
    ],
)
def test_the_send_time_has_a_zone_and_is_not_past_without_tolerance(written: str, found: set[str]) -> None:
    assert keys(ChainRequest, CHAIN | {"requestedSendTime": written}) == found


def test_a_past_time_without_zone_has_two_errors() -> None:
    assert len(future_errors(ChainRequest, CHAIN | {"requestedSendTime": "2020-01-01"})["RequestedSendTime"]) == 2


@pytest.mark.parametrize("shape", [ChainRequest, ComposedRequest])
def test_an_absent_send_time_always_passes(shape: type[FutureRequest]) -> None:
    later = NOW + timedelta(microseconds=1)
    assert future_errors(shape, lacking(BODIES[shape], "requestedSendTime"), later) == {}


@pytest.mark.parametrize("endpoint", ["", "x" * 65_519])
def test_a_condition_endpoint_of_any_readable_length_is_left_to_its_rule(endpoint: str) -> None:
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": endpoint}) == {"ConditionEndpoint"}


def test_an_address_too_long_to_be_read_is_a_shape_error() -> None:
    assert "$.conditionEndpoint" in keys(ChainRequest, CHAIN | {"conditionEndpoint": "x" * 65_520})
