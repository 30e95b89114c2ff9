"""Texts from outside: what a database can hold passes unchanged, all else is made to fit."""

from hypothesis import example, given
from hypothesis import strategies as st

from varsel.mechanisms.text import bounded_key, is_storable, storable

texts = st.text(alphabet=st.characters(codec=None), max_size=40) | st.text(max_size=40)
lengths = st.integers(0, 50)
repeated = st.text(st.characters(exclude_categories=[]), max_size=20).map(lambda text: text * 20)


@given(texts, lengths)
def test_whatever_comes_is_storable_afterwards(text: str, longest: int) -> None:
    kept = storable(text, longest)
    assert is_storable(kept, longest)
    assert kept.encode().decode() == kept
    assert "\0" not in kept


@given(texts, lengths)
def test_what_is_storable_is_not_changed(text: str, longest: int) -> None:
    assert (storable(text, longest) == text) == is_storable(text, longest)


def test_the_position_of_what_was_replaced_is_kept() -> None:
    assert storable("a\0b\ud800c\U0001f600", 10) == "a\ufffdb\ufffdc\U0001f600"


@given(repeated, repeated)
@example("\ud800", "\udc00")
@example("x" * 201, "x" * 202)
def test_keys_are_short_and_equal_for_equal_texts_only(one: str, other: str) -> None:
    assert len(bounded_key(one).encode()) <= 800
    assert "\0" not in bounded_key(one)
    assert (bounded_key(one) == bounded_key(other)) is (one == other)


def test_an_ordinary_reference_is_its_own_key() -> None:
    assert [bounded_key(text) for text in ("984342374", "blåbær", "", "x" * 200)] == [
        "984342374",
        "blåbær",
        "",
        "x" * 200,
    ]
