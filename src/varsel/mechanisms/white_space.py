"""White space as Unicode defines it (property White_Space, PropList.txt).

Python's own `str.strip` and `str.isspace` also count the control characters U+001C to U+001F, which Unicode, and the
service whose interface we share, do not.
"""

from typing import Final

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""All 25 characters."""


def trimmed(text: str) -> str:
    """Return `text` without the white space around it."""
    return text.strip(WHITE_SPACE)


def is_blank(text: str | None) -> bool:
    """Tell whether there is no text, or nothing but white space in it."""
    return not text or (text.isspace() and not text.strip(WHITE_SPACE))
