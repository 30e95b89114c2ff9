"""Text from outside, made fit to be stored: bounded in length, and without what PostgreSQL's `text` cannot hold."""

import re
from hashlib import sha256

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""U+0000, and halves of surrogate pairs, which have no UTF-8."""


def storable(text: str, longest: int) -> str:
    """Return at most `longest` characters of `text`, those that cannot be stored left out."""
    return _UNSTORABLE.sub("", text[:longest])


def is_storable(text: str, longest: int) -> bool:
    """Tell whether `text` has at most `longest` characters, all of which can be stored."""
    return len(text) <= longest and _UNSTORABLE.search(text) is None


def bounded_key(text: str, longest: int = 200) -> str:
    """Return `text` if it is short and can be stored, otherwise a digest in its place.

    Equal texts have equal keys, and every key fits into an index, whose entries hold some 2,700 bytes. `longest` is in
    characters, which take four bytes at most.
    """
    if is_storable(text, longest):
        return text
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
