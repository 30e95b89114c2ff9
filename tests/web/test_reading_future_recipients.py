"""Recipients of chains: each kind with its rules, channel by settings (api.md 3.9; checklist 6.3, future/orders)."""

from itertools import combinations
from typing import Any

import pytest

from tests.support.future_bodies import (
    BOTH_SETTINGS,
    CHAIN,
    EMAIL,
    EXTERNAL,
    ORGANIZATION,
    PERSON,
    RECIPIENTS,
    SMS,
    changed,
    keys,
    lacking,
)
from varsel.intake.wire_future import ChainRequest
from varsel.model.orders import NotificationChannel

PARTIES = [PERSON, ORGANIZATION, EXTERNAL]


def keys_of(recipient: Any) -> set[str]:
    """Return the keys below `Recipient` under which a main recipient's errors are told."""
    found = keys(ChainRequest, CHAIN | {"recipient": recipient})
    assert all(key.startswith("Recipient") for key in found)
    return {key.removeprefix("Recipient").removeprefix(".") for key in found}


def party(recipient: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a recipient with some members of its one kind set; None takes them out."""
    ((kind, value),) = recipient.items()
    return {kind: {name: item for name, item in {**value, **members}.items() if item is not None}}


def kind_of(recipient: dict[str, Any]) -> str:
    """Return the model path segment of a recipient's one kind."""
    (kind,) = recipient
    return str(kind[0].upper() + kind[1:])


def test_a_recipient_is_needed() -> None:
    assert keys_of({}) == {""}
    assert keys_of({"recipientEmail": None}) == {""}
    assert keys_of({"unknown": {}}) == {""}


@pytest.mark.parametrize("pair", list(combinations(RECIPIENTS, 2)))
def test_two_recipients_are_too_many(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert keys_of(pair[0] | pair[1]) == {""}


def test_of_several_recipients_the_inner_rules_are_told_too() -> None:
    spoilt = changed(EMAIL, "recipientEmail.emailAddress", "x") | changed(SMS, "recipientSms.phoneNumber", "1")
    assert keys_of(spoilt) == {"", "RecipientEmail.EmailAddress", "RecipientSms.PhoneNumber"}


def test_a_reminder_s_recipient_is_held_to_the_same_rules() -> None:
    two = EMAIL | party(PERSON, nationalIdentityNumber="1")
    assert keys(ChainRequest, changed(CHAIN, "reminders[0].recipient", two)) == {
        "Reminders[0].Recipient",
        "Reminders[0].Recipient.RecipientPerson.NationalIdentityNumber",
    }


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("æge_sjøåsen@domain.com", True),
        (" padded@example.com ", True),
        ("one@example.com;two@example.com", False),
        (".user@example.com", False),
        ("user@example", False),
    ],
)
def test_an_e_mail_address_satisfies_the_e_mail_rule(address: str, accepted: bool) -> None:
    found = keys_of(changed(EMAIL, "recipientEmail.emailAddress", address))
    assert found == (set() if accepted else {"RecipientEmail.EmailAddress"})


@pytest.mark.parametrize(
    ("number", "accepted"),
    [
        ("+4740000000", True),
        ("004740000000", True),
        ("+47 99 99 99 99 ", True),
        ("12345678", False),
        (" +4799999999", False),
        ("++4799999999", False),
        ("+479999999", False),
    ],
)
def test_a_phone_number_satisfies_the_mobile_rule(number: str, accepted: bool) -> None:
    found = keys_of(changed(SMS, "recipientSms.phoneNumber", number))
    assert found == (set() if accepted else {"RecipientSms.PhoneNumber"})


@pytest.mark.parametrize(
    ("recipient", "path", "key"),
    [
        (EMAIL, "recipientEmail.emailSettings", "RecipientEmail.Settings"),
        (PERSON, "recipientPerson.emailSettings", "RecipientPerson.EmailSettings"),
        (ORGANIZATION, "recipientOrganization.emailSettings", "RecipientOrganization.EmailSettings"),
        (EXTERNAL, "recipientExternalIdentity.emailSettings", "RecipientExternalIdentity.EmailSettings"),
    ],
)
def test_e_mail_settings(recipient: dict[str, Any], path: str, key: str) -> None:
    assert keys_of(changed(recipient, f"{path}.senderEmailAddress", "")) == {f"{key}.SenderEmailAddress"}
    assert keys_of(changed(recipient, f"{path}.senderEmailAddress", "x")) == {f"{key}.SenderEmailAddress"}
    assert keys_of(changed(recipient, f"{path}.senderEmailAddress", " noreply@example.no ")) == set()
    assert keys_of(changed(recipient, f"{path}.sendingTimePolicy", "Daytime")) == {f"{key}.SendingTimePolicy"}
    assert keys_of(changed(recipient, f"{path}.sendingTimePolicy", "Anytime")) == set()
    assert keys_of(changed(recipient, f"{path}.sendingTimePolicy", 0)) == {f"{key}.SendingTimePolicy"}
    assert keys_of(changed(recipient, f"{path}.contentType", "html")) == set()


@pytest.mark.parametrize(
    ("recipient", "path", "key"),
    [
        (SMS, "recipientSms.smsSettings", "RecipientSms.Settings"),
        (PERSON, "recipientPerson.smsSettings", "RecipientPerson.SmsSettings"),
        (ORGANIZATION, "recipientOrganization.smsSettings", "RecipientOrganization.SmsSettings"),
        (EXTERNAL, "recipientExternalIdentity.smsSettings", "RecipientExternalIdentity.SmsSettings"),
    ],
)
def test_sms_settings(recipient: dict[str, Any], path: str, key: str) -> None:
    for accepted in ("", " ", "TTD", "a sender that is much too long for a phone"):
        assert keys_of(changed(recipient, f"{path}.sender", accepted)) == set()
    for policy in ("Daytime", "Anytime", 1, 2):
        assert keys_of(changed(recipient, f"{path}.sendingTimePolicy", policy)) == set()
    assert keys_of(changed(recipient, f"{path}.sendingTimePolicy", 3)) == {f"{key}.SendingTimePolicy"}


