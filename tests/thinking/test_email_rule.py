"""The e-mail rule as it is decided is the one regular expression of api.md 3.5."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from varsel.model import addresses
from varsel.model.addresses import EMAIL_PATTERN, is_email_address

PATTERN = re.compile(EMAIL_PATTERN)
PARTS = st.sampled_from(
    ["a", "Z9", "æ", ".", "..", "@", "-", "no", "example", "255", "/", '"', " ", ";", "+", "\n", "é"]
)


@given(st.lists(PARTS, max_size=9).map("".join) | st.emails())
@example("kari@example.com")
@example("@example.com")
@example("a@b@example.com")
@example("a@1.2.3.4")
@example("a@" + "b." * 10 + "no")
@example("a@" + "b" * 64 + ".no")
def test_long_addresses_are_decided_as_the_pattern_would(text: str) -> None:
    # Padding makes an address long without changing what is decided about it.
    padding = " " * addresses._EVERYDAY_LENGTH
    assert is_email_address(text + padding) == (PATTERN.fullmatch(text.strip()) is not None)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("x." * 2_000_000 + "x@example.com", True),
        ("x." * 2_000_000 + "@example.com", False),
        ("x" * 4_000_000, False),
        ("x@" + "a-" * 2_000_000, False),
        ("@" * 4_000_000, False),
    ],
)
def test_addresses_of_megabytes_are_decided(text: str, accepted: bool) -> None:
    assert is_email_address(text) is accepted
