"""Whatever is sent, the reader answers with a value or with the contract's errors, nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reading import errors_of, order_of
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, SmsOrderRequest, V1Request
from varsel.model.orders import unpack_recipients

SHAPES = [OrderRequest, EmailOrderRequest, SmsOrderRequest]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Email", "Html", "2026-05-04T09:30:00Z", "+4799999999", "kari@example.com", "16069412345"])
)
names = st.text(max_size=5) | st.sampled_from(
    [
        "sendersReference", "requestedSendTime", "conditionEndpoint", "recipients", "ignoreReservation", "resourceId",
        "resourceAction", "subject", "body", "contentType", "senderNumber", "notificationChannel", "emailTemplate",
        "smsTemplate", "emailAddress", "MOBILENUMBER", "organizationNumber", "nationalIdentityNumber", "isReserved",
    ]
)  # fmt: skip
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=25
)


def assert_contract(shape: type[V1Request], body: bytes) -> None:
    """Read a body; whatever is wrong with it must be told by the keys of api.md 1.7."""
    found = errors_of(shape, body)
    assert all(messages and all(messages) for messages in found.values())
    unreadable = [key for key in found if key.startswith("$") or key == ""]
    if shape.parameter in found:
        assert len(unreadable) == 1
        assert len(found) == 2
    else:
        assert not unreadable
        assert all(key[0].isupper() for key in found)


@pytest.mark.parametrize("shape", SHAPES)
@given(document=documents)
def test_any_json(shape: type[V1Request], document: Any) -> None:
    assert_contract(shape, json.dumps(document).encode())


@pytest.mark.parametrize("shape", SHAPES)
@given(document=st.dictionaries(names, documents, max_size=8))
def test_any_object(shape: type[V1Request], document: Any) -> None:
    assert_contract(shape, json.dumps(document).encode())


@given(body=st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    assert_contract(OrderRequest, body)


@given(text=st.text(alphabet='{}[]",:\\ u0d8\n-1.etrufalsn', max_size=60))
def test_anything_that_looks_like_json(text: str) -> None:
    assert_contract(EmailOrderRequest, text.encode())


VALID = json.dumps(
    {
        "sendersReference": "case-2026-0042",
        "requestedSendTime": "2026-05-04T11:30:00+02:00",
        "notificationChannel": "EmailPreferred",
        "recipients": [{"nationalIdentityNumber": "16069412345"}, {"emailAddress": "kari@example.com"}],
        "emailTemplate": {"subject": "New letter", "body": "You have a letter."},
        "smsTemplate": {"senderNumber": "TTD", "body": "You have a letter."},
    }
).encode()


@given(st.integers(0, len(VALID) - 1), st.integers(0, len(VALID)), st.binary(max_size=3))
def test_a_spoilt_order(start: int, length: int, patch: bytes) -> None:
    assert_contract(OrderRequest, VALID[:start] + patch + VALID[start + length :])


storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not text.isspace()
)


@given(
    reference=storable,
    body=storable,
    sender=storable,
    numbers=st.lists(st.from_regex(r"[0-9]{11}", fullmatch=True), min_size=1, max_size=20),
    ascii_only=st.booleans(),
)
def test_any_valid_order_becomes_what_it_says(
    reference: str, body: str, sender: str, numbers: list[str], ascii_only: bool
) -> None:
    recipients = [{"nationalIdentityNumber": number} for number in numbers]
    document = {"sendersReference": reference, "recipients": recipients, "body": body, "senderNumber": sender}
    order = order_of(SmsOrderRequest, json.dumps(document, ensure_ascii=ascii_only).encode())
    assert order.senders_reference == reference
    assert order.texts.sms is not None
    assert (order.texts.sms.body, order.texts.sms.sender_number) == (body, sender)
    stored = [recipient.national_identity_number for part in order.recipients for recipient in unpack_recipients(part)]
    assert stored == numbers
