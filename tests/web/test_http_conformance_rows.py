"""The cross-cutting rows of the conformance checklist (api.md 6.2) on the newer interface; names end with the row.

On the v1 interface: C1 to C8 and C15 in tests/web/test_http_bodies.py, C9 to C14 in tests/web/test_http_examination.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.support.future_bodies import EMAIL, EXTERNAL, ORGANIZATION, PERSON, SMS, changed, lacking
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import rsa_key, signed
from tests.support.placing import (
    BODIES,
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    Placed,
    errors_of,
    feed,
    instant_sms,
    person,
    place,
    placed,
    refused,
    shipment,
)
from tests.support.rules import PARTIES_KNOWN
from tests.support.service import BASE, CREATE, EMAIL_ORDER, Service, holds_null, write_directory

PARAMETERS = dict.fromkeys(BODIES, "request") | {
    CHAIN_PATH: "notificationOrderRequest",
    COMPOSED_PATH: "orderRequest",
}
RESERVED = "26069412346"
ID = "6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01"


def required(parameter: str) -> list[str]:
    """Return what is told of a parameter, a body that could not be read."""
    return [f"The {parameter} field is required."]


async def post_text(service: Service, path: str, text: str) -> httpx.Response:
    """Post a body as it is written here."""
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE]) | {"Content-Type": "application/json"}
    return await service.client.post(BASE + path, content=text.encode(), headers=headers)


def shouted(document: Any) -> Any:
    """Return the document with every member's name in capitals, and a stranger in every object."""
    if isinstance(document, dict):
        return {name.upper(): shouted(value) for name, value in document.items()} | {"stranger": {"a": [None]}}
    return [shouted(value) for value in document] if isinstance(document, list) else document


@pytest.mark.parametrize("path", BODIES)
async def test_names_in_any_case_strangers_and_repetitions_c1(service: Service, path: str) -> None:
    written = json.dumps(shouted(BODIES[path]))
    for text, reference in (
        (written[:-1] + ', "sendersReference": "first", "SENDERSreference": "last"}', "last"),
        (written[:-1] + ', "sendersReference": "first", "sendersReference": null}', None),
    ):
        answer = await post_text(service, path, text.replace('"IDEMPOTENCYID": "', f'"IDEMPOTENCYID": "{reference}'))
        assert answer.status_code == 201, answer.text
        assert answer.json()["notification"].get("sendersReference") == reference
    for malformed in (written[:-1] + ",}", "/* no */" + written, written + "// no", written.replace("]", ",]", 1)):
        errors = await refused(service, path, malformed.encode())
        assert errors.pop(PARAMETERS[path]) == required(PARAMETERS[path])
        assert [key[:1] for key in errors] == ["$"]


async def test_nulls_are_never_written_and_empty_arrays_and_strings_are_c2(service: Service, tmp_path: Path) -> None:
    """In every document there is, of orders that say as little as they can."""
    reserved = {"persons": [{"nationalIdentityNumber": RESERVED, "isReserved": True}]}
    write_directory(tmp_path, reserved)
    told = await placed(service, {"idempotencyId": "1", "recipient": person(RESERVED), "reminders": []})
    waiting = await placed(service, {"idempotencyId": "2", "requestedSendTime": "2026-06-16T10:00Z", "recipient": SMS})
    await placed(service, instant_sms("+4799999999"), INSTANT_SMS_PATH)
    await service.rig.work()

    (entry,) = [each for each in await feed(service) if each["shipmentId"] == str(told.main)]
    assert [line["destination"] for line in entry["recipients"]] == [""]
    assert [line["destination"] for line in (await shipment(service, told.main))["recipients"]] == [""]
    assert (await shipment(service, waiting.main))["recipients"] == []
    assert (await service.document(f"/orders/{waiting.main}/notifications/sms"))["notifications"] == []
    assert (await service.document("/orders", params={"sendersReference": "none"}))["orders"] == []
    assert await feed(service, org="nobody") == []
    for order_id in (told.main, waiting.main):
        for path in (f"/orders/{order_id}", f"/orders/{order_id}/status", f"/orders/{order_id}/notifications/email"):
            await service.document(path)  # holds it to the row
    for answer in (
        await place(service, CHAIN_PATH, CHAIN | {"idempotencyId": "1"}),
        await place(service, CHAIN_PATH, {}),
        await place(service, CHAIN_PATH, CHAIN | {"recipient": person("06069412347")}),
        await service.put(f"/orders/{ID}/cancel"),
        await service.get(f"/future/shipment/{ID}"),
        await service.get("/future/shipment/feed"),
    ):
        assert not holds_null(answer.json())


