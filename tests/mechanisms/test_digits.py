"""Whole numbers that others wrote in digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.digits import read_digits


@given(st.integers(0, 10**18 - 1))
def test_digits_are_read(number: int) -> None:
    assert read_digits(str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1 ", "1_0", "٤٢", "²", "1.0", "1e3", "1" * 19, "1" * 5_000])
def test_anything_else_is_no_number(text: str) -> None:
    assert read_digits(text) is None


@given(st.text())
def test_no_text_fails(text: str) -> None:
    assert read_digits(text) is None or text.isdigit()
