"""What a server says it can do, in its answer to EHLO (RFC 5321 section 4.1.1.1)."""

import re
from dataclasses import dataclass

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")  # RFC 4422 section 3.1
_MOST_MECHANISMS = 15


@dataclass(frozen=True, slots=True)
class Extensions:
    """The service extensions Varsel makes use of. `size` is the largest message in octets, 0 if unknown."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    dsn: bool = False
    starttls: bool = False
    size_offered: bool = False
    size: int = 0
    auth: frozenset[str] = frozenset()


def read_extensions(text: str) -> Extensions:
    """Read the text of an EHLO reply; its first line is the server's name and greeting."""
    offers = _keywords(text)
    sizes = offers.get("SIZE", [])
    return Extensions(
        pipelining="PIPELINING" in offers,
        eight_bit="8BITMIME" in offers,
        utf8="SMTPUTF8" in offers,
        dsn="DSN" in offers,
        starttls="STARTTLS" in offers,
        size_offered="SIZE" in offers,
        size=int(sizes[0]) if sizes and sizes[0].isdecimal() and len(sizes[0]) < 20 else 0,
        auth=frozenset([name for name in offers.get("AUTH", []) if _MECHANISM.fullmatch(name)][:_MOST_MECHANISMS]),
    )


def _keywords(text: str) -> dict[str, list[str]]:
    offers: dict[str, list[str]] = {}
    for line in text.upper().split("\n")[1:]:
        words = line.replace("AUTH=", "AUTH ").split()  # old servers write `AUTH=LOGIN`
        if words:
            offers.setdefault(words[0], []).extend(words[1:])
    return offers


def describe(extensions: Extensions) -> str:
    """Name what is offered, for operators."""
    names = {
        "PIPELINING": extensions.pipelining,
        "8BITMIME": extensions.eight_bit,
        "SMTPUTF8": extensions.utf8,
        "DSN": extensions.dsn,
        f"SIZE {extensions.size}": extensions.size_offered,
    }
    return ", ".join(name for name, offered in names.items() if offered) or "no extensions"
