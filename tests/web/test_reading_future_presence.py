"""Bodies of the newer interface: what must be there (api.md 1.7, 3.9 to 3.13; checklist C4 to C6)."""

from typing import Any

import pytest

from tests.support.future_bodies import (
    BODIES,
    CHAIN,
    COMPOSED,
    EMAIL,
    INSTANT,
    INSTANT_EMAIL,
    INSTANT_SMS,
    RECIPIENTS,
    changed,
    future_errors,
    keys,
    lacking,
)
from varsel.intake.wire_future import (
    ChainRequest,
    ComposedRequest,
    FutureRequest,
    InstantEmailRequest,
    InstantRequest,
    InstantSmsRequest,
)

PERSON = "recipient.recipientPerson"


@pytest.mark.parametrize("shape", BODIES)
def test_the_contract_s_own_bodies_are_accepted(shape: type[FutureRequest]) -> None:
    assert future_errors(shape, BODIES[shape]) == {}


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_every_kind_of_recipient_is_accepted(recipient: dict[str, Any]) -> None:
    assert future_errors(ChainRequest, CHAIN | {"recipient": recipient}) == {}


@pytest.mark.parametrize(
    ("shape", "document", "path", "holder"),
    [
        (ChainRequest, CHAIN, "idempotencyId", "$"),
        (ChainRequest, CHAIN, "recipient", "$"),
        (ChainRequest, CHAIN, f"{PERSON}.nationalIdentityNumber", f"$.{PERSON}"),
        (ChainRequest, CHAIN, f"{PERSON}.channelSchema", f"$.{PERSON}"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.subject", f"$.{PERSON}.emailSettings"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.body", f"$.{PERSON}.emailSettings"),
        (ChainRequest, CHAIN, f"{PERSON}.smsSettings.body", f"$.{PERSON}.smsSettings"),
        (ChainRequest, CHAIN, "reminders[0].recipient", "$.reminders[0]"),
        (
            ChainRequest,
            CHAIN,
            "reminders[0].recipient.recipientEmail.emailAddress",
            "$.reminders[0].recipient.recipientEmail",
        ),
        (
            ChainRequest,
            CHAIN,
            "reminders[0].recipient.recipientEmail.emailSettings",
            "$.reminders[0].recipient.recipientEmail",
        ),
        (ComposedRequest, COMPOSED, "idempotencyId", "$"),
        (ComposedRequest, COMPOSED, "recipient", "$"),
        (ComposedRequest, COMPOSED, "recipient.emailAddress", "$.recipient"),
        (ComposedRequest, COMPOSED, "recipient.emailSettings", "$.recipient"),
        (ComposedRequest, COMPOSED, "recipient.emailSettings.subject", "$.recipient.emailSettings"),
        *[
            (
                ComposedRequest,
                COMPOSED,
                f"recipient.emailSettings.attachments[0].{member}",
                "$.recipient.emailSettings.attachments[0]",
            )
            for member in ("filename", "mimeType", "sasUrl")
        ],
        (InstantSmsRequest, INSTANT_SMS, "idempotencyId", "$"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms", "$"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.phoneNumber", "$.recipientSms"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.timeToLiveInSeconds", "$.recipientSms"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.smsSettings", "$.recipientSms"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.smsSettings.body", "$.recipientSms.smsSettings"),
        (InstantRequest, INSTANT, "recipient", "$"),
        (InstantRequest, INSTANT, "recipient.recipientSms", "$.recipient"),
        (InstantRequest, INSTANT, "recipient.recipientSms.phoneNumber", "$.recipient.recipientSms"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail", "$"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailSettings", "$.recipientEmail"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailSettings.body", "$.recipientEmail.emailSettings"),
    ],
)
def test_a_missing_member_is_told_under_its_object(
    shape: type[FutureRequest], document: dict[str, Any], path: str, holder: str
) -> None:
    found = future_errors(shape, lacking(document, path))
    assert set(found) == {holder, shape.parameter}
    assert f"'{path.rpartition('.')[2]}'" in found[holder][0]
    assert found[shape.parameter] == [f"The {shape.parameter} field is required."]


def test_inner_objects_are_told_before_outer_ones() -> None:
    assert "$.recipient.recipientEmail" in keys(ChainRequest, {"recipient": {"recipientEmail": {}}})
    assert "$.reminders[1]" in keys(ChainRequest, {"reminders": [{"recipient": EMAIL}, {}]})


@pytest.mark.parametrize(
    ("shape", "parameter"),
    [
        (ChainRequest, "notificationOrderRequest"),
        (ComposedRequest, "orderRequest"),
        (InstantSmsRequest, "request"),
        (InstantEmailRequest, "request"),
        (InstantRequest, "request"),
    ],
)
def test_every_endpoint_has_its_parameter_name(shape: type[FutureRequest], parameter: str) -> None:
    assert keys(shape, b"") == {"", parameter}
    assert keys(shape, b"null") == {"", parameter}
    assert keys(shape, {}) == {"$", parameter}


@pytest.mark.parametrize(
    ("shape", "document", "path", "key"),
    [
        (ChainRequest, CHAIN, "idempotencyId", "IdempotencyId"),
        (ChainRequest, CHAIN, "recipient", "Recipient"),
        (ChainRequest, CHAIN, f"{PERSON}.nationalIdentityNumber", "Recipient.RecipientPerson.NationalIdentityNumber"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.subject", "Recipient.RecipientPerson.EmailSettings.Subject"),
        (ChainRequest, CHAIN, f"{PERSON}.emailSettings.body", "Recipient.RecipientPerson.EmailSettings.Body"),
        (ChainRequest, CHAIN, f"{PERSON}.smsSettings.body", "Recipient.RecipientPerson.SmsSettings.Body"),
        (ChainRequest, CHAIN, "reminders[0].recipient", "Reminders[0].Recipient"),
        (
            ChainRequest,
            CHAIN,
            "reminders[0].recipient.recipientEmail.emailAddress",
            "Reminders[0].Recipient.RecipientEmail.EmailAddress",
        ),
        (
            ChainRequest,
            CHAIN,
            "reminders[0].recipient.recipientEmail.emailSettings",
            "Reminders[0].Recipient.RecipientEmail.Settings",
        ),
        (
            ChainRequest,
            CHAIN,
            "reminders[0].recipient.recipientEmail.emailSettings.subject",
            "Reminders[0].Recipient.RecipientEmail.Settings.Subject",
        ),
        (ComposedRequest, COMPOSED, "recipient", "Recipient"),
        (ComposedRequest, COMPOSED, "recipient.emailAddress", "Recipient.EmailAddress"),
        (ComposedRequest, COMPOSED, "recipient.emailSettings", "Recipient.Settings"),
        (ComposedRequest, COMPOSED, "recipient.emailSettings.body", "Recipient.Settings.Body"),
        *[
            (
                ComposedRequest,
                COMPOSED,
                f"recipient.emailSettings.attachments[0].{member}",
                f"Recipient.Settings.Attachments[0].{member[0].upper()}{member[1:]}",
            )
            for member in ("filename", "mimeType", "sasUrl")
        ],
        (InstantSmsRequest, INSTANT_SMS, "recipientSms", "RecipientSms"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.phoneNumber", "RecipientSms.PhoneNumber"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.smsSettings", "RecipientSms.ShortMessageContent"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.smsSettings.body", "RecipientSms.ShortMessageContent.Body"),
        (InstantRequest, INSTANT, "recipient", "InstantNotificationRecipient"),
        (
            InstantRequest,
            INSTANT,
            "recipient.recipientSms",
            "InstantNotificationRecipient.ShortMessageDeliveryDetails",
        ),
        (
            InstantRequest,
            INSTANT,
            "recipient.recipientSms.smsSettings",
            "InstantNotificationRecipient.ShortMessageDeliveryDetails.ShortMessageContent",
        ),
        (
            InstantRequest,
            INSTANT,
            "recipient.recipientSms.smsSettings.body",
            "InstantNotificationRecipient.ShortMessageDeliveryDetails.ShortMessageContent.Body",
        ),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail", "InstantEmailDetails"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailAddress", "InstantEmailDetails.EmailAddress"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailSettings", "InstantEmailDetails.EmailSettings"),
        (
            InstantEmailRequest,
            INSTANT_EMAIL,
            "recipientEmail.emailSettings.subject",
            "InstantEmailDetails.EmailSettings.Subject",
        ),
    ],
)
def test_null_is_told_under_the_member_s_model_path(
    shape: type[FutureRequest], document: dict[str, Any], path: str, key: str
) -> None:
    found = future_errors(shape, changed(document, path, None))
    assert found == {key: [f"The {key.rpartition('.')[2]} field is required."]}


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    ("shape", "document", "path", "key"),
    [
        (ChainRequest, CHAIN, "idempotencyId", "IdempotencyId"),
        (ChainRequest, CHAIN, f"{PERSON}.nationalIdentityNumber", "Recipient.RecipientPerson.NationalIdentityNumber"),
        (ChainRequest, CHAIN, f"{PERSON}.smsSettings.body", "Recipient.RecipientPerson.SmsSettings.Body"),
        (ComposedRequest, COMPOSED, "recipient.emailAddress", "Recipient.EmailAddress"),
        (InstantSmsRequest, INSTANT_SMS, "recipientSms.phoneNumber", "RecipientSms.PhoneNumber"),
        (InstantEmailRequest, INSTANT_EMAIL, "recipientEmail.emailAddress", "InstantEmailDetails.EmailAddress"),
    ],
)
def test_blank_mandatory_texts_are_presence_errors(
    shape: type[FutureRequest], document: dict[str, Any], path: str, key: str, blank: str
) -> None:
    found = future_errors(shape, changed(document, path, blank))
    assert found == {key: [f"The {key.rpartition('.')[2]} field is required."]}


def test_presence_errors_suppress_rules_and_come_together() -> None:
    document = changed(changed(CHAIN, "idempotencyId", " "), "requestedSendTime", "2020-01-01T00:00:00Z")
    assert keys(ChainRequest, changed(document, "reminders[0].recipient", None)) == {
        "IdempotencyId",
        "Reminders[0].Recipient",
    }
