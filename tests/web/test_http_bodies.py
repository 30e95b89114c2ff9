"""What a posted body may be (api.md 1.2, 1.3, 1.7; checklist C1 to C8, C15). Whatever fails stores nothing."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.raw_http import connected, request
from tests.support.rig import NOON
from tests.support.service import BASE, EMAIL_ORDER, ORDER, SMS_ORDER, Service, running_service
from varsel.storage.pool import Pool

LARGEST = 30_000_000
REQUIRED = {
    "/orders": "notificationOrderRequest",
    "/orders/email": "emailNotificationOrderRequest",
    "/orders/sms": "smsNotificationOrderRequest",
}
ORDERS = {"/orders": ORDER, "/orders/email": EMAIL_ORDER, "/orders/sms": SMS_ORDER}
LARGE_HEADERS = {"Content-Type": "application/json"}


async def post(service: Service, path: str, content: bytes, content_type: str = "application/json") -> Any:
    headers = service.bearer() | {"Content-Type": content_type}
    return await service.client.post(BASE + path, content=content, headers=headers)


async def refused(service: Service, path: str, body: Any) -> dict[str, list[str]]:
    """Post what must be refused, hold the answer to the form of every 400 (C7), and return its errors."""
    answer = await post(service, path, body if isinstance(body, bytes) else json.dumps(body).encode())
    assert answer.status_code == 400, body
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    errors: dict[str, list[str]] = problem.pop("errors")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", problem.pop("traceId"))
    assert problem == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
    }
    assert all(messages and all(messages) for messages in errors.values())
    return errors


async def test_names_in_any_case_strangers_and_repetitions_c1(service: Service) -> None:
    body = (
        b'{"unknown": {"deep": [1]}, "SUBJECT": "first", "subject": "last", "Body": "text",'
        b'"RECIPIENTS": [{"EMAILaddress": "kari@example.com", "other": null}]}'
    )
    answer = await post(service, "/orders/email", body)
    order = await service.document(f"/orders/{answer.json()['orderId']}")
    assert order["emailTemplate"]["subject"] == "last"
    assert order["recipients"] == [{"emailAddress": "kari@example.com"}]


async def test_malformed_json_is_refused_c1(service: Service) -> None:
    for path, parameter in REQUIRED.items():
        whole = json.dumps(ORDERS[path]).encode()
        for body in (
            whole[:-1] + b",}",
            b"/* no comments */" + whole,
            whole[:-1],
            whole + b"{}",
            b"[]",
            b'"text"',
            b"\xff\xfe{}",
            b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}",
            whole[:-1] + b', "sendersReference": "a\\u0000b"}',
        ):
            errors = await refused(service, path, body)
            assert errors.pop(parameter) == [f"The {parameter} field is required."]
            (key,) = errors
            assert key.startswith("$")
    assert await service.stored() == 0


async def test_an_empty_body_and_null_have_a_key_of_their_own_c5(service: Service) -> None:
    for path, parameter in REQUIRED.items():
        for body in (b"", b"null", b" null\n"):
            errors = await refused(service, path, body)
            assert errors.keys() == {"", parameter}
            assert errors[parameter] == [f"The {parameter} field is required."]


WRONG_TYPES: list[tuple[str, dict[str, Any], str]] = [
    ("/orders", {"requestedSendTime": None}, "$.requestedSendTime"),
    ("/orders", {"requestedSendTime": "tomorrow"}, "$.requestedSendTime"),
    ("/orders/sms", {"requestedSendTime": 20260615}, "$.requestedSendTime"),
    ("/orders", {"notificationChannel": "Pigeon"}, "$.notificationChannel"),
    ("/orders", {"notificationChannel": "Email,Sms"}, "$.notificationChannel"),
    ("/orders", {"notificationChannel": 99}, "$.notificationChannel"),
    ("/orders/email", {"contentType": "Markdown"}, "$.contentType"),
    ("/orders", {"emailTemplate": {"contentType": None}}, "$.emailTemplate.contentType"),
    ("/orders/email", {"ignoreReservation": "true"}, "$.ignoreReservation"),
    ("/orders/email", {"recipients": [{"emailAddress": 1}]}, "$.recipients[0].emailAddress"),
    ("/orders/sms", {"recipients": [{}, {"mobileNumber": []}]}, "$.recipients[1].mobileNumber"),
    ("/orders/sms", {"recipients": {}}, "$.recipients"),
    ("/orders", {"smsTemplate": "text"}, "$.smsTemplate"),
    ("/orders/email", {"subject": 1}, "$.subject"),
]


async def test_wrong_types_are_told_alone_under_their_json_path_c3_c6(service: Service) -> None:
    for path, change, key in WRONG_TYPES:
        errors = await refused(service, path, {**ORDERS[path], "conditionEndpoint": "http://localhost/", **change})
        assert errors.keys() == {key, REQUIRED[path]}
    assert await service.stored() == 0


async def test_presence_is_told_without_rules_c6(service: Service) -> None:
    """A2 keys of `/orders/email` and `/orders/sms`: absent and blank are alike (api.md 3.7)."""
    for gone in ({}, {"subject": " ", "body": "\t"}, {"subject": None, "body": ""}):
        assert (await refused(service, "/orders/email", {"recipients": [], **gone})).keys() == {"Subject", "Body"}
        assert (await refused(service, "/orders/sms", {"recipients": [], **gone})).keys() == {"Body"}
    errors = await refused(service, "/orders", {"emailTemplate": {"subject": None}, "recipients": None})
    assert errors == {
        "EmailTemplate.Subject": ["The Subject field is required."],
        "Recipients": ["The Recipients field is required."],
    }


async def test_all_broken_rules_come_at_once_c6(service: Service) -> None:
    body = {
        "requestedSendTime": "2020-01-01T00:00:00",
        "conditionEndpoint": "http://localhost/",
        "notificationChannel": "SmsPreferred",
        "resourceAction": "read",
        "recipients": [
            {},
            {"emailAddress": "one@example.com;two@example.com", "mobileNumber": "12345678"},
            {"nationalIdentityNumber": "123", "organizationNumber": "31012345x"},
            None,
        ],
        "emailTemplate": {"subject": " ", "body": ""},
    }
    errors = await refused(service, "/orders", body)
    assert errors.keys() == {
        "RequestedSendTime",
        "ConditionEndpoint",
        "ResourceAction",
        "Recipients[0]",
        "Recipients[1].EmailAddress",
        "Recipients[1].MobileNumber",
        "Recipients[2]",
        "Recipients[2].NationalIdentityNumber",
        "Recipients[2].OrganizationNumber",
        "Recipients[3]",
        "EmailTemplate.Subject",
        "EmailTemplate.Body",
        "SmsTemplate",
    }
    assert len(errors["RequestedSendTime"]) == len(errors["Recipients[2]"]) == 2
    assert await service.stored() == 0


async def test_what_every_order_needs_is_told_under_its_own_key(service: Service) -> None:
    assert (await refused(service, "/orders", {})).keys() == {"NotificationChannel"}
    assert (await refused(service, "/orders", {**ORDER, "emailTemplate": None})).keys() == {"EmailTemplate"}
    without_recipients = {**EMAIL_ORDER, "recipients": []}
    assert (await refused(service, "/orders/email", without_recipients)).keys() == {"Recipients"}


async def test_no_more_than_199_errors_are_told_c7(service: Service) -> None:
    errors = await refused(service, "/orders/email", {**EMAIL_ORDER, "recipients": [{}] * 20_000})
    assert sum(map(len, errors.values())) == 200
    assert len(errors[""]) == 1


async def test_times_in_their_forms_are_shown_in_utc_c8(service: Service) -> None:
    for written, shown in (
        ("2026-06-15T12:00:00Z", "2026-06-15T12:00:00Z"),
        ("2026-06-15T12:00:00+02:00", "2026-06-15T10:00:00Z"),
        ("2026-06-15T12:00:00+02", "2026-06-15T10:00:00Z"),
        ("2026-06-15T12:00Z", "2026-06-15T12:00:00Z"),
        ("2026-06-15T12:00:00.1234567Z", "2026-06-15T12:00:00.1234567Z"),
        ("2026-06-15T12:00:00.10000000000000Z", "2026-06-15T12:00:00.1Z"),
    ):
        order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "requestedSendTime": written})
        assert (await service.document(f"/orders/{order_id}"))["requestedSendTime"] == shown
        # A timestamp column keeps six digits (api.md 1.5).
        assert (await service.status(order_id))["requestedSendTime"] == shown.replace("4567Z", "456Z")


async def test_times_without_zone_or_in_the_past_break_a_rule_c8(service: Service) -> None:
    for time in ("2026-06-15T12:00:00", "2026-06-15", _written(-timedelta(minutes=5, seconds=1))):
        errors = await refused(service, "/orders/sms", {**SMS_ORDER, "requestedSendTime": time})
        assert errors.keys() == {"RequestedSendTime"}
    still_good = _written(-timedelta(minutes=4, seconds=59))
    await service.accepted("/orders/sms", {**SMS_ORDER, "requestedSendTime": still_good})


def _written(offset: timedelta) -> str:
    return (NOON + offset).isoformat()


async def test_enumerations_by_name_number_and_numeric_string_c3(service: Service) -> None:
    for channel in ("emailpreferred", " EMAILPREFERRED ", 2, "2"):
        order_id = await service.accepted("/orders", {**ORDER, "notificationChannel": channel})
        assert (await service.document(f"/orders/{order_id}"))["notificationChannel"] == "EmailPreferred"
    for content_type in ("HTML", 1, "1"):
        order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "contentType": content_type})
        assert (await service.document(f"/orders/{order_id}"))["emailTemplate"]["contentType"] == "Html"


async def test_utf_16_is_understood_and_other_charsets_are_not(service: Service) -> None:
    text = json.dumps({**EMAIL_ORDER, "subject": "Blåbær 😀"}, ensure_ascii=False)
    for charset, codec in [
        ("utf-8", "utf-8"),
        ("UTF-16", "utf-16"),
        ("utf-16", "utf-16-le"),
        ("utf-16BE", "utf-16-be"),
    ]:
        answer = await post(service, "/orders/email", text.encode(codec), f"Application/JSON; Charset={charset}")
        order = await service.get(f"/orders/{answer.json()['orderId']}")
        assert "Blåbær 😀" in order.content.decode()
    answer = await post(service, "/orders/email", text.encode(), "application/json; charset=iso-8859-1")
    assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported Media Type")


async def test_a_body_of_exactly_the_largest_size_is_taken_and_one_byte_more_is_not_c15(service: Service) -> None:
    order = json.dumps(EMAIL_ORDER).encode()
    largest = order + b" " * (LARGEST - len(order))
    assert (await post(service, "/orders/email", largest)).status_code == 202
    stored = await service.stored()

    for sent in (largest + b" ", _chunks(largest + b" ")):
        answer = await service.client.post(
            f"{BASE}/orders/email", content=sent, headers=service.bearer() | LARGE_HEADERS
        )
        assert (answer.status_code, answer.content) == (413, b"")
    assert await service.stored() == stored


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1_000_000):
        yield body[start : start + 1_000_000]


async def test_an_oversized_body_is_refused_when_it_is_announced_c15(service: Service) -> None:
    headers = service.bearer() | LARGE_HEADERS | {"Content-Length": str(LARGEST + 1)}
    answer = await service.raw(request("POST", f"{BASE}/orders", headers))
    assert (answer.status, answer.body) == (413, b"")


async def test_a_body_without_end_is_refused_at_the_limit_that_was_set_c15(pool: Pool, tmp_path: Path) -> None:
    async with (
        running_service(pool, tmp_path, http_max_body=2_000) as service,
        connected(service.port) as connection,
    ):
        headers = service.bearer() | LARGE_HEADERS | {"Transfer-Encoding": "chunked"}
        endless = [b"64\r\n" + b" " * 100 + b"\r\n"] * 30
        connection.send(request("POST", f"{BASE}/orders", headers), *endless)

        assert (await connection.answer()).status == 413
        assert await connection.ended()
        assert await service.stored() == 0


async def test_slow_uploads_of_one_organisation_do_not_hold_up_those_of_another(service: Service) -> None:
    whole = json.dumps({**EMAIL_ORDER, "body": "x" * 1_500_000}).encode()
    async with connected(service.port) as first, connected(service.port) as second, connected(service.port) as other:
        for slow in (first, second):
            slow.send(request("POST", f"{BASE}/orders/email", _announced(service, "ttd", whole)), whole[:100_000])
            await slow.sent()
        other.send(request("POST", f"{BASE}/orders/email", _announced(service, "digdir", whole)), whole)
        assert (await other.answer()).status == 202
        for slow in (first, second):
            slow.send(whole[100_000:])
            assert (await slow.answer()).status == 202


def _announced(service: Service, org: str, body: bytes) -> dict[str, str]:
    return service.bearer(org) | LARGE_HEADERS | {"Content-Length": str(len(body))}


async def test_an_upgrade_that_is_not_wanted_leaves_the_body_and_the_connection_as_they_are(service: Service) -> None:
    """Java's HttpClient offers h2c with every request to an `http:` address."""
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    order = json.dumps(EMAIL_ORDER).encode()
    async with connected(service.port) as connection:
        for _ in range(3):
            connection.send(request("POST", f"{BASE}/orders/email", service.bearer() | LARGE_HEADERS | upgrade, order))
            assert (await connection.answer()).status == 202


