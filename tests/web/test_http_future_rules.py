"""Every rule of the newer interface's requests: one request that breaks it, and one that only just does not
(api.md 3.9 to 3.13; checklist 6.1, column 400r). More cases of each are in tests/web/test_reading_future_*.py."""

from pathlib import Path

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
from tests.support.placing import (
    ATTACHMENT,
    BODIES,
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    SAS_URL,
    place,
    refused,
)
from tests.support.rules import ABSENT, PARTIES_KNOWN, Rule, assert_rules, signed
from tests.support.service import Service, write_directory

NOW, PAST, UNZONED = "2026-06-15T10:00:00Z", "2026-06-15T09:59:59.999999Z", "2026-06-15T12:00:00"


SCHEDULED = [
    Rule("requestedSendTime", PAST, {"RequestedSendTime"}, NOW),
    Rule("requestedSendTime", UNZONED, {"RequestedSendTime"}, "2026-06-15T12:00:00+02:00"),
    Rule("requestedSendTime", "2020-01-01", {"RequestedSendTime"}, ABSENT),
    Rule("conditionEndpoint", "check", {"ConditionEndpoint"}, "http://localhost:5005/check"),
    Rule("conditionEndpoint", "ftp://example.no/", {"ConditionEndpoint"}, "https://127.0.0.1/check"),
    Rule("conditionEndpoint", "", {"ConditionEndpoint"}, None),
    Rule("conditionEndpoint", "https://example.no/a b", {"ConditionEndpoint"}, "https://example.no/a%20b"),
]
EITHER = {"", "DelayDays", "RequestedSendTime"}


async def test_chains(service: Service) -> None:
    """3.9, the top level and reminders: neither, both, one of delay and time; delay 0; null element."""
    reminder = {"recipient": EMAIL, "delayDays": 1}
    several = CHAIN | {"reminders": [reminder, reminder], "conditionEndpoint": "https://example.no/"}
    timed = {"recipient": EMAIL, "requestedSendTime": NOW}
    both = timed | {"delayDays": 1}
    rules = [
        *SCHEDULED,
        Rule("reminders[1]", None, {"Reminders[1]"}, reminder),
        Rule("reminders[1]", {"recipient": EMAIL}, {"Reminders[1]"}, timed),
        Rule("reminders[1]", both, {f"Reminders[1].{name}".rstrip(".") for name in EITHER}, reminder),
        Rule("reminders[1].delayDays", 0, {"Reminders[1].DelayDays"}, 1),
        Rule("reminders[0].delayDays", -1, {"Reminders[0].DelayDays"}, "2"),
        Rule("reminders[0].delayDays", 2**31 - 1, {"Reminders[0].DelayDays"}, 36_500),
        Rule("reminders[0]", timed | {"requestedSendTime": PAST}, {"Reminders[0].RequestedSendTime"}, timed),
        Rule("reminders[0]", timed | {"requestedSendTime": UNZONED}, {"Reminders[0].RequestedSendTime"}, timed),
        Rule("reminders[0].conditionEndpoint", "check", {"Reminders[0].ConditionEndpoint"}, "https://localhost"),
        Rule("reminders[1].recipient", {}, {"Reminders[1].Recipient"}, SMS),
        Rule("reminders", "none", {"$.reminders", "notificationOrderRequest"}, []),
        Rule("reminders", {}, {"$.reminders", "notificationOrderRequest"}, None),
    ]
    await assert_rules(service, CHAIN_PATH, several, rules)


async def test_a_chain_s_recipient_is_exactly_one(service: Service, tmp_path: Path) -> None:
    """3.9, recipient: 0, 1, 2, and the inner rules of each are told too."""
    write_directory(tmp_path, PARTIES_KNOWN)
    bad = changed(EMAIL, "recipientEmail.emailAddress", "x")
    rules = [
        Rule("recipient", {}, {"Recipient"}, EMAIL),
        Rule("recipient", EMAIL | SMS, {"Recipient"}, SMS),
        Rule("recipient", EMAIL | PERSON, {"Recipient"}, PERSON),
        Rule("recipient", ORGANIZATION | EXTERNAL, {"Recipient"}, ORGANIZATION),
        Rule("recipient", SMS | bad, {"Recipient", "Recipient.RecipientEmail.EmailAddress"}, EXTERNAL),
        Rule("recipient", {"recipientEmail": None}, {"Recipient"}, EMAIL | {"recipientSms": None}),
        Rule("recipient", None, {"Recipient"}, EMAIL),
    ]
    await assert_rules(service, CHAIN_PATH, CHAIN, rules)


