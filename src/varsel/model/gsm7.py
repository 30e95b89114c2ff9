"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, sections 6.2.1 and 6.2.1.1).

It stands among the shared words because two rooms ask about it: counting the parts of an SMS, and choosing the
encoding a gateway is told.
"""

_GREEK = "\u0394\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e"

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅå_ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" + _GREEK
)
"""Characters of one septet (the escape itself is no character)."""

EXTENSION = frozenset("\f^{}\\[~]|€")
"""Characters of two septets: the escape and one from the extension table."""

GSM7 = BASIC | EXTENSION


def fits_gsm7(text: str) -> bool:
    """Tell whether every character of `text` is in the GSM 7-bit alphabet."""
    return GSM7.issuperset(text)