@pytest.mark.parametrize("recipient", PARTIES)
@pytest.mark.parametrize("channel", NotificationChannel)
@pytest.mark.parametrize("given", [set(), {"emailSettings"}, {"smsSettings"}, {"emailSettings", "smsSettings"}])
def test_each_channel_that_may_be_used_needs_its_settings(
    recipient: dict[str, Any], channel: NotificationChannel, given: set[str]
) -> None:
    needed = {
        NotificationChannel.Email: {"emailSettings"},
        NotificationChannel.Sms: {"smsSettings"},
    }.get(channel, set(BOTH_SETTINGS))
    settings = {name: BOTH_SETTINGS[name] if name in given else None for name in BOTH_SETTINGS}
    lacks = {f"{kind_of(recipient)}.{name[0].upper()}{name[1:]}" for name in needed - given}
    assert keys_of(party(recipient, channelSchema=channel.name, **settings)) == lacks


def test_settings_the_channel_does_not_need_are_judged_too() -> None:
    recipient = changed(PERSON, "recipientPerson.emailSettings.senderEmailAddress", "x")
    assert keys_of(party(recipient, channelSchema="Sms")) == {"RecipientPerson.EmailSettings.SenderEmailAddress"}


def test_an_undefined_channel_needs_no_settings() -> None:
    bare = party(PERSON, channelSchema=7, emailSettings=None, smsSettings=None)
    assert keys_of(bare) == {"RecipientPerson.ChannelSchema"}


@pytest.mark.parametrize(
    ("number", "accepted"),
    [
        ("16069412345", True),
        ("00000000000", True),
        ("1606941234", False),
        ("160694123456", False),
        ("1606941234x", False),
        ("16069412345\n", False),
        ("١٦٠٦٩٤١٢٣٤٥", False),
    ],
)
def test_a_national_identity_number_has_11_digits(number: str, accepted: bool) -> None:
    found = keys_of(party(PERSON, nationalIdentityNumber=number))
    assert found == (set() if accepted else {"RecipientPerson.NationalIdentityNumber"})


@pytest.mark.parametrize(("number", "accepted"), [("310123456", True), ("31012345", False), ("3101234567", False)])
def test_an_organisation_number_has_9_digits(number: str, accepted: bool) -> None:
    found = keys_of(party(ORGANIZATION, orgNumber=number))
    assert found == (set() if accepted else {"RecipientOrganization.OrgNumber"})


@pytest.mark.parametrize(
    ("identity", "accepted"),
    [
        ("urn:altinn:person:idporten-email:kari@example.com", True),
        ("urn:altinn:person:idporten-email:kari%40example.com", True),
        ("urn:altinn:person:idporten-email:kari%2Btest@example.com", True),
        ("urn:altinn:person:idporten-email:kari+test@example.com", False),
        ("urn:altinn:person:idporten-email:kari", False),
        ("urn:altinn:person:idporten-email:", False),
        ("urn:altinn:party:username:kari", True),
        ("urn:altinn:username:kari", True),
        ("urn:altinn:person:legacy-selfidentified:kari%20n", True),
        ("urn:altinn:party:username:", False),
        ("urn:altinn:username:+", False),
        ("urn:altinn:username:%20%09", False),
        ("urn:altinn:username:%zz", True),
        ("urn:altinn:person:legacy-selfidentified: ", False),
        ("URN:ALTINN:USERNAME:kari", False),
        ("urn:altinn:person:identifier-no:16069412345", False),
        ("kari", False),
        ("urn:altinn:username:" + "k" * 4096, False),
    ],
)
def test_an_external_identity_has_one_of_four_forms(identity: str, accepted: bool) -> None:
    found = keys_of(party(EXTERNAL, externalIdentity=identity))
    assert found == (set() if accepted else {"RecipientExternalIdentity.ExternalIdentity"})


@pytest.mark.parametrize("recipient", PARTIES)
@pytest.mark.parametrize(
    ("resource_id", "action", "lacking_right"),
    [
        (None, None, set()),
        (None, "", set()),
        (None, "read", {"ResourceAction"}),
        (None, " ", {"ResourceAction"}),
        ("urn:altinn:resource:a", None, set()),
        ("urn:altinn:resource:a", "read", set()),
        ("urn:altinn:resource:a", "", set()),
        ("urn:altinn:resource:a", "  ", {"ResourceAction"}),
        ("urn:altinn:resource:", "read", {"ResourceId"}),
        ("app_ttd_letters", "read", {"ResourceId"}),
        ("URN:ALTINN:RESOURCE:a", None, {"ResourceId"}),
        ("", None, {"ResourceId"}),
        ("", "read", {"ResourceId", "ResourceAction"}),
        (" ", "read", {"ResourceId", "ResourceAction"}),
    ],
)
def test_resource_and_action(
    recipient: dict[str, Any], resource_id: str | None, action: str | None, lacking_right: set[str]
) -> None:
    found = keys_of(party(recipient, resourceId=resource_id, resourceAction=action))
    assert found == {f"{kind_of(recipient)}.{name}" for name in lacking_right}


@pytest.mark.parametrize("recipient", PARTIES)
def test_the_channel_scheme_has_no_default(recipient: dict[str, Any]) -> None:
    (kind,) = recipient
    document = lacking(CHAIN | {"recipient": recipient}, f"recipient.{kind}.channelSchema")
    assert f"$.recipient.{kind}" in keys(ChainRequest, document)
