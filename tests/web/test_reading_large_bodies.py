"""Bodies larger than the window: read alike, in turns, and without being held (api.md 1.2, 1.3)."""

import asyncio
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reading import DEFAULTS, NOW, ORDER_ID, errors_of, finish, in_chunks, order_of, read, read_v1
from varsel.intake.shapes import Invalid, read_body
from varsel.intake.shapes.scanning import WINDOW
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, read_order, to_order
from varsel.model.orders import RECIPIENTS_PER_PART, unpack_recipients

TEXTS = {"subject": "s", "body": "b"}


def spread(document: Any) -> bytes:
    """Write a document with so much space between its parts that none fits the window."""
    gap = " " * WINDOW
    return json.dumps(document, separators=(gap + "," + gap, gap + ":" + gap)).encode()


def outcome(body: bytes) -> Any:
    """Return what a body is read as, or the keys of its errors."""
    try:
        request = read(EmailOrderRequest, body)
    except Invalid as invalid:
        return set(invalid.errors)
    return request


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "emailAddress"]), inner, max_size=2)
    ),
    max_leaves=5,
)
names = st.sampled_from(["recipients", "Recipients", "subject", "body", "contentType", "unknown", "sendersReference"])


@given(st.dictionaries(names, values, max_size=4))
def test_a_walked_body_reads_like_a_scanned_one(document: dict[str, Any]) -> None:
    assert outcome(spread(document)) == outcome(json.dumps(document).encode())


@given(st.dictionaries(names, values, max_size=3), st.integers(999, 200_000))
def test_where_the_connection_cuts_makes_no_difference(document: dict[str, Any], size: int) -> None:
    body = spread(document | {"note": "æ😀"})
    try:
        read_in_chunks: Any = finish(read_body(EmailOrderRequest, in_chunks(body, size), "request"))
    except Invalid as invalid:
        read_in_chunks = set(invalid.errors)
    assert read_in_chunks == outcome(body)


def many(count: int, **extra: Any) -> dict[str, Any]:
    recipients = [{"emailAddress": f"person{number}@example.com"} for number in range(count)]
    return {"recipients": recipients, **TEXTS, **extra}


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_many_recipients_keep_their_order_in_parts(separators: tuple[str, str]) -> None:
    count = 5 * RECIPIENTS_PER_PART + 1
    body = json.dumps(many(count, unknown=[{"a": [1, {}]}] * 5000), separators=separators).encode()
    order = order_of(EmailOrderRequest, body)
    assert order.recipient_count == count
    assert [len(unpack_recipients(part)) for part in order.recipients] == [RECIPIENTS_PER_PART] * 5 + [1]
    addresses = [recipient.email_address for part in order.recipients for recipient in unpack_recipients(part)]
    assert addresses == [f"person{number}@example.com" for number in range(count)]


@pytest.mark.parametrize("position", [0, 1, 4000, 4999])
def test_the_position_of_a_fault_is_exact(position: int) -> None:
    document = many(5000)
    document["recipients"][position] = {"emailAddress": 1}
    with pytest.raises(Invalid) as caught:
        read_v1(EmailOrderRequest, document)
    assert f"$.recipients[{position}].emailAddress" in caught.value.errors

    document["recipients"][position] = None
    assert set(errors_of(EmailOrderRequest, document)) == {f"Recipients[{position}]"}

    document["recipients"][position] = {"emailAddress": "nobody"}
    assert set(errors_of(EmailOrderRequest, document)) == {f"Recipients[{position}].EmailAddress"}


@pytest.mark.parametrize("spoil", ["]", "}", ",,", '"', "{", "nul", "\\"])
def test_malformed_json_deep_inside_a_large_body_is_refused(spoil: str) -> None:
    text = json.dumps(many(5000))
    middle = text.index("person2500") - len('{"emailAddress": "')
    found = errors_of(EmailOrderRequest, (text[:middle] + spoil + text[middle:]).encode())
    assert len(found) == 2
    assert all(key.startswith("$") or key == EmailOrderRequest.parameter for key in found)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9, 0.99999])
def test_a_large_body_that_ends_too_early_is_refused(cut: float) -> None:
    body = json.dumps(many(5000)).encode()
    found = errors_of(EmailOrderRequest, body[: int(len(body) * cut)])
    assert EmailOrderRequest.parameter in found


def test_a_large_text_is_read_whole() -> None:
    text = 'æ"\\\n' * 100_000
    order = order_of(EmailOrderRequest, many(1) | {"body": text})
    assert order.texts.email is not None
    assert order.texts.email.body == text


@pytest.mark.parametrize("levels", [31, 32])
def test_depth_is_counted_in_large_bodies_too(levels: int) -> None:
    deep = f"{'[' * levels}{'1234567,' * (WINDOW // 8 + 1)}1{']' * levels}"
    text = json.dumps(many(1))[:-1] + f', "unknown": {deep}}}'
    assert bool(errors_of(EmailOrderRequest, text.encode())) is (levels == 32)


async def test_others_get_their_turns_while_a_large_body_is_read() -> None:
    body = json.dumps(many(50_000)).encode()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    request = await read_order(EmailOrderRequest, body, NOW)
    await to_order(request, order_id=ORDER_ID, creator="ttd", now=NOW, defaults=DEFAULTS)
    task.cancel()
    assert turns > 10


async def test_a_large_order_takes_little_more_memory_than_its_recipients() -> None:
    count = 30_000
    one = b'{"nationalIdentityNumber":"%011d"}'
    head = b'{"recipients":['
    tail = (
        b'],"notificationChannel":"SmsPreferred","emailTemplate":{"subject":"s","body":"b"},"smsTemplate":{"body":"b"}}'
    )
    body = head + b",".join(one % number for number in range(count)) + tail
    warm = await read_order(OrderRequest, head + one % 1 + tail, NOW)
    await to_order(warm, order_id=ORDER_ID, creator="ttd", now=NOW, defaults=DEFAULTS)

    tracemalloc.start()
    try:
        request = await read_order(OrderRequest, in_chunks(body, 65_536), NOW)
        order = await to_order(request, order_id=ORDER_ID, creator="ttd", now=NOW, defaults=DEFAULTS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert order.recipient_count == count
    assert peak < 2.5 * len(body)
