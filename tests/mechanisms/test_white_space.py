"""White space is what Unicode calls so, and nothing else."""

import sys

import pytest

from varsel.mechanisms.white_space import WHITE_SPACE, is_blank, trimmed

SEPARATORS = "\x1c\x1d\x1e\x1f"
"""Control characters that Python takes for white space and Unicode does not."""


def test_it_differs_from_pythons_in_four_characters_only() -> None:
    pythons = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    assert set(WHITE_SPACE) == pythons - set(SEPARATORS)


@pytest.mark.parametrize("text", [None, "", " ", "\t\r\n", "\u2003\u3000", "\x85 "])
def test_blank(text: str | None) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " a ", *SEPARATORS, " \x1c ", "\u200b"])
def test_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_trimming_stops_at_what_is_no_white_space() -> None:
    assert trimmed(" \u2003\x1c a \x1f\t\n") == "\x1c a \x1f"
    assert trimmed(" \t ") == ""
