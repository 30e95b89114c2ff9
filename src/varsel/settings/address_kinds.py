"""Kinds of settings that name a place: web addresses, databases, mailboxes."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from urllib.parse import urlsplit

from varsel.settings.kinds import Kind, items

Network = IPv4Network | IPv6Network


def address(*schemes: str) -> Kind[str]:
    """A URL of one of `schemes`, kept without a slash at its end."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)

    def parse(value: str) -> str:
        if not _is_address(value, schemes):
            raise ValueError(f"must be an address that begins with {wanted} and names a host")
        return value.rstrip("/")

    return Kind(f"address, {wanted}", parse)


def token_address() -> Kind[str]:
    """The URL of a token endpoint, kept as it is written; RFC 6749, section 3.2, wants no fragment."""

    def parse(value: str) -> str:
        if not _is_address(value, ("https", "http")) or "#" in value:
            raise ValueError("must be an address that begins with https:// or http://, names a host and has no #")
        return value

    return Kind("address, https:// or http://", parse)


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


def senders_by_creator() -> Kind[Mapping[str, tuple[str, ...]]]:
    """A list of `creator=sender|sender`, divided by commas; both may be `*`."""

    def parse(value: str) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for item in items(value):
            creator, divider, written = item.partition("=")
            senders = tuple(sender.strip() for sender in written.split("|") if sender.strip())
            name = creator.strip().lower()
            if not divider or not senders or name in found or not (name == "*" or _PLAIN_NAME.fullmatch(name)):
                raise ValueError("must be a list such as ttd=noreply@ttd.example.com|*@example.no, *=*")
            found[name] = senders
        return MappingProxyType(found)

    return Kind("list of creator=sender, senders divided by `|` and creators by commas", parse)


def host_names() -> Kind[tuple[str, ...]]:
    """Host names, IPv4 addresses, and `*.domains` for everything below a domain, divided by commas; in lower case."""

    def parse(value: str) -> tuple[str, ...]:
        names = tuple(name.lower() for name in items(value))
        if not all(map(_HOST_NAME.fullmatch, names)):
            raise ValueError("must be a list such as files.example.no,*.blobs.example.no, divided by commas")
        return names

    return Kind("list of host names and `*.domains`, divided by commas", parse)


_HOST_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")


def reachable_places() -> Kind[tuple[str, ...]]:
    """Hosts, domains and IP networks that callers may send Varsel to, divided by commas."""

    def parse(value: str) -> tuple[str, ...]:
        entries = tuple(items(value))
        if entries and not _can_be_read(entries):
            raise ValueError("must be a list such as apps.internal,*.example.no,10.1.0.0/16, divided by commas")
        return entries

    return Kind("list of host names, `*.domains` and IP networks, divided by commas", parse)


def _can_be_read(entries: tuple[str, ...]) -> bool:
    from varsel.outgoing.guard import Allowed  # noqa: PLC0415 - loads an HTTP client, for the few who set this

    try:
        Allowed.read(entries)
    except ValueError:
        return False
    return True


def email_address() -> Kind[str]:
    """A bare e-mail address, without a display name."""

    def parse(value: str) -> str:
        if not re.fullmatch(r"[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+", value):
            raise ValueError("must be an e-mail address such as noreply@example.com, without a display name")
        return value

    return Kind("e-mail address", parse)


def network() -> Kind[Network]:
    """An IP network such as `10.0.0.0/8`; a single address is one too."""

    def parse(value: str) -> Network:
        try:
            return ip_network(value)
        except ValueError:
            raise ValueError("must be a network such as 10.0.0.0/8, without bits behind its prefix") from None

    return Kind("network", parse)