NO_NAMES: list[Any] = ["Pigeon", "", "Email,Sms", True, 1.5, []]


async def test_enumerations_by_name_number_and_numeric_string_c3(service: Service, tmp_path: Path) -> None:
    write_directory(tmp_path, PARTIES_KNOWN)
    scheme, content = "recipient.recipientPerson.channelSchema", "recipient.recipientPerson.emailSettings.contentType"
    body = CHAIN | {"recipient": PERSON}
    for number, written in enumerate(("EMAILANDSMS", " emailAndSms ", 4, "4")):
        told = await placed(service, changed(body, scheme, written) | {"idempotencyId": str(number)})
        assert (await service.document(f"/orders/{told.main}"))["notificationChannel"] == "EmailAndSms"
    for number, written in enumerate(("HTML", " html", 1, "1")):
        told = await placed(service, changed(body, content, written) | {"idempotencyId": f"c{number}"})
        assert (await service.document(f"/orders/{told.main}"))["emailTemplate"]["contentType"] == "Html"
    for path in (scheme, content):
        for bad in NO_NAMES:
            errors = await refused(service, CHAIN_PATH, changed(body, path, bad))
            assert errors.keys() == {f"$.{path}", "notificationOrderRequest"}, bad


REMINDED = CHAIN | {"reminders": [{"delayDays": 1, "recipient": SMS}, {"delayDays": 1, "recipient": EMAIL}]}
MISSING: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    CHAIN_PATH: [
        (REMINDED, "", "idempotencyId"),
        (REMINDED, "", "recipient"),
        (REMINDED, "recipient.recipientEmail", "emailAddress"),
        (REMINDED, "recipient.recipientEmail", "emailSettings"),
        (REMINDED, "recipient.recipientEmail.emailSettings", "subject"),
        (REMINDED, "recipient.recipientEmail.emailSettings", "body"),
        (REMINDED, "reminders[1]", "recipient"),
        (REMINDED, "reminders[0].recipient.recipientSms", "phoneNumber"),
        (REMINDED, "reminders[0].recipient.recipientSms", "smsSettings"),
        (REMINDED, "reminders[0].recipient.recipientSms.smsSettings", "body"),
        (CHAIN | {"recipient": PERSON}, "recipient.recipientPerson", "nationalIdentityNumber"),
        (CHAIN | {"recipient": PERSON}, "recipient.recipientPerson", "channelSchema"),
        (CHAIN | {"recipient": PERSON}, "recipient.recipientPerson.smsSettings", "body"),
        (CHAIN | {"recipient": ORGANIZATION}, "recipient.recipientOrganization", "orgNumber"),
        (CHAIN | {"recipient": ORGANIZATION}, "recipient.recipientOrganization.emailSettings", "subject"),
        (CHAIN | {"recipient": EXTERNAL}, "recipient.recipientExternalIdentity", "externalIdentity"),
    ],
    COMPOSED_PATH: [
        (COMPOSED, "", "idempotencyId"),
        (COMPOSED, "", "recipient"),
        (COMPOSED, "recipient", "emailAddress"),
        (COMPOSED, "recipient", "emailSettings"),
        (COMPOSED, "recipient.emailSettings", "subject"),
        (COMPOSED, "recipient.emailSettings.attachments[0]", "filename"),
        (COMPOSED, "recipient.emailSettings.attachments[0]", "mimeType"),
        (COMPOSED, "recipient.emailSettings.attachments[0]", "sasUrl"),
    ],
    INSTANT_SMS_PATH: [
        (BODIES[INSTANT_SMS_PATH], "", "idempotencyId"),
        (BODIES[INSTANT_SMS_PATH], "", "recipientSms"),
        (BODIES[INSTANT_SMS_PATH], "recipientSms", "phoneNumber"),
        (BODIES[INSTANT_SMS_PATH], "recipientSms", "timeToLiveInSeconds"),
        (BODIES[INSTANT_SMS_PATH], "recipientSms", "smsSettings"),
        (BODIES[INSTANT_SMS_PATH], "recipientSms.smsSettings", "body"),
    ],
    INSTANT_EMAIL_PATH: [
        (BODIES[INSTANT_EMAIL_PATH], "", "recipientEmail"),
        (BODIES[INSTANT_EMAIL_PATH], "recipientEmail", "emailAddress"),
        (BODIES[INSTANT_EMAIL_PATH], "recipientEmail", "emailSettings"),
        (BODIES[INSTANT_EMAIL_PATH], "recipientEmail.emailSettings", "subject"),
        (BODIES[INSTANT_EMAIL_PATH], "recipientEmail.emailSettings", "body"),
    ],
    INSTANT_PATH: [
        (BODIES[INSTANT_PATH], "", "recipient"),
        (BODIES[INSTANT_PATH], "recipient", "recipientSms"),
        (BODIES[INSTANT_PATH], "recipient.recipientSms", "timeToLiveInSeconds"),
        (BODIES[INSTANT_PATH], "recipient.recipientSms.smsSettings", "body"),
    ],
}


