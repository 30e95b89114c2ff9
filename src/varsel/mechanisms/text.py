"""Texts from outside, brought into a form that a database, an index, a log and JSON can hold."""

from hashlib import sha256


def is_storable(text: str, longest: int) -> bool:
    """Tell whether `text` has at most `longest` characters, no NUL and no lone surrogate."""
    return len(text) <= longest and "\0" not in text and (text.isascii() or _is_encodable(text))


def storable(text: str, longest: int) -> str:
    """Return `text` cut to `longest` characters, with U+FFFD for each NUL and each lone surrogate."""
    if is_storable(text, longest):
        return text
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text[:longest])


def bounded_key(text: str, longest: int = 200) -> str:
    """Return `text` if it is short and can be stored, otherwise a digest in its place.

    Equal texts have equal keys, and every key fits into an index, whose entries hold some 2,700 bytes. `longest` is in
    characters, which take four bytes at most.
    """
    if is_storable(text, longest):
        return text
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