def email_settings(path: str, key: str) -> list[Rule]:
    """Return the rules of e-mail settings at `path`, told under `key`."""
    return [
        Rule(f"{path}.subject", " ", {f"{key}.Subject"}, "x"),
        Rule(f"{path}.body", "", {f"{key}.Body"}, "x" * 100_000),
        Rule(f"{path}.senderEmailAddress", "", {f"{key}.SenderEmailAddress"}, None),
        Rule(f"{path}.senderEmailAddress", "x", {f"{key}.SenderEmailAddress"}, " noreply@example.no "),
        Rule(f"{path}.contentType", 2, {f"{key}.ContentType"}, 1),
        Rule(f"{path}.sendingTimePolicy", "Daytime", {f"{key}.SendingTimePolicy"}, "anytime"),
    ]


def sms_settings(path: str, key: str) -> list[Rule]:
    """Return the rules of SMS settings at `path`, told under `key`."""
    return [
        Rule(f"{path}.body", "\t", {f"{key}.Body"}, "x"),
        Rule(f"{path}.sendingTimePolicy", 0, {f"{key}.SendingTimePolicy"}, "1"),
        Rule(f"{path}.sendingTimePolicy", 3, {f"{key}.SendingTimePolicy"}, 2),
        Rule(f"{path}.sender", 1, {f"$.{path}.sender", "notificationOrderRequest"}, ""),
    ]


async def test_direct_recipients(service: Service) -> None:
    """3.9, recipientEmail and recipientSms; a sender `""` is refused for e-mail and accepted for SMS."""
    for where, model in (("recipient", "Recipient"), ("reminders[0].recipient", "Reminders[0].Recipient")):
        email, sms = f"{where}.recipientEmail", f"{where}.recipientSms"
        of_email = [
            Rule(f"{email}.emailAddress", "a@b@c.no", {f"{model}.RecipientEmail.EmailAddress"}, " a@example.com "),
            Rule(f"{email}.emailSettings", None, {f"{model}.RecipientEmail.Settings"}, EMAIL_SETTINGS),
            *email_settings(f"{email}.emailSettings", f"{model}.RecipientEmail.Settings"),
        ]
        of_sms = [
            Rule(f"{sms}.phoneNumber", "99999999", {f"{model}.RecipientSms.PhoneNumber"}, "004799999999"),
            Rule(f"{sms}.smsSettings", None, {f"{model}.RecipientSms.Settings"}, SMS_SETTINGS),
            *sms_settings(f"{sms}.smsSettings", f"{model}.RecipientSms.Settings"),
        ]
        for recipient, rules in ((EMAIL, of_email), (SMS, of_sms)):
            body = CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]}
            await assert_rules(service, CHAIN_PATH, changed(body, where, recipient), rules)
            await service.rig.pool.execute("TRUNCATE chains, orders, order_parts")


PARTIES = {
    "recipientPerson": (PERSON, "nationalIdentityNumber", "NationalIdentityNumber", "1606941234", "16069412345"),
    "recipientOrganization": (ORGANIZATION, "orgNumber", "OrgNumber", "3101234567", "310123456"),
    "recipientExternalIdentity": (
        EXTERNAL,
        "externalIdentity",
        "ExternalIdentity",
        "urn:altinn:person:idporten-email:kari+x@example.com",
        "urn:altinn:person:idporten-email:kari%2Bx@example.com",
    ),
}