def key_of(path: str) -> str:
    """Return the JSON path of what lies at `path`, of which the empty one is the whole."""
    return f"$.{path}" if path else "$"


@pytest.mark.parametrize("endpoint", MISSING)
async def test_a_missing_member_is_told_under_its_object_and_the_parameter_c4(service: Service, endpoint: str) -> None:
    """Named in the sentence, and alone: what lacks inside is found before what lacks outside (api.md 1.7, A1)."""
    parameter = PARAMETERS[endpoint]
    for body, holder, name in MISSING[endpoint]:
        incomplete = lacking(body, f"{holder}.{name}".lstrip("."))
        both = [incomplete, lacking(incomplete, "idempotencyId")] if holder else [incomplete]
        for document in both:
            errors = await refused(service, endpoint, document)
            assert errors.keys() == {key_of(holder), parameter}, (holder, name)
            assert errors[parameter] == required(parameter)
            (sentence,) = errors[key_of(holder)]
            assert name in sentence
    assert await service.stored() == 0


async def test_all_missing_members_of_one_object_are_named_at_once_c4(service: Service) -> None:
    errors = await refused(service, CHAIN_PATH, {"recipient": {"recipientEmail": {}}})
    assert errors.keys() == {"$.recipient.recipientEmail", "notificationOrderRequest"}
    (sentence,) = errors["$.recipient.recipientEmail"]
    assert "emailAddress" in sentence
    assert "emailSettings" in sentence


def broken(path: str) -> Iterator[Any]:
    """Give a body broken in each way: syntax, type, presence, and a rule."""
    body = BODIES[path]
    yield b"{"
    yield body | {"sendersReference": 1}
    yield body | {"idempotencyId": " "}
    if path in (CHAIN_PATH, COMPOSED_PATH):
        yield body | {"requestedSendTime": "2020-01-01T00:00:00"}


async def test_every_validation_problem_has_the_same_form_c7(service: Service) -> None:
    """`refused` and `errors_of` hold it to type, title, status, `traceId` and content type."""
    for path in BODIES:
        for body in broken(path):
            assert await refused(service, path, body)
    for path, key in (
        ("/future/shipment/feed?seq=-1", "Seq"),
        ("/orders/x", "id"),
        ("/orders/x/status", "id"),
        ("/orders/x/notifications/sms", "id"),
        ("/orders?sendersReference=", "sendersReference"),
    ):
        assert errors_of(await service.get(path)).keys() == {key}
    assert errors_of(await service.put("/orders/x/cancel")).keys() == {"id"}


GARBAGE: list[Any] = [
    *("", "soon", "15.06.2026", "2026-06-15 12:00:00Z", "2026-06-15t12:00:00Z", "2026-06-15T12:00:00z"),
    *(" 2026-06-15T12:00:00Z", "2026-06-15T12:00:00Z ", "2026-06-15T12Z", "2026-06-15T25:00:00Z"),
    *("2026-13-01T00:00:00Z", "2026-02-30", "2026-06-15T12:00:00.Z", "2026-06-15T12:00:00+2", "20260615T120000Z"),
    *(20260615, {}, True),
]


@pytest.mark.parametrize("path", [CHAIN_PATH, COMPOSED_PATH])
async def test_times_in_their_forms_are_shown_in_utc_c8(service: Service, path: str) -> None:
    for number, (written, shown) in enumerate(
        (
            ("2026-06-15T12:00:00Z", "2026-06-15T12:00:00Z"),
            ("2026-06-15T12:00:00+02:00", "2026-06-15T10:00:00Z"),
            ("2026-06-15T12:00:00+02", "2026-06-15T10:00:00Z"),
            ("2026-06-15T08:30-02:30", "2026-06-15T11:00:00Z"),
            ("2026-06-15T12:00Z", "2026-06-15T12:00:00Z"),
            ("2026-06-15T12:00:00.1234567Z", "2026-06-15T12:00:00.1234567Z"),
            ("2026-06-15T12:00:00.1234567890123456Z", "2026-06-15T12:00:00.1234567Z"),
        )
    ):
        told = await placed(service, BODIES[path] | {"idempotencyId": str(number), "requestedSendTime": written}, path)
        assert (await service.document(f"/orders/{told.main}"))["requestedSendTime"] == shown
        # A timestamp column keeps six digits (api.md 1.5).
        assert (await service.status(told.main))["requestedSendTime"] == shown.replace("4567Z", "456Z")


