"""How many SMS a text becomes, and where it is cut (3GPP TS 23.038 section 6.2, TS 23.040 section 9.2.3.24.1).

A text that fits the GSM 7-bit alphabet is measured in septets, any other in 16-bit units. A text longer than one
message is cut into parts that give up six octets to the concatenation header. Neither an escaped septet pair nor a
surrogate pair is ever cut in two, so the last place of a part may stay empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from varsel.model.gsm7 import EXTENSION, fits_gsm7

_LAST_OF_BASIC_PLANE = "\uffff"


class Alphabet(StrEnum):
    """What the characters of an SMS are written in."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


_WHOLE = {Alphabet.GSM7: 160, Alphabet.UCS2: 70}
_PART = {Alphabet.GSM7: 153, Alphabet.UCS2: 67}

MOST_KEPT = 32_767
"""What the column holds; no gateway sends more than 255 parts (TS 23.040, section 9.2.3.24.1)."""


@dataclass(frozen=True, slots=True)
class SmsLength:
    """The size of a text as SMS: `units` are septets (GSM7) or 16-bit units (UCS2), `parts` the messages billed."""

    alphabet: Alphabet
    units: int
    parts: int


def measure(text: str) -> SmsLength:
    """Return alphabet, units and number of parts of `text`. An empty text is still one message."""
    alphabet = Alphabet.GSM7 if fits_gsm7(text) else Alphabet.UCS2
    units = _units(text, alphabet)
    if units <= _WHOLE[alphabet]:
        parts = 1
    elif units == len(text):  # nothing that must not be cut in two
        parts = -(-units // _PART[alphabet])
    else:
        parts = len(_starts(text, alphabet))
    return SmsLength(alphabet, units, parts)


def kept_parts(text: str) -> int:
    """Return the parts of `text` as they are kept with a notification; beyond `MOST_KEPT` it makes no difference."""
    surely_more = len(text) > MOST_KEPT * max(_PART.values())
    return MOST_KEPT if surely_more else min(measure(text).parts, MOST_KEPT)


def split(text: str) -> tuple[str, ...]:
    """Cut `text` into the parts it travels in; joined they are `text` again."""
    size = measure(text)
    if size.parts == 1:
        return (text,)
    starts = _starts(text, size.alphabet)
    return tuple(text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))


def _units(text: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.UCS2:
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text) if EXTENSION.isdisjoint(text) else sum(_widths(text, alphabet))


def _widths(text: str, alphabet: Alphabet) -> Iterator[int]:
    if alphabet is Alphabet.GSM7:
        return (2 if character in EXTENSION else 1 for character in text)
    return (2 if character > _LAST_OF_BASIC_PLANE else 1 for character in text)


def _starts(text: str, alphabet: Alphabet) -> list[int]:
    """Return the index of the first character of each part."""
    room = _PART[alphabet]
    starts, used = [0], 0
    for index, width in enumerate(_widths(text, alphabet)):
        if used + width > room:
            starts.append(index)
            used = 0
        used += width
    return starts