@pytest.mark.parametrize("kind", PARTIES)
async def test_parties(service: Service, tmp_path: Path, kind: str) -> None:
    """3.9, persons, organisations and external identities: each channel by settings, resource id and action."""
    write_directory(tmp_path, PARTIES_KNOWN)
    recipient, member, key, bad, good = PARTIES[kind]
    path, model = f"recipient.{kind}", f"Recipient.{kind[0].upper()}{kind[1:]}"
    body = CHAIN | {"recipient": recipient}
    body = lacking(body, f"{path}.resourceId") if "resourceId" in str(recipient) else body
    body = lacking(body, f"{path}.resourceAction") if "resourceAction" in str(recipient) else body
    resource = "urn:altinn:resource:x"
    rules = [
        Rule(f"{path}.{member}", bad, {f"{model}.{key}"}, good),
        Rule(f"{path}.{member}", None, {f"{model}.{key}"}, good),
        Rule(f"{path}.channelSchema", 5, {f"{model}.ChannelSchema"}, 4),
        Rule(
            f"{path}.channelSchema", None, {f"$.{path}.channelSchema", "notificationOrderRequest"}, " emailpreferred "
        ),
        Rule(f"{path}.channelSchema", ABSENT, {f"$.{path}", "notificationOrderRequest"}, "SmsPreferred"),
        Rule(f"{path}.emailSettings", None, {f"{model}.EmailSettings"}, EMAIL_SETTINGS),
        Rule(f"{path}.smsSettings", ABSENT, {f"{model}.SmsSettings"}, SMS_SETTINGS),
        *email_settings(f"{path}.emailSettings", f"{model}.EmailSettings"),
        *sms_settings(f"{path}.smsSettings", f"{model}.SmsSettings"),
        Rule(f"{path}.resourceId", "", {f"{model}.ResourceId"}, resource),
        Rule(f"{path}.resourceId", "urn:altinn:resource:", {f"{model}.ResourceId"}, resource),
        Rule(f"{path}.resourceId", "app_ttd_letters", {f"{model}.ResourceId"}, None),
        Rule(f"{path}.resourceAction", "read", {f"{model}.ResourceAction"}, ""),
    ]
    await assert_rules(service, CHAIN_PATH, body, rules)
    for scheme, needed in (("Email", "EmailSettings"), ("Sms", "SmsSettings")):
        bare = changed(body, f"{path}.channelSchema", scheme)
        bare = lacking(lacking(bare, f"{path}.emailSettings"), f"{path}.smsSettings")
        assert (await refused(service, CHAIN_PATH, bare)).keys() == {f"{model}.{needed}"}
    blank = changed(changed(body, f"{path}.resourceId", resource), f"{path}.resourceAction", "  ")
    assert (await refused(service, CHAIN_PATH, blank)).keys() == {f"{model}.ResourceAction"}


async def test_each_form_of_an_external_identity(service: Service, tmp_path: Path) -> None:
    write_directory(tmp_path, PARTIES_KNOWN)
    path = "recipient.recipientExternalIdentity.externalIdentity"
    key = {"Recipient.RecipientExternalIdentity.ExternalIdentity"}
    rules = [
        Rule(path, f"urn:altinn:{form}:{blank}", key, f"urn:altinn:{form}:kari")
        for form, blank in (("party:username", ""), ("username", "+"), ("person:legacy-selfidentified", "%20"))
    ]
    await assert_rules(service, CHAIN_PATH, CHAIN | {"recipient": EXTERNAL}, rules)


async def test_switches_of_a_person_are_never_null(service: Service, tmp_path: Path) -> None:
    write_directory(tmp_path, PARTIES_KNOWN)
    path = "recipient.recipientPerson"
    rules = [
        Rule(f"{path}.{name}", wrong, {f"$.{path}.{name}", "notificationOrderRequest"}, True)
        for name in ("ignoreReservation", "useStaleContactInformation")
        for wrong in (None, "true")
    ]
    await assert_rules(service, CHAIN_PATH, CHAIN | {"recipient": PERSON}, rules)


async def test_shape_errors_suppress_rules_and_rules_accumulate_c6(service: Service) -> None:
    broken = CHAIN | {"requestedSendTime": PAST, "conditionEndpoint": "check"}
    assert (await refused(service, CHAIN_PATH, broken)).keys() == {"RequestedSendTime", "ConditionEndpoint"}
    unreadable = broken | {"requestedSendTime": "soon"}
    assert (await refused(service, CHAIN_PATH, unreadable)).keys() == {
        "$.requestedSendTime",
        "notificationOrderRequest",
    }


