"""Kinds of settings that name a place: web addresses, databases, mailboxes."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from varsel.settings.kinds import Kind, items


def address(*schemes: str) -> Kind[str]:
    """A URL of one of `schemes`, kept without a slash at its end."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)

    def parse(value: str) -> str:
        if not _is_address(value, schemes):
            raise ValueError(f"must be an address that begins with {wanted} and names a host")
        return value.rstrip("/")

    return Kind(f"address, {wanted}", parse)


def _is_address(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", value)
    except ValueError:  # urlsplit and .port refuse malformed hosts and ports
        return False


def postgresql_address() -> Kind[str]:
    """An address of PostgreSQL; what follows the scheme (sockets, several hosts) is left to its client library."""

    def parse(value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must be an address that begins with postgresql://")
        return value

    return Kind("address, postgresql://", parse)


def addresses_by_name() -> Kind[Mapping[str, str]]:
    """A list of `name=address`, divided by commas."""
    url = address("https", "http")

    def parse(value: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for item in items(value):
            name, divider, where = item.partition("=")
            if not divider or not _PLAIN_NAME.fullmatch(name.strip()):
                raise ValueError("must be a list such as ttd=https://keys.example.com/ttd, divided by commas")
            found[name.strip()] = url.parse(where.strip())
        return MappingProxyType(found)

    return Kind("list of name=address, divided by commas", parse)


_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")  # what an issuer may be called (integrations.md 1.10)


def email_address() -> Kind[str]:
    """A bare e-mail address, without a display name."""

    def parse(value: str) -> str:
        if not re.fullmatch(r"[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+", value):
            raise ValueError("must be an e-mail address such as noreply@example.com, without a display name")
        return value

    return Kind("e-mail address", parse)
