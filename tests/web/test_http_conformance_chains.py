"""6.3 POST future/orders: what must be there and of which type, who can be told what by which channel; in the main
notification and in reminders (api.md 3.9). The other rules are in tests/web/test_http_future_rules.py."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.future_bodies import (
    EMAIL,
    EMAIL_SETTINGS,
    EXTERNAL,
    ORGANIZATION,
    PERSON,
    SMS,
    SMS_SETTINGS,
    changed,
    lacking,
)
from tests.support.placing import CHAIN, CHAIN_PATH, place, refused
from tests.support.rules import ABSENT, PARTIES_KNOWN, Rule, assert_rules, mistyped
from tests.support.service import Service, write_directory

PARAMETER = "notificationOrderRequest"
unreadable = partial(mistyped, parameter=PARAMETER)
PLACES = {"recipient": "Recipient", "reminders[0].recipient": "Reminders[0].Recipient"}
"""Where a recipient may stand, and how its model path begins."""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    write_directory(tmp_path, PARTIES_KNOWN)


def chain_to(where: str, recipient: dict[str, Any]) -> dict[str, Any]:
    """Return a chain with this recipient there."""
    return changed(CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]}, where, recipient)


async def test_null_and_wrong_types_of_the_top_level_and_of_reminders(service: Service) -> None:
    """6.3 POST future/orders: requestedSendTime null; sendersReference, dialogportenAssociation, delayDays."""
    reminded = CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}], "dialogportenAssociation": {}}
    reminder, dialog = "reminders[0]", "dialogportenAssociation"
    timed = {"recipient": EMAIL, "requestedSendTime": "2026-06-15T10:00:00Z"}
    rules = [
        unreadable("requestedSendTime", None, ABSENT),
        unreadable("sendersReference", 1, None),
        unreadable("sendersReference", {}, ""),
        unreadable("conditionEndpoint", 1, None),
        unreadable(dialog, "dialog", None),
        unreadable(dialog, [], {}),
        unreadable(f"{dialog}.dialogId", 1, None),
        unreadable(f"{dialog}.transmissionId", False, " not validated "),
        unreadable(f"{reminder}.sendersReference", ["x"], " "),
        unreadable(f"{reminder}.conditionEndpoint", {}, None),
        unreadable(f"{reminder}.delayDays", "one", "1"),
        unreadable(f"{reminder}.delayDays", 1.5, 1),
        unreadable(f"{reminder}.delayDays", True, 1),
        unreadable(f"{reminder}.delayDays", 2**31, 36_500),
        Rule(f"{reminder}.delayDays", None, {"Reminders[0]"}, 1),
        Rule(reminder, timed | {"requestedSendTime": None}, {"Reminders[0]"}, timed | {"delayDays": None}),
        Rule(f"{reminder}.recipient", None, {"Reminders[0].Recipient"}, SMS),
        unreadable(f"{reminder}.recipient", "kari@example.com", EMAIL),
        unreadable(reminder, "tomorrow", timed),
        unreadable("recipient", [EMAIL], EMAIL),
        unreadable("recipient.recipientEmail", "kari@example.com", EMAIL["recipientEmail"]),
    ]
    await assert_rules(service, CHAIN_PATH, reminded, rules)


def email_settings(path: str, model: str) -> list[Rule]:
    """Return what must be there and of which type in e-mail settings."""
    return [
        Rule(f"{path}.subject", None, {f"{model}.Subject"}, "x"),
        Rule(f"{path}.body", None, {f"{model}.Body"}, "x"),
        unreadable(f"{path}.subject", 1, "1"),
        unreadable(f"{path}.body", ["x"], "x"),
        unreadable(f"{path}.senderEmailAddress", 1, None),
        unreadable(f"{path}.contentType", None, ABSENT),
        unreadable(f"{path}.contentType", "Markdown", "html"),
        unreadable(f"{path}.sendingTimePolicy", None, ABSENT),
        unreadable(f"{path}.sendingTimePolicy", "Night", 1),
    ]


def sms_settings(path: str, model: str) -> list[Rule]:
    """Return what must be there and of which type in SMS settings."""
    return [
        Rule(f"{path}.body", None, {f"{model}.Body"}, "x"),
        unreadable(f"{path}.body", 1, "1"),
        unreadable(f"{path}.sender", {}, None),
        unreadable(f"{path}.sendingTimePolicy", None, ABSENT),
        unreadable(f"{path}.sendingTimePolicy", "Night", "daytime"),
    ]


@pytest.mark.parametrize("where", PLACES)
async def test_null_and_wrong_types_of_direct_recipients(service: Service, where: str) -> None:
    """6.3 POST future/orders: null emailAddress, phoneNumber, subject, body, contentType, sendingTimePolicy."""
    email, sms, model = f"{where}.recipientEmail", f"{where}.recipientSms", PLACES[where]
    of_email = [
        *(
            Rule(f"{email}.emailAddress", bad, {f"{model}.RecipientEmail.EmailAddress"}, "kari@example.com")
            for bad in (None, "", " ", "kari@example", "kari@example.com;ola@example.com")
        ),
        unreadable(f"{email}.emailAddress", 1, "kari@example.com"),
        unreadable(f"{email}.emailSettings", "x", EMAIL_SETTINGS),
        *email_settings(f"{email}.emailSettings", f"{model}.RecipientEmail.Settings"),
    ]
    of_sms = [
        *(
            Rule(f"{sms}.phoneNumber", bad, {f"{model}.RecipientSms.PhoneNumber"}, "+4799999999")
            for bad in (None, "", "\t", "99999999", "+47999999999999999")
        ),
        unreadable(f"{sms}.phoneNumber", 4799999999, "+4799999999"),
        unreadable(f"{sms}.smsSettings", [], SMS_SETTINGS),
        *sms_settings(f"{sms}.smsSettings", f"{model}.RecipientSms.Settings"),
    ]
    await assert_rules(service, CHAIN_PATH, chain_to(where, EMAIL), of_email)
    await service.rig.pool.execute("TRUNCATE chains, orders, order_parts")
    await assert_rules(service, CHAIN_PATH, chain_to(where, SMS), of_sms)


EMAIL_URN = "urn:altinn:person:idporten-email:"
IDENTIFIERS: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "recipientPerson": (
        PERSON,
        "nationalIdentityNumber",
        [None, "", "160694123456", "1606941234", "1606941234x", " 16069412345", "16069412345\n", "١٦٠٦٩٤١٢٣٤٥"],
    ),
    "recipientOrganization": (
        ORGANIZATION,
        "orgNumber",
        [None, " ", "31012345", "3101234567", "31012345x", "310 123 456", "310123456\n"],
    ),
    "recipientExternalIdentity": (
        EXTERNAL,
        "externalIdentity",
        [None, "", EMAIL_URN, f"{EMAIL_URN}%20", f"{EMAIL_URN}kari", "kari@example.com", "urn:altinn:person:x:kari"],
    ),
}
IDENTIFIED = {"recipientExternalIdentity": f"{EMAIL_URN}kari%2Bx@example.com"}


def model_of(where: str, kind: str) -> str:
    """Return the model path of a party."""
    return f"{PLACES[where]}.{kind[0].upper()}{kind[1:]}"


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", IDENTIFIERS)
async def test_parties_wherever_they_stand(service: Service, kind: str, where: str) -> None:
    """6.3 POST future/orders: each recipient kind; resource id forms; resource action combinations; external
    identity forms incl. `%2B`; 12-digit and non-digit NIN, 8-digit organisation number, empty idporten-email."""
    recipient, name, bad = IDENTIFIERS[kind]
    path, model = f"{where}.{kind}", model_of(where, kind)
    good = IDENTIFIED.get(kind, recipient[kind][name])
    with_resource = changed(recipient, f"{kind}.resourceId", "urn:altinn:resource:x")
    body = chain_to(where, changed(with_resource, f"{kind}.resourceAction", "read"))
    rules = [
        *(Rule(f"{path}.{name}", value, {f"{model}.{name[0].upper()}{name[1:]}"}, good) for value in bad),
        unreadable(f"{path}.{name}", 310123456, good),
        unreadable(f"{path}.channelSchema", None, 2),
        unreadable(f"{path}.channelSchema", "Pigeon", "3"),
        Rule(f"{path}.channelSchema", 5, {f"{model}.ChannelSchema"}, "EMAILANDSMS"),
        Rule(f"{path}.channelSchema", -1, {f"{model}.ChannelSchema"}, 0),
        Rule(f"{path}.resourceId", "urn:altinn:resource:", {f"{model}.ResourceId"}, "urn:altinn:resource:y"),
        Rule(f"{path}.resourceId", "URN:altinn:resource:x", {f"{model}.ResourceId"}, "urn:altinn:resource: "),
        Rule(f"{path}.resourceId", None, {f"{model}.ResourceAction"}, "urn:altinn:resource:y"),
        Rule(f"{path}.resourceAction", " ", {f"{model}.ResourceAction"}, "confirm"),
        unreadable(f"{path}.resourceAction", 1, None),
    ]
    if where != "recipient":  # their values there are broken in tests/web/test_http_future_rules.py
        rules += email_settings(f"{path}.emailSettings", f"{model}.EmailSettings")
        rules += sms_settings(f"{path}.smsSettings", f"{model}.SmsSettings")
    await assert_rules(service, CHAIN_PATH, body, rules)


EMAIL_KEY, SMS_KEY = "EmailSettings", "SmsSettings"
NEEDED = {
    "Email": {EMAIL_KEY},
    "Sms": {SMS_KEY},
    "EmailPreferred": {EMAIL_KEY, SMS_KEY},
    "SmsPreferred": {EMAIL_KEY, SMS_KEY},
    "EmailAndSms": {EMAIL_KEY, SMS_KEY},
}
GIVEN: list[dict[str, Any]] = [
    {},
    {"emailSettings": EMAIL_SETTINGS},
    {"smsSettings": SMS_SETTINGS},
    {"emailSettings": EMAIL_SETTINGS, "smsSettings": SMS_SETTINGS},
    {"emailSettings": None, "smsSettings": None},
]


@pytest.mark.parametrize("kind", IDENTIFIERS)
async def test_each_channel_by_the_settings_that_are_given(service: Service, kind: str) -> None:
    """6.3 POST future/orders: each channel x settings, in the main notification and in a reminder at once."""
    recipient = IDENTIFIERS[kind][0]
    bare = lacking(lacking(recipient, f"{kind}.emailSettings"), f"{kind}.smsSettings")[kind]
    for scheme, needed in NEEDED.items():
        for given in GIVEN:
            party = {kind: bare | {"channelSchema": scheme} | given}
            body = chain_to("reminders[0].recipient", party) | {"recipient": party}
            lacks = needed - {name[0].upper() + name[1:] for name, value in given.items() if value is not None}
            if lacks:
                errors = await refused(service, CHAIN_PATH, body)
                assert errors.keys() == {f"{model_of(where, kind)}.{name}" for where in PLACES for name in lacks}
            else:
                kept = body | {"idempotencyId": f"{scheme} {sorted(given)}"}
                assert (await place(service, CHAIN_PATH, kept)).status_code == 201


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", IDENTIFIERS)
async def test_settings_the_channel_does_not_need_are_checked_when_given(
    service: Service, kind: str, where: str
) -> None:
    """6.3 POST future/orders: Sms with bad e-mail settings, Email with bad SMS settings (api.md 5, item 25)."""
    path, model = f"{where}.{kind}", model_of(where, kind)
    for scheme, rules in (
        (
            "Sms",
            [
                Rule(
                    f"{path}.emailSettings", EMAIL_SETTINGS | {"subject": " "}, {f"{model}.EmailSettings.Subject"}, None
                ),
                Rule(
                    f"{path}.emailSettings",
                    EMAIL_SETTINGS | {"senderEmailAddress": "x"},
                    {f"{model}.EmailSettings.SenderEmailAddress"},
                    EMAIL_SETTINGS | {"senderEmailAddress": "x@example.no"},
                ),
                Rule(
                    f"{path}.emailSettings",
                    EMAIL_SETTINGS | {"contentType": 2, "sendingTimePolicy": 2},
                    {f"{model}.EmailSettings.ContentType", f"{model}.EmailSettings.SendingTimePolicy"},
                    EMAIL_SETTINGS | {"contentType": 1, "sendingTimePolicy": 1},
                ),
                Rule(f"{path}.emailSettings", {}, {f"$.{path}.emailSettings", PARAMETER}, EMAIL_SETTINGS),
            ],
        ),
        (
            "Email",
            [
                Rule(f"{path}.smsSettings", {"body": " "}, {f"{model}.SmsSettings.Body"}, None),
                Rule(
                    f"{path}.smsSettings",
                    SMS_SETTINGS | {"sendingTimePolicy": 0},
                    {f"{model}.SmsSettings.SendingTimePolicy"},
                    SMS_SETTINGS | {"sendingTimePolicy": 1},
                ),
                Rule(f"{path}.smsSettings", {}, {f"$.{path}.smsSettings", PARAMETER}, SMS_SETTINGS),
            ],
        ),
    ):
        body = chain_to(where, changed(IDENTIFIERS[kind][0], f"{kind}.channelSchema", scheme))
        await assert_rules(service, CHAIN_PATH, body, rules)
        await service.rig.pool.execute("TRUNCATE chains, orders, order_parts")
