"""E-mail addresses as SMTP wants them: checked, domains as A-labels, xtext for DSN parameters."""

import re
from ipaddress import IPv4Address

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(rf"[{_ATEXT};\u00a1-\U0010ffff]+(?:\.[{_ATEXT};\u00a1-\U0010ffff]+)*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ORDINARY = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*@{_LABEL}(?:\.{_LABEL})*\.[A-Za-z]{{2,63}}")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_XTEXT_ESCAPED = re.compile(rb"[^!-~]|[+=]")

MAX_LOCAL = 64
MAX_ADDRESS = 254  # RFC 5321 section 4.5.3.1 with errata 1690


def mailbox(address: str) -> str | None:
    """Return `address` ready for `<...>` and for a header, or None if no server could understand it.

    Surrounding blanks go, a domain with letters outside ASCII becomes A-labels, an IPv4 domain gets its brackets, and
    a local part with `;` (which api.md 3.5 admits) its quotes. A local part outside ASCII stays: it needs SMTPUTF8.
    """
    text = address.strip()
    ordinary = _ORDINARY.fullmatch(text)
    if ordinary and len(text) <= MAX_LOCAL:
        return text
    local, at, domain = text.rpartition("@")
    if not ordinary:
        found = _domain(domain) if at and _LOCAL.fullmatch(local) else None
        if found is None:
            return None
        text = f'"{local}"@{found}' if ";" in local else f"{local}@{found}"
    too_long = len(local.encode("utf-8", "replace")) > MAX_LOCAL or len(text.encode("utf-8", "replace")) > MAX_ADDRESS
    return None if too_long else text


def domain_of(box: str) -> str:
    """Return the domain of an address given by `mailbox`."""
    return box.rpartition("@")[2]


def _domain(domain: str) -> str | None:
    if _IPV4.fullmatch(domain):
        return _address_literal(domain)
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii") if len(domain) <= MAX_ADDRESS else ""
        except UnicodeError:
            return None
    return domain if _DOMAIN.fullmatch(domain) else None


def _address_literal(domain: str) -> str | None:
    try:
        return f"[{IPv4Address(domain)}]"
    except ValueError:
        return None


def xtext(text: str) -> str:
    """Encode `text` as xtext (RFC 3461 section 4): `+XX` for what is not printable ASCII, and for `+` and `=`."""
    octets = text.encode("utf-8", "replace")
    return _XTEXT_ESCAPED.sub(lambda found: b"+%02X" % found[0][0], octets).decode("ascii")


def original_recipient(box: str) -> str:
    """Return the value of ORCPT for an address (RFC 3461 section 4.2, outside ASCII RFC 6533 section 3)."""
    if box.isascii():
        return f"rfc822;{xtext(box)}"
    return "utf-8;" + re.sub(r"[^!-~\u00a1-\U0010ffff]|[\\+=]", lambda found: rf"\x{{{ord(found[0]):X}}}", box)
