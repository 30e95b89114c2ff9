"""The query of the status feed (api.md 3.14; checklist 6.3, GET feed)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.intake.shapes import Invalid
from varsel.intake.wire_future import FeedQuery, read_feed_query


def keys(*pairs: tuple[str, str]) -> set[str]:
    try:
        read_feed_query(pairs)
    except Invalid as invalid:
        return set(invalid.errors)
    return set()


def test_defaults() -> None:
    assert read_feed_query([]) == FeedQuery(seq=0, page_size=500, descending=False)


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("104217", 104217), (" 7 ", 7), ("+7", 7), ("9223372036854775807", 2**63 - 1)]
)
def test_sequence_numbers(text: str, number: int) -> None:
    assert read_feed_query([("seq", text)]).seq == number


@pytest.mark.parametrize("text", ["-1", "", "x", "1.0", "9223372036854775808", "1e3", "1,2"])
def test_other_sequence_numbers(text: str) -> None:
    assert keys(("seq", text)) == {"Seq"}


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("0", 1), ("-1", 1), ("500", 500), ("501", 500), ("2147483647", 500), ("17", 17)]
)
def test_page_sizes_are_cut_to_what_is_allowed(text: str, size: int) -> None:
    assert read_feed_query([("pageSize", text)]).page_size == size


@pytest.mark.parametrize("text", ["x", "2147483648", "1.5"])
def test_page_sizes_that_are_no_integers(text: str) -> None:
    assert keys(("pageSize", text)) == {"PageSize"}


def test_a_setting_bounds_the_page() -> None:
    assert read_feed_query([], largest_page=100).page_size == 100
    assert read_feed_query([("pageSize", "1000")], largest_page=800).page_size == 800


@pytest.mark.parametrize(
    ("text", "descending"), [("asc", False), ("ASC", False), ("0", False), ("desc", True), ("DESC", True), ("1", True)]
)
def test_directions(text: str, descending: bool) -> None:
    assert read_feed_query([("orderBy", text)]).descending is descending


@pytest.mark.parametrize("text", ["x", "", "2", "descending", "asc,desc"])
def test_other_directions(text: str) -> None:
    assert keys(("orderBy", text)) == {"OrderBy"}


def test_names_match_in_any_case_and_the_first_counts() -> None:
    query = read_feed_query([("SEQ", "1"), ("seq", "2"), ("pagesize", "3"), ("ORDERby", "1"), ("other", "x")])
    assert query == FeedQuery(seq=1, page_size=3, descending=True)


def test_all_errors_are_told_together() -> None:
    assert keys(("seq", "-1"), ("pageSize", "x"), ("orderBy", "x")) == {"Seq", "PageSize", "OrderBy"}


@given(st.lists(st.tuples(st.sampled_from(["seq", "pageSize", "orderBy", "x"]), st.text()), max_size=4))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    refused = keys(*pairs)
    assert refused <= {"Seq", "PageSize", "OrderBy"}
    if not refused:
        query = read_feed_query(pairs)
        assert query.seq >= 0
        assert 1 <= query.page_size <= 500
