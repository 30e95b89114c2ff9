"""Every rule of the three v1 orders (api.md 3.5 to 3.7), failing and just passing, with its exact key."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.reading import NOW, errors_of
from varsel.intake.times import write_time
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, SmsOrderRequest, V1Request

NIN = "16069412345"
ORG = "310123456"
EMAIL = "kari@example.com"
MOBILE = "+4799999999"
TEMPLATES: dict[str, Any] = {"emailTemplate": {"subject": "s", "body": "b"}, "smsTemplate": {"body": "b"}}
CHANNELS = ["Email", "Sms", "EmailPreferred", "SmsPreferred", "EmailAndSms"]
EMAIL_ORDER = {"recipients": [{"emailAddress": EMAIL}], "subject": "s", "body": "b"}
SMS_ORDER = {"recipients": [{"mobileNumber": MOBILE}], "body": "b"}


def order(channel: Any = "EmailPreferred", **members: Any) -> dict[str, Any]:
    return {"notificationChannel": channel, "recipients": [{"nationalIdentityNumber": NIN}], **TEMPLATES, **members}


def keys(document: Any, shape: type[V1Request] = OrderRequest) -> set[str]:
    return set(errors_of(shape, document))


@pytest.mark.parametrize("channel", [*CHANNELS, "emailpreferred", " SMS ", 4, "0"])
def test_a_whole_order_passes(channel: Any) -> None:
    assert keys(order(channel)) == set()


@pytest.mark.parametrize("shape", [EmailOrderRequest, SmsOrderRequest])
def test_the_short_orders_pass(shape: type[V1Request]) -> None:
    assert keys(EMAIL_ORDER | SMS_ORDER | {"recipients": [{"organizationNumber": ORG}]}, shape) == set()


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        (timedelta(), True),
        (timedelta(minutes=-4, seconds=-59), True),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-5, seconds=-1), False),
        (timedelta(days=4000), True),
    ],
)
def test_the_send_time_may_lie_five_minutes_back(offset: timedelta, accepted: bool) -> None:
    found = keys(order(requestedSendTime=write_time(NOW + offset)))
    assert found == (set() if accepted else {"RequestedSendTime"})


def test_a_send_time_without_zone_in_the_past_breaks_two_rules() -> None:
    assert len(errors_of(OrderRequest, order(requestedSendTime="2020-01-01"))["RequestedSendTime"]) == 2
    assert len(errors_of(OrderRequest, order(requestedSendTime="2030-01-01T10:00"))["RequestedSendTime"]) == 1


@pytest.mark.parametrize("value", [None, "soon", "2026-05-04T9:30:00Z", 1])
def test_an_unreadable_send_time_is_a_shape_error(value: Any) -> None:
    assert keys(order(requestedSendTime=value)) == {"$.requestedSendTime", "notificationOrderRequest"}


@pytest.mark.parametrize(
    "address",
    [
        "https://ttd.apps.example.no/check?case=42",
        "http://example.no",
        "HTTPS://EXAMPLE.NO:8443/a b?x=æ#y",
        "https://xn--blbr-roah.example.no/",
        "https://example.no:65535",
        "https://user@example.no/",
        None,
    ],
)
def test_condition_end_points_accepted(address: str | None) -> None:
    assert keys(order(conditionEndpoint=address)) == set()


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "check",
        "/check",
        "ftp://example.no/",
        "https:example.no",
        "https://localhost/",
        "https://localhost:5090/check",
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://example",
        "https://example.n",
        "https://example.n0",
        "https://example.no./",
        "https://blåbær.no/",
        "https://exa_mple.no/",
        "https://example.no@127.0.0.1/",
        "https://127.0.0.1#@example.no/",
        "https://example.no/\r\nHost: internal",
    ],
)
def test_condition_end_points_refused(address: str) -> None:
    assert keys(order(conditionEndpoint=address)) == {"ConditionEndpoint"}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("without", [{"recipients": []}, {}])
def test_a_recipient_is_needed(channel: str, without: dict[str, Any]) -> None:
    document = order(channel)
    del document["recipients"]
    assert keys(document | without) == {"Recipients"}


def test_recipients_must_not_be_null() -> None:
    assert errors_of(OrderRequest, order(recipients=None)) == {"Recipients": ["The Recipients field is required."]}
    assert keys(order(recipients=[None, {"nationalIdentityNumber": NIN}, None])) == {"Recipients[0]", "Recipients[2]"}


@pytest.mark.parametrize(
    ("resource", "action", "accepted"),
    [
        (None, None, True),
        (None, "", True),
        (None, "read", False),
        (None, " ", False),
        ("", "read", False),
        (" ", "read", False),
        ("any text", "read", True),
        ("any text", None, True),
        ("any text", "", True),
        ("any text", " ", False),
    ],
)
def test_an_action_belongs_to_a_resource(resource: str | None, action: str | None, accepted: bool) -> None:
    found = keys(order(resourceId=resource, resourceAction=action))
    assert found == (set() if accepted else {"ResourceAction"})


ADDRESSES = {"emailAddress": EMAIL, "mobileNumber": MOBILE}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("named", ["emailAddress", "mobileNumber", "organizationNumber", "nationalIdentityNumber", ""])
def test_a_recipient_must_be_reachable_on_the_channel(channel: str, named: str) -> None:
    every = ADDRESSES | {"organizationNumber": ORG, "nationalIdentityNumber": NIN}
    recipient = {member: every[member] if member == named else "" for member in every}
    useless = {"Email": {"mobileNumber", ""}, "Sms": {"emailAddress", ""}}.get(channel, {""})
    assert keys(order(channel, recipients=[recipient])) == ({"Recipients[0]"} if named in useless else set())


@pytest.mark.parametrize("channel", CHANNELS)
def test_addresses_are_held_to_their_rules_where_the_channel_uses_them(channel: str) -> None:
    recipients = [ADDRESSES, ADDRESSES | {"emailAddress": "nobody"}, ADDRESSES | {"mobileNumber": "99999999"}]
    expected = {"Recipients[1].EmailAddress"} if channel != "Sms" else set()
    expected |= {"Recipients[2].MobileNumber"} if channel != "Email" else set()
    assert keys(order(channel, recipients=recipients)) == expected


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("member", "value", "key"),
    [
        ("nationalIdentityNumber", "1606941234", "NationalIdentityNumber"),
        ("nationalIdentityNumber", "160694123456", "NationalIdentityNumber"),
        ("nationalIdentityNumber", "1606941234x", "NationalIdentityNumber"),
        ("nationalIdentityNumber", "١٦٠٦٩٤١٢٣٤٥", "NationalIdentityNumber"),
        ("nationalIdentityNumber", " ", "NationalIdentityNumber"),
        ("organizationNumber", "31012345", "OrganizationNumber"),
        ("organizationNumber", "3101234567", "OrganizationNumber"),
        ("organizationNumber", "31012345\n", "OrganizationNumber"),
    ],
)
def test_identifiers_have_exactly_so_many_digits(channel: str, member: str, value: str, key: str) -> None:
    assert keys(order(channel, recipients=[{member: value}])) == {f"Recipients[0].{key}"}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("identifier", [{"nationalIdentityNumber": NIN}, {"organizationNumber": ORG}])
@pytest.mark.parametrize("address", [{"emailAddress": EMAIL}, {"mobileNumber": MOBILE}])
def test_identifiers_are_not_combined_with_addresses(
    channel: str, identifier: dict[str, str], address: dict[str, str]
) -> None:
    assert keys(order(channel, recipients=[identifier | address])) == {"Recipients[0]"}


def test_person_and_organisation_together_break_two_rules() -> None:
    both = {"nationalIdentityNumber": NIN, "organizationNumber": ORG}
    assert len(errors_of(OrderRequest, order(recipients=[both]))["Recipients[0]"]) == 2


def test_is_reserved_is_accepted_and_must_be_a_boolean() -> None:
    assert keys(order(recipients=[{"nationalIdentityNumber": NIN, "isReserved": True}])) == set()
    assert "$.recipients[0].isReserved" in keys(order(recipients=[{"isReserved": "yes"}]))


ABSENT: list[dict[str, Any]] = [{"notificationChannel": None}, {}]


@pytest.mark.parametrize("absent", ABSENT)
@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [{}],
        [{"nationalIdentityNumber": "1"}],
        [{"organizationNumber": "x", "emailAddress": "no", "mobileNumber": "1"}],
        [{"nationalIdentityNumber": NIN, "organizationNumber": "310123456"}],
    ],
)
def test_without_a_channel_recipients_are_not_judged(absent: dict[str, Any], recipients: list[Any]) -> None:
    assert keys({"recipients": recipients, **absent}) == {"NotificationChannel"}
    assert keys(absent) == {"NotificationChannel"}


@pytest.mark.parametrize("absent", ABSENT)
def test_without_a_channel_base_rules_and_given_templates_are_judged(absent: dict[str, Any]) -> None:
    document = {
        "requestedSendTime": "2020-01-01T00:00:00Z",
        "conditionEndpoint": "https://localhost/",
        "resourceAction": "read",
        "emailTemplate": {"subject": "", "body": "b"},
        **absent,
    }
    base = {"NotificationChannel", "RequestedSendTime", "ConditionEndpoint", "ResourceAction", "EmailTemplate.Subject"}
    assert keys(document) == base
    assert keys(document | {"smsTemplate": {}}) == base | {"SmsTemplate.Body"}


@pytest.mark.parametrize("absent", ABSENT)
def test_without_a_channel_presence_faults_hide_the_rules(absent: dict[str, Any]) -> None:
    assert keys({"recipients": None, **absent}) == {"Recipients"}
    assert keys({"smsTemplate": {"body": None}, **absent}) == {"SmsTemplate.Body"}


@pytest.mark.parametrize("channel", [99, "99", -1, "Pigeon", "Email, Sms", True, 1.5])
def test_an_undefined_channel_is_a_shape_error(channel: Any) -> None:
    assert keys(order(channel)) == {"$.notificationChannel", "notificationOrderRequest"}


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_needs_its_templates(channel: str) -> None:
    expected = {"EmailTemplate"} if channel != "Sms" else set()
    expected |= {"SmsTemplate"} if channel != "Email" else set()
    assert keys(order(channel, emailTemplate=None, smsTemplate=None)) == expected


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_template_is_checked_even_if_the_channel_does_not_need_it(channel: str) -> None:
    document = order(channel, emailTemplate={"subject": " ", "body": ""}, smsTemplate={"body": "\n"})
    assert keys(document) == {"EmailTemplate.Subject", "EmailTemplate.Body", "SmsTemplate.Body"}
    assert keys(order(channel, emailTemplate={}, smsTemplate={})) == keys(document)


def test_null_members_of_templates_are_presence_errors() -> None:
    nulls = {"fromAddress": None, "subject": None, "body": None}
    document = order(emailTemplate=nulls, smsTemplate={"senderNumber": None, "body": None}, conditionEndpoint="x")
    assert keys(document) == {
        "EmailTemplate.FromAddress",
        "EmailTemplate.Subject",
        "EmailTemplate.Body",
        "SmsTemplate.SenderNumber",
        "SmsTemplate.Body",
    }


@pytest.mark.parametrize("content_type", [None, 7, "7", "Markdown", ""])
def test_an_undefined_content_type_is_a_shape_error(content_type: Any) -> None:
    found = keys(order(emailTemplate={"subject": "s", "body": "b", "contentType": content_type}))
    assert found == {"$.emailTemplate.contentType", "notificationOrderRequest"}


@pytest.mark.parametrize("content_type", ["html", 1, "1", "Plain"])
def test_content_types_in_all_their_forms(content_type: Any) -> None:
    assert keys(order(emailTemplate={"subject": "s", "body": "b", "contentType": content_type})) == set()
    assert keys(EMAIL_ORDER | {"contentType": content_type}, EmailOrderRequest) == set()


def test_the_content_type_of_an_email_order_may_be_null() -> None:
    assert keys(EMAIL_ORDER | {"contentType": None}, EmailOrderRequest) == set()
    assert "$.contentType" in keys(EMAIL_ORDER | {"contentType": 7}, EmailOrderRequest)


@pytest.mark.parametrize("value", ["", " \n", None])
@pytest.mark.parametrize("present", [True, False])
def test_subject_and_body_are_presence_rules_of_the_short_orders(value: str | None, present: bool) -> None:
    broken: dict[str, Any] = {"subject": value, "body": value} if present else {}
    broken |= {"recipients": [], "conditionEndpoint": "x"}
    assert errors_of(EmailOrderRequest, broken) == {
        "Subject": ["The Subject field is required."],
        "Body": ["The Body field is required."],
    }
    assert errors_of(SmsOrderRequest, broken) == {"Body": ["The Body field is required."]}


def test_the_short_orders_ignore_the_other_address_but_not_in_combination() -> None:
    both = {"emailAddress": EMAIL, "mobileNumber": "no number"}
    assert keys(EMAIL_ORDER | {"recipients": [both]}, EmailOrderRequest) == set()
    other = {"emailAddress": "no address", "mobileNumber": MOBILE}
    assert keys(SMS_ORDER | {"recipients": [other]}, SmsOrderRequest) == set()
    combined = {"nationalIdentityNumber": NIN, "mobileNumber": "x", "emailAddress": ""}
    assert keys(EMAIL_ORDER | {"recipients": [combined]}, EmailOrderRequest) == {"Recipients[0]"}
    assert keys(EMAIL_ORDER | {"recipients": [{"mobileNumber": MOBILE}]}, EmailOrderRequest) == {"Recipients[0]"}
    assert keys(SMS_ORDER | {"recipients": [{"emailAddress": EMAIL}]}, SmsOrderRequest) == {"Recipients[0]"}


@pytest.mark.parametrize(
    ("shape", "parameter"),
    [
        (OrderRequest, "notificationOrderRequest"),
        (EmailOrderRequest, "emailNotificationOrderRequest"),
        (SmsOrderRequest, "smsNotificationOrderRequest"),
    ],
)
def test_unreadable_bodies_name_the_endpoint_s_parameter(shape: type[V1Request], parameter: str) -> None:
    assert errors_of(shape, b"null").keys() == {"", parameter}
    assert errors_of(shape, b"{")[parameter] == [f"The {parameter} field is required."]
    assert keys({"ignoreReservation": "false"}, shape) == {"$.ignoreReservation", parameter}


def test_all_broken_rules_come_at_once() -> None:
    document = {
        "requestedSendTime": "2020-01-01T00:00:00Z",
        "notificationChannel": "EmailPreferred",
        "conditionEndpoint": "https://localhost/",
        "resourceAction": "read",
        "recipients": [{"mobileNumber": "1"}, {}],
        "emailTemplate": {"subject": "", "body": "b"},
    }
    assert keys(document) == {
        "RequestedSendTime",
        "ConditionEndpoint",
        "ResourceAction",
        "Recipients[0].MobileNumber",
        "Recipients[1]",
        "EmailTemplate.Subject",
        "SmsTemplate",
    }
