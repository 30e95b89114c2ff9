"""The hash that tells whether a replay says what the first request said."""

import json
from typing import Any

import pytest

from tests.support.future_bodies import (
    BODIES,
    CHAIN,
    COMPOSED,
    INSTANT,
    INSTANT_EMAIL,
    INSTANT_SMS,
    chain_from,
    changed,
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


def fingerprint(shape: type[FutureRequest], document: Any) -> bytes:
    return chain_from(shape, document).request_hash


def reversed_members(value: Any) -> Any:
    """Return a document with the members of every object in opposite order."""
    if isinstance(value, dict):
        return {name: reversed_members(item) for name, item in reversed(value.items())}
    return [reversed_members(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("count", [15, 16, 17, 40])
def test_many_reminders_are_hashed_alike_too(count: int) -> None:
    reminders = [CHAIN["reminders"][0] | {"delayDays": day} for day in range(1, count + 1)]
    document = CHAIN | {"reminders": reminders}
    expected = fingerprint(ChainRequest, document)
    assert fingerprint(ChainRequest, reversed_members(document) | {"reminders": reminders}) == expected
    assert fingerprint(ChainRequest, document | {"reminders": reminders[::-1]}) != expected
    assert fingerprint(ChainRequest, document | {"reminders": reminders[1:]}) != expected


@pytest.mark.parametrize("shape", BODIES)
def test_it_is_the_same_however_the_body_is_laid_out(shape: type[FutureRequest]) -> None:
    document = BODIES[shape]
    expected = fingerprint(shape, document)
    assert len(expected) == 32
    assert fingerprint(shape, json.dumps(document, indent=4).encode()) == expected
    assert fingerprint(shape, reversed_members(document)) == expected
    assert fingerprint(shape, document | {"unknown": 1}) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("requestedSendTime", "2026-05-04T09:30:00Z"),
        (f"{PERSON}.channelSchema", 3),
        (f"{PERSON}.emailSettings.contentType", "Plain"),
        (f"{PERSON}.smsSettings.sendingTimePolicy", "daytime"),
        (f"{PERSON}.smsSettings.sender", None),
        (f"{PERSON}.ignoreReservation", False),
        ("recipient.recipientSms", None),
        ("reminders[0].delayDays", "7"),
    ],
)
def test_it_is_the_same_for_values_that_mean_the_same(path: str, value: Any) -> None:
    assert fingerprint(ChainRequest, changed(CHAIN, path, value)) == fingerprint(ChainRequest, CHAIN)


@pytest.mark.parametrize(
    ("shape", "path"), [(ChainRequest, "reminders"), (ComposedRequest, "recipient.emailSettings.attachments")]
)
def test_absent_null_and_empty_arrays_mean_the_same(shape: type[FutureRequest], path: str) -> None:
    document = BODIES[shape]
    found = {
        fingerprint(shape, lacking(document, path)),
        fingerprint(shape, changed(document, path, None)),
        fingerprint(shape, changed(document, path, [])),
    }
    assert len(found) == 1
    assert found != {fingerprint(shape, document)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("idempotencyId", "case-43"),
        ("sendersReference", "other"),
        ("requestedSendTime", "2026-05-04T09:30:00.0000001Z"),
        ("conditionEndpoint", None),
        ("dialogportenAssociation.transmissionId", "other"),
        (f"{PERSON}.nationalIdentityNumber", "16069412346"),
        (f"{PERSON}.emailSettings.body", "You have a letter. "),
        ("reminders[0].delayDays", 8),
        ("reminders[0].recipient.recipientEmail.emailAddress", "ola@example.com"),
    ],
)
def test_it_differs_where_the_content_differs(path: str, value: Any) -> None:
    assert fingerprint(ChainRequest, changed(CHAIN, path, value)) != fingerprint(ChainRequest, CHAIN)


def test_it_differs_for_reminders_in_another_order() -> None:
    (first,) = CHAIN["reminders"]
    second = first | {"delayDays": 14}
    assert fingerprint(ChainRequest, CHAIN | {"reminders": [first, second]}) != fingerprint(
        ChainRequest, CHAIN | {"reminders": [second, first]}
    )


def test_it_does_not_depend_on_creator_or_ids() -> None:
    found = {chain_from(ChainRequest, CHAIN, creator).request_hash for creator in ("ttd", "skd", "ttd")}
    assert len(found) == 1


def test_it_is_the_same_for_both_forms_of_an_instant_sms_and_differs_from_an_e_mail_s() -> None:
    sms = fingerprint(InstantSmsRequest, INSTANT_SMS)
    assert fingerprint(InstantRequest, INSTANT) == sms
    assert fingerprint(InstantEmailRequest, INSTANT_EMAIL | {"idempotencyId": INSTANT_SMS["idempotencyId"]}) != sms


def test_it_stays_the_same_from_one_version_to_the_next() -> None:
    # Hashes are stored, so a change here would make every replay look different from its first request.
    assert fingerprint(ChainRequest, CHAIN).hex() == "c1cadc91217809d3466f5d4864d99a32a914ba8ce46e1877611c2f2c3439b472"
    assert (
        fingerprint(ComposedRequest, COMPOSED).hex()
        == "8f65ea413ebeae267d4b02b37783addae6dfc225bd92f1d397964ac7e7268a42"
    )
