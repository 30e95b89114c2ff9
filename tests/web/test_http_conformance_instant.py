"""6.3 POST instant: what must be there and of which type, on all three endpoints (api.md 3.11 to 3.13). The other rules
are in tests/web/test_http_future_rules.py, handing over in tests/journeys/test_instants.py."""

from functools import partial

import pytest

from tests.support.future_bodies import EMAIL_SETTINGS, INSTANT_EMAIL, INSTANT_SMS
from tests.support.placing import BODIES, INSTANT_EMAIL_PATH, INSTANT_PATH, INSTANT_SMS_PATH
from tests.support.rules import ABSENT, Rule, assert_rules, mistyped
from tests.support.service import Service

unreadable = partial(mistyped, parameter="request")

DETAILS = INSTANT_SMS["recipientSms"]
SETTINGS = DETAILS["smsSettings"]


@pytest.mark.parametrize(
    ("endpoint", "path", "model"),
    [
        (INSTANT_SMS_PATH, "recipientSms", "RecipientSms"),
        (INSTANT_PATH, "recipient.recipientSms", "InstantNotificationRecipient.ShortMessageDeliveryDetails"),
    ],
)
async def test_null_and_wrong_types_of_an_instant_sms(service: Service, endpoint: str, path: str, model: str) -> None:
    """6.3 POST instant: TTL 59/60/172800/172801; sender default; deprecated form keys."""
    life, settings = f"{path}.timeToLiveInSeconds", f"{path}.smsSettings"
    rules = [
        unreadable("sendersReference", 1, None),
        unreadable(path, "+4799999999", DETAILS),
        Rule(f"{path}.phoneNumber", None, {f"{model}.PhoneNumber"}, "+4799999999"),
        Rule(f"{path}.phoneNumber", "", {f"{model}.PhoneNumber"}, "004799999999"),
        unreadable(f"{path}.phoneNumber", 4799999999, "+4799999999"),
        *(
            Rule(life, bad, {f"{model}.TimeToLiveInSeconds"}, good)
            for bad, good in ((59, 60), (172_801, 172_800), (0, "60"), (-60, 61), ("59", "172800"), (2**31 - 1, 300))
        ),
        *(unreadable(life, bad, 60) for bad in ("soon", 60.5, True, [60], 2**31, None, "")),
        unreadable(settings, "text", SETTINGS),
        Rule(f"{settings}.body", None, {f"{model}.ShortMessageContent.Body"}, "x"),
        Rule(f"{settings}.body", " \n", {f"{model}.ShortMessageContent.Body"}, "x" * 3_000),
        unreadable(f"{settings}.body", 123456, "123456"),
        unreadable(f"{settings}.sender", ["TTD"], None),
        unreadable(f"{settings}.sender", False, ABSENT),
    ]
    await assert_rules(service, endpoint, BODIES[endpoint], rules)


async def test_null_and_wrong_types_of_an_instant_email(service: Service) -> None:
    """6.3 POST instant: the rules of 3.12; no sending-time policy is known here, of whatever type it is."""
    path, model = "recipientEmail", "InstantEmailDetails"
    settings, of_settings = f"{path}.emailSettings", f"{model}.EmailSettings"
    rules = [
        unreadable("sendersReference", {}, ""),
        unreadable(path, [], INSTANT_EMAIL["recipientEmail"]),
        Rule(f"{path}.emailAddress", None, {f"{model}.EmailAddress"}, "kari@example.com"),
        Rule(f"{path}.emailAddress", " ", {f"{model}.EmailAddress"}, "kari+1@example.com"),
        unreadable(f"{path}.emailAddress", 1, "kari@example.com"),
        unreadable(settings, "text", EMAIL_SETTINGS),
        Rule(f"{settings}.subject", None, {f"{of_settings}.Subject"}, "a\nb"),
        Rule(f"{settings}.body", None, {f"{of_settings}.Body"}, "x"),
        unreadable(f"{settings}.subject", 1, "1"),
        unreadable(f"{settings}.body", True, "true"),
        Rule(f"{settings}.senderEmailAddress", "", {f"{of_settings}.SenderEmailAddress"}, None),
        unreadable(f"{settings}.senderEmailAddress", 1, "noreply@example.no"),
        unreadable(f"{settings}.contentType", None, ABSENT),
        unreadable(f"{settings}.contentType", "Markdown", " html "),
        Rule(f"{settings}.contentType", 2, {f"{of_settings}.ContentType"}, "1"),
        Rule(f"{settings}.contentType", -1, {f"{of_settings}.ContentType"}, 0),
        Rule(settings, None, {of_settings}, EMAIL_SETTINGS | {"sendingTimePolicy": {"no": "type"}}),
    ]
    await assert_rules(service, INSTANT_EMAIL_PATH, INSTANT_EMAIL, rules)