async def test_every_answer_says_that_it_is_what_its_type_says(service: Service) -> None:
    for answer in (
        await service.post("/orders/email", EMAIL_ORDER),
        await service.post("/orders/email", {}),
        await service.client.get("/nowhere"),
        await service.client.get("/dev/inbox", headers={"Accept": "text/html"}),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_who_goes_away_in_the_middle_leaves_nothing(service: Service) -> None:
    whole = json.dumps(EMAIL_ORDER).encode()
    async with connected(service.port) as connection:
        headers = service.bearer() | LARGE_HEADERS | {"Content-Length": str(len(whole)), "Expect": "100-continue"}
        connection.send(request("POST", f"{BASE}/orders/email", headers), whole[:-1])
        assert (await connection.answer()).status == 100
    assert (await service.client.get("/health")).status_code == 200
    assert await service.stored() == 0


async def test_texts_of_any_length_and_script_come_back_as_they_were(service: Service) -> None:
    """No limit on texts (api.md 5, item 28); only newlines of a subject change."""
    odd = "æøå 😀 \u202e \u0001\u007f 'quoted' \"double\" \\ </script> $1 {0} %s " + "lang " * 20_000
    order = {
        **ORDER,
        "sendersReference": odd[:2_000],
        "emailTemplate": {"subject": "a\r\nb\rc\nd", "body": odd, "fromAddress": "no address"},
        "smsTemplate": {"body": odd, "senderNumber": " spaced "},
        "resourceId": " free text ",
    }
    order_id = await service.accepted("/orders", order)
    shown = await service.document(f"/orders/{order_id}")
    assert shown["emailTemplate"] == order["emailTemplate"] | {"subject": "a b c d", "contentType": "Plain"}
    assert shown["smsTemplate"] == order["smsTemplate"]
    assert (shown["sendersReference"], shown["resourceId"]) == (odd[:2_000], " free text ")
    found = await service.document("/orders", params={"sendersReference": odd[:2_000]})
    assert found == {"count": 1, "orders": [shown]}