@pytest.mark.parametrize("path", [CHAIN_PATH, COMPOSED_PATH])
async def test_times_without_zone_break_a_rule_and_garbage_is_none_c8(service: Service, path: str) -> None:
    for unzoned in ("2026-06-16", "2026-06-16T12:00", "2026-06-16T12:00:00", "2026-06-16T12:00:00.1234567"):
        errors = await refused(service, path, BODIES[path] | {"requestedSendTime": unzoned})
        assert errors.keys() == {"RequestedSendTime"}, unzoned
    for garbage in GARBAGE:
        errors = await refused(service, path, BODIES[path] | {"requestedSendTime": garbage})
        assert errors.keys() == {"$.requestedSendTime", PARAMETERS[path]}, garbage
    assert await service.stored() == 0


async def test_times_of_reminders_are_read_alike_c8(service: Service) -> None:
    for number, written in enumerate(("2026-06-15T12:00+02", "2026-06-15T10:00:00.0000000Z")):
        reminder = {"recipient": EMAIL, "requestedSendTime": written}
        told = await placed(service, CHAIN | {"idempotencyId": str(number), "reminders": [reminder]})
        shown = await service.document(f"/orders/{told.reminders[0]}")
        assert shown["requestedSendTime"] == "2026-06-15T10:00:00Z"
    for garbage in GARBAGE:
        errors = await refused(
            service, CHAIN_PATH, CHAIN | {"reminders": [{"recipient": EMAIL, "requestedSendTime": garbage}]}
        )
        assert errors.keys() == {"$.reminders[0].requestedSendTime", "notificationOrderRequest"}, garbage


READS = (f"/orders/{ID}", f"/orders/{ID}/status", "/future/shipment/feed", f"/future/shipment/{ID}")


async def test_tokens_that_expired_or_never_expire_or_are_forged_are_401_c13(service: Service) -> None:
    good = service.issuer.token("ttd", scopes=[CREATE, COMPOSED_SCOPE])
    claims = jwt.decode(good, options={"verify_signature": False})
    kid, key = jwt.get_unverified_header(good)["kid"], rsa_key("local issuer")
    now = int(service.rig.clock.now().timestamp())
    tokens = {
        "control": signed(claims, key, kid=kid),
        "expired": signed(claims | {"exp": now - 60}, key, kid=kid),
        "without exp": signed({name: value for name, value in claims.items() if name != "exp"}, key, kid=kid),
        "null exp": signed(claims | {"exp": None}, key, kid=kid),
        "signed by another": signed(claims, rsa_key("another"), kid=kid),
        "changed afterwards": good.rpartition(".")[0].encode() + b"." + signed(claims | {"x": 1}, key).split(b".")[2],
    }
    for name, token in tokens.items():
        for header, value in (
            ("Authorization", f"Bearer {token.decode()}"),
            ("Cookie", f"AltinnStudioRuntime={token.decode()}"),
        ):
            shown = {header: value}
            answers = [await service.client.get(BASE + path, headers=shown) for path in READS]
            posts = [*BODIES.items(), ("/orders/email", EMAIL_ORDER)] if header == "Authorization" else []
            answers += [await service.client.post(BASE + path, json=body, headers=shown) for path, body in posts]
            statuses = {answer.status_code for answer in answers}
            assert statuses <= ({200, 201, 202, 404} if name == "control" else {401}), (name, header)
            assert name == "control" or not any(answer.content for answer in answers)


async def test_links_and_location_come_from_the_settings_c10(service: Service) -> None:
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE])
    headers |= {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "ftp"}
    for path in (CHAIN_PATH, COMPOSED_PATH, INSTANT_SMS_PATH, INSTANT_EMAIL_PATH):
        answer = await service.client.post(BASE + path, json=BODIES[path], headers=headers)
        told = Placed.told_by(answer)
        assert answer.headers["location"] == f"https://varsel.example.no{BASE}/orders/chain/{told.chain_id}"
        order = await service.client.get(f"{BASE}/orders/{told.main}", headers=headers)
        assert order.json()["links"]["self"] == f"https://varsel.example.no{BASE}/orders/{told.main}"
