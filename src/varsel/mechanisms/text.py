"""Texts from outside, brought into a form that a database, a log and JSON can hold."""


def is_storable(text: str, longest: int) -> bool:
    """Tell whether `text` has at most `longest` characters, no NUL and no lone surrogate."""
    return len(text) <= longest and "\0" not in text and (text.isascii() or _is_encodable(text))


def storable(text: str, longest: int) -> str:
    """Return `text` cut to `longest` characters, with U+FFFD for each NUL and each lone surrogate."""
    if is_storable(text, longest):
        return text
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text[:longest])


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
