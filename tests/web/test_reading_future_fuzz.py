"""Whatever is sent to the newer interface, it is accepted and becomes a chain, or it is `Invalid`; nothing else."""

import json
import string
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.future_bodies import BODIES, NOW, RECIPIENTS, SAS_URL, chain_of
from tests.support.reading import finish
from varsel.intake.shapes import Invalid
from varsel.intake.web_addresses import is_well_formed, read_web_address
from varsel.intake.wire_future import FutureRequest, read_request

_SHAPES = st.sampled_from(list(BODIES))
_AWKWARD = st.sampled_from(
    [
        "",
        " ",
        "\u00a0",
        "\ud800",
        "a\0b",
        "2026-05-04T09:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999Z",
        "2026-02-30",
        "https://example.no/%20",
        "https://[::1]/",
        "https://[/",
        "http://127.0.0.1/?se=0001-01-01&sp=r&sig=x&sr=b",
        SAS_URL.replace("2026-05-05", "9999-12-31"),
        SAS_URL.replace("2026-05-05T", "2026-05-05Tx"),
        "urn:altinn:person:idporten-email:%ff%fe",
        "urn:altinn:username:%",
        "+47" + "9" * 300,
        "+999",
        "@",
        "x.",
        "Anytime",
        "EmailAndSms",
        2**31,
        -(2**63),
        10**40,
        0,
        1,
        2,
        1.5,
        None,
        True,
    ]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | _AWKWARD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, max_size=8), inner),
    max_leaves=6,
)

Place = tuple[Any, Any]


def places(value: Any) -> Iterator[Place]:
    """Yield every container of a document with every key or index in it."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[type[FutureRequest], Any]:
    """Draw an endpoint's body, changed in up to three places."""
    shape = draw(_SHAPES)
    document = json.loads(json.dumps(BODIES[shape]))
    if "reminders" in document:
        document["recipient"] = json.loads(json.dumps(draw(st.sampled_from(RECIPIENTS))))
    for _ in range(draw(st.integers(0, 3))):
        found = list(places(document))
        if not found:
            break
        holder, key = draw(st.sampled_from(found))
        if draw(st.booleans()):
            holder[key] = draw(_ANYTHING)
        else:
            del holder[key]
    return shape, document


def outcome(shape: type[FutureRequest], body: bytes) -> str:
    try:
        request = finish(read_request(shape, body, NOW))
    except Invalid as invalid:
        return "refused" if invalid.errors and all(invalid.errors.values()) else "refused without a word"
    chain = chain_of(request, creator="skd")
    return "accepted" if len(chain.request_hash) == 32 else "accepted without a hash"


@settings(max_examples=250, deadline=None)
@given(bodies())
def test_changed_bodies(drawn: tuple[type[FutureRequest], Any]) -> None:
    shape, document = drawn
    assert outcome(shape, json.dumps(document).encode()) in ("accepted", "refused")


@settings(max_examples=100, deadline=None)
@given(_SHAPES, st.binary(max_size=60) | _ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_body(shape: type[FutureRequest], body: bytes) -> None:
    assert outcome(shape, body) == "refused"


@settings(max_examples=100, deadline=None)
@given(_SHAPES, st.data())
def test_truncated_bodies(shape: type[FutureRequest], data: st.DataObject) -> None:
    body = json.dumps(BODIES[shape]).encode()
    cut = data.draw(st.integers(0, len(body) - 1))
    assert outcome(shape, body[:cut]) == "refused"


@given(st.text("htps:/[].@%?#a1\\ \n", max_size=40) | st.text(max_size=40).map("https://".__add__))
def test_any_address_is_judged(text: str) -> None:
    address = read_web_address(text)
    assert is_well_formed(text) in (True, False)
    assert address is None or (address.host and "@" not in address.host and address.scheme.islower())