async def test_composed_emails(service: Service) -> None:
    """3.10: attachments null, [] and several; each step of `sasUrl`; file names; MIME types in any case."""
    address, settings = "recipient.emailAddress", "recipient.emailSettings"
    file = f"{settings}.attachments[0]"
    key = "Recipient.Settings.Attachments[0]"
    rules = [
        *SCHEDULED,
        Rule(address, "x", {"Recipient.EmailAddress"}, "kari@example.com"),
        Rule("recipient", None, {"Recipient"}, COMPOSED["recipient"]),
        Rule(settings, None, {"Recipient.Settings"}, COMPOSED["recipient"]["emailSettings"]),
        *email_settings(settings, "Recipient.Settings"),
        Rule(file, None, {key}, ATTACHMENT),
        Rule(f"{settings}.attachments", "x", {f"$.{settings}.attachments", "orderRequest"}, None),
        Rule(f"{settings}.attachments", {}, {f"$.{settings}.attachments", "orderRequest"}, []),
        Rule(f"{settings}.attachments", [None, ATTACHMENT], {key}, [ATTACHMENT] * 3),
        Rule(f"{file}.filename", "a/b.pdf", {f"{key}.Filename"}, ".pdf"),
        Rule(f"{file}.filename", "decision.", {f"{key}.Filename"}, "a.b"),
        Rule(f"{file}.filename", " ", {f"{key}.Filename"}, "æ ø.pdf"),
        Rule(f"{file}.mimeType", "image/jpg", {f"{key}.MimeType"}, "IMAGE/jpeg"),
        Rule(f"{file}.mimeType", "text/plain; charset=utf-8", {f"{key}.MimeType"}, "text/plain"),
        Rule(f"{file}.sasUrl", SAS_URL.replace("https", "http"), {f"{key}.SasUrl"}, SAS_URL),
        Rule(
            f"{file}.sasUrl", SAS_URL.replace("windows", "example"), {f"{key}.SasUrl"}, SAS_URL.replace("blob", "BLOB")
        ),
        Rule(f"{file}.sasUrl", signed(sig=""), {f"{key}.SasUrl"}, signed(sr="B")),
        Rule(f"{file}.sasUrl", signed(sp="w"), {f"{key}.SasUrl"}, signed(sp="rw")),
        Rule(f"{file}.sasUrl", signed(se="soon"), {f"{key}.SasUrl"}, signed(se="2026-06-15T10:15:00")),
        Rule(f"{file}.sasUrl", signed(se="2026-06-15T10:14:59Z"), {key}, signed(se="2026-06-15T10:15:00Z")),
    ]
    await assert_rules(service, COMPOSED_PATH, COMPOSED | {"requestedSendTime": NOW}, rules)


SMS_BODY = {"phoneNumber": "+4799999999", "timeToLiveInSeconds": 60, "smsSettings": {"body": "x", "unknown": 1}}


@pytest.mark.parametrize(
    ("path", "beginning", "model"),
    [
        (INSTANT_SMS_PATH, "recipientSms", "RecipientSms"),
        (INSTANT_PATH, "recipient.recipientSms", "InstantNotificationRecipient.ShortMessageDeliveryDetails"),
    ],
)
async def test_instant_sms(service: Service, path: str, beginning: str, model: str) -> None:
    """3.11 and the deprecated form of 3.13: TTL 59/60/172800/172801; keys of the deprecated form."""
    life, settings = f"{beginning}.timeToLiveInSeconds", f"{beginning}.smsSettings"
    rules = [
        Rule(f"{beginning}.phoneNumber", "+47", {f"{model}.PhoneNumber"}, "+47 99 99 99 99"),
        Rule(f"{beginning}.phoneNumber", " ", {f"{model}.PhoneNumber"}, "004799999999"),
        Rule(life, 59, {f"{model}.TimeToLiveInSeconds"}, 60),
        Rule(life, 172_801, {f"{model}.TimeToLiveInSeconds"}, "172800"),
        Rule(life, None, {f"$.{life}", "request"}, 300),
        Rule(life, ABSENT, {f"$.{beginning}", "request"}, 300),
        Rule(settings, None, {f"{model}.ShortMessageContent"}, {"body": "x"}),
        Rule(f"{settings}.body", "", {f"{model}.ShortMessageContent.Body"}, "x"),
        Rule(f"{settings}.sender", 1, {f"$.{settings}.sender", "request"}, " "),
        Rule(beginning, None, {model}, SMS_BODY),
    ]
    if path == INSTANT_PATH:
        rules.append(Rule("recipient", None, {"InstantNotificationRecipient"}, {"recipientSms": SMS_BODY}))
    await assert_rules(service, path, BODIES[path], rules)


async def test_instant_emails(service: Service) -> None:
    """3.12: no sending-time policy, hence an unknown member."""
    model, path = "InstantEmailDetails", "recipientEmail"
    settings = f"{path}.emailSettings"
    rules = [
        Rule(path, None, {model}, {"emailAddress": "a@example.com", "emailSettings": EMAIL_SETTINGS}),
        Rule(f"{path}.emailAddress", "x", {f"{model}.EmailAddress"}, "a@example.com"),
        Rule(settings, None, {f"{model}.EmailSettings"}, EMAIL_SETTINGS),
        *email_settings(settings, f"{model}.EmailSettings")[:-1],
        Rule(f"{settings}.contentType", None, {f"$.{settings}.contentType", "request"}, "html"),
    ]
    await assert_rules(service, INSTANT_EMAIL_PATH, BODIES[INSTANT_EMAIL_PATH], rules)
    unknown = changed(BODIES[INSTANT_EMAIL_PATH], f"{settings}.sendingTimePolicy", "Daytime")
    assert (await place(service, INSTANT_EMAIL_PATH, unknown)).status_code == 201
