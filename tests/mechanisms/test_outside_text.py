"""Text from outside, made fit to be stored."""

from hypothesis import example, given
from hypothesis import strategies as st

from varsel.mechanisms.outside_text import bounded_key, storable

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20).map(lambda text: text * 20)


@given(TEXTS, st.integers(0, 300))
@example("\0\ud800a", 3)
def test_what_is_stored_is_the_beginning_without_what_cannot_be(text: str, longest: int) -> None:
    kept = storable(text, longest)
    assert len(kept) <= longest
    assert "\0" not in kept
    assert kept.encode() == text[:longest].replace("\0", "").encode(errors="ignore")


@given(TEXTS, TEXTS)
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
