"""Whole numbers that others wrote in digits."""

_MOST = 18
"""Digits that are read at most; every such number fits into 64 bits. Python refuses to convert more than 4,300."""


def read_digits(text: str) -> int | None:
    """Return the number that `text` writes in ASCII digits alone; None if it does not, or in too many of them."""
    return int(text) if len(text) <= _MOST and text.isascii() and text.isdigit() else None
