"""How many SMS a text becomes, and where it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.gsm7 import BASIC, EXTENSION, fits_gsm7
from varsel.notifications.sms_parts import Alphabet, SmsLength, measure, split

BERRY = "\U0001f353"


def test_the_alphabet_has_its_127_and_10_characters() -> None:
    assert (len(BASIC), len(EXTENSION), len(BASIC & EXTENSION)) == (127, 10, 0)


@pytest.mark.parametrize("character", ["æ", "Ø", "å", "€", "[", "\n", "@", "Ω", "à"])
def test_characters_inside_the_alphabet(character: str) -> None:
    assert fits_gsm7(character)


@pytest.mark.parametrize("character", ["`", "ç", "á", "\t", "\x1b", "\u2019", "Ж", BERRY, "\u00a0"])
def test_characters_outside_the_alphabet(character: str) -> None:
    assert not fits_gsm7(character)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("", 0, 1),
        ("å" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        # 152 septets, then a pair that does not fit in the one place left
        ("€" * 76 + "€" * 76, 304, 2),
        ("€" * 153, 306, 3),
        ("a" * 152 + "€" + "a" * 152, 306, 3),
        ("a" * 151 + "€" + "a" * 153, 306, 2),
    ],
)
def test_gsm7(text: str, units: int, parts: int) -> None:
    assert measure(text) == SmsLength(Alphabet.GSM7, units, parts)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("Ж" * 70, 70, 1),
        ("Ж" * 71, 71, 2),
        ("Ж" * 134, 134, 2),
        ("Ж" * 135, 135, 3),
        (BERRY * 35, 70, 1),
        (BERRY * 36, 72, 2),
        (BERRY * 66, 132, 2),
        (BERRY * 67, 134, 3),
        ("a" * 69 + "ç", 70, 1),
        ("ç" * 66 + BERRY + "ç" * 66, 134, 3),
    ],
)
def test_ucs2(text: str, units: int, parts: int) -> None:
    assert measure(text) == SmsLength(Alphabet.UCS2, units, parts)


def test_pairs_are_not_cut_in_two() -> None:
    assert split("a" * 152 + "€" + "a" * 10) == ("a" * 152, "€" + "a" * 10)
    assert split("ç" * 66 + BERRY + "ç" * 3) == ("ç" * 66, BERRY + "ç" * 3)


@given(st.text(alphabet=sorted(BASIC | EXTENSION), max_size=700) | st.text(max_size=300))
def test_parts_join_to_the_text_and_each_fits(text: str) -> None:
    whole, parts = measure(text), split(text)
    room = {Alphabet.GSM7: (160, 153), Alphabet.UCS2: (70, 67)}[whole.alphabet][len(parts) > 1]
    assert "".join(parts) == text
    assert len(parts) == whole.parts
    assert all(_units(part, whole.alphabet) <= room for part in parts)


def _units(part: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.UCS2:
        return len(part.encode("utf-16-be", "surrogatepass")) // 2
    return len(part) + sum(part.count(character) for character in EXTENSION)
