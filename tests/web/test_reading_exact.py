"""What the reader of plainly spelled bodies takes, the patient reader takes too, and reads as the same."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.future_bodies import BODIES
from tests.support.reading import finish
from tests.support.service import EMAIL_ORDER
from tests.web.test_reading_future_fuzz import bodies
from tests.web.test_reading_fuzz import SHAPES, documents, names
from tests.web.test_web_addresses import NO_WEB_ADDRESS, READABLE, UNREADABLE
from varsel.intake.shapes import Invalid, Shape, check, read_body, reader_of
from varsel.intake.shapes.exact import exact_reader
from varsel.intake.wire_future import ChainRequest, FutureRequest, fingerprint
from varsel.intake.wire_future.foundation import Circumstances
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, V1Request
from varsel.intake.wire_v1.recipients import Circumstances as V1Circumstances

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

PLACES = [b" ", b"\t\n", b"", b'"x": 1, ', b'"x": [{"y": null}], ']
SPELLINGS = [
    (b'"Plain"', b'"plain"'),
    (b'"Plain"', b"0"),
    (b"7", b'"7"'),
    (b"7", b"7.0"),
    (b'"body"', b'"BODY"'),
    (b'"subject"', b'"subject": 1, "subject"'),
    (b'"subject"', b'"subject": "earlier", "subject"'),
    (b"a", b"\\u0061"),
    (b"a", b"\\u0000"),
    (b"a", b"\\ud83d\\ude00"),
    (b"a", b"\\ud83d"),
    (b"a", "æ".encode()),
    (b"a", b"\xff"),
    (b"null", b"nul"),
]


def circumstances(value: Any) -> Any:
    if isinstance(value, FutureRequest):
        return Circumstances(NOW, value.send_time(NOW))
    return V1Circumstances.of(NOW, value.scheme)


def contents(value: Any) -> Any:
    """Everything a value holds, the names of its classes aside."""
    return msgspec.to_builtins(value)


def patiently(shape: type[Shape], body: bytes) -> Any:
    """Return what the patient reader makes of a body, None if it refuses it."""
    try:
        value = finish(read_body(shape, body, "request"))
        finish(check(value, circumstances(value)))
    except Invalid:
        return None
    return value


def assert_agreed(shape: type[Shape], body: bytes) -> bool:
    """Compare both readers; tell whether the exact one took the body as right."""
    patient = patiently(shape, body)
    exact = exact_reader(shape).read(body)
    if exact is None:
        return False
    sound = reader_of(shape).is_sound(exact, circumstances(exact))
    assert sound == (patient is not None)
    if sound:
        assert isinstance(exact, shape)
        assert contents(exact) == contents(patient)
        if isinstance(exact, FutureRequest):
            assert finish(fingerprint(exact)) == finish(fingerprint(patient))
    return sound


@settings(max_examples=300, deadline=None)
@given(bodies())
def test_the_newer_interface(drawn: tuple[type[FutureRequest], Any]) -> None:
    shape, document = drawn
    assert_agreed(shape, json.dumps(document).encode())


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None)
@given(document=st.dictionaries(names, documents, max_size=8))
def test_the_older_interface(shape: type[V1Request], document: Any) -> None:
    assert_agreed(shape, json.dumps(document).encode())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(BODIES)), st.sampled_from(SPELLINGS), st.integers(0, 40), st.sampled_from(PLACES))
def test_other_spellings(shape: type[FutureRequest], spelling: tuple[bytes, bytes], place: int, between: bytes) -> None:
    body = json.dumps(BODIES[shape]).encode()
    plain, other = spelling
    pieces = body.split(plain)
    at = place % max(1, len(pieces) - 1)
    changed = plain.join(pieces[: at + 1]) + other + plain.join(pieces[at + 1 :]) if len(pieces) > 1 else body
    commas = changed.split(b", ")
    at = place % len(commas)
    assert_agreed(shape, b", ".join(commas[:at]) + b", " + between + b", ".join(commas[at:]) if at else changed)


@given(st.sampled_from(list(BODIES)), st.data())
def test_spoilt_bytes(shape: type[FutureRequest], data: st.DataObject) -> None:
    body = json.dumps(BODIES[shape]).encode()
    start = data.draw(st.integers(0, len(body) - 1))
    patch = data.draw(st.binary(max_size=3))
    assert_agreed(shape, body[:start] + patch + body[start + data.draw(st.integers(0, 3)) :])


@pytest.mark.parametrize("shape", list(BODIES))
def test_what_clients_send_is_read_in_one_go(shape: type[FutureRequest]) -> None:
    assert assert_agreed(shape, json.dumps(BODIES[shape]).encode())


def test_orders_are_read_in_one_go() -> None:
    order = {
        "sendersReference": "case-2026-0042",
        "requestedSendTime": "2026-05-04T11:30:00+02:00",
        "notificationChannel": "EmailPreferred",
        "ignoreReservation": False,
        "recipients": [{"nationalIdentityNumber": "16069412345"}, {"emailAddress": "kari@example.com"}],
        "emailTemplate": {"subject": "New letter", "body": "You have a letter.", "contentType": "Html"},
        "smsTemplate": {"senderNumber": "TTD", "body": "You have a letter."},
    }
    assert assert_agreed(OrderRequest, json.dumps(order).encode())
    email = {"recipients": [{"emailAddress": "kari@example.com"}], "subject": "New letter", "body": "Log in."}
    assert assert_agreed(EmailOrderRequest, json.dumps(email).encode())


@pytest.mark.parametrize("address", [*UNREADABLE, *(address for address, _ in READABLE), *NO_WEB_ADDRESS])
def test_both_judge_addresses_alike(address: str) -> None:
    for shape, body in ((EmailOrderRequest, EMAIL_ORDER), (ChainRequest, BODIES[ChainRequest])):
        assert_agreed(shape, json.dumps({**body, "conditionEndpoint": address}).encode())


@pytest.mark.parametrize("text", ["", " ", "\x1c", "\x1f ", "\u2003", "\x85", "\u200b"])
def test_both_judge_blanks_alike(text: str) -> None:
    for name in ("subject", "body", "sendersReference", "resourceId", "resourceAction"):
        assert_agreed(EmailOrderRequest, json.dumps({**EMAIL_ORDER, name: text}).encode())
    assert_agreed(OrderRequest, json.dumps({"recipients": [{"emailAddress": text}], "sendersReference": text}).encode())


def test_large_bodies_are_left_to_the_patient_reader() -> None:
    large = BODIES[ChainRequest] | {"sendersReference": "x" * 40_000}
    assert exact_reader(ChainRequest).read(json.dumps(large).encode()) is None
