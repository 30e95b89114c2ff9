"""Who can reach this installation, and how its database is reached."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from varsel.settings.findings import Finding
from varsel.settings.table import Table


def is_this_machine(host: str) -> bool:
    """Whether `host` (a name, an IP address with or without brackets, or a socket's folder) leads nowhere else."""
    bare = host.strip("[]")
    if bare == "localhost" or bare.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def development_stays_on_this_machine(settings: Table) -> Iterator[Finding]:
    """Find a development installation that others can reach: it issues tokens to anybody and shows what it sent."""
    if not settings.development_reachable and not is_this_machine(settings.host):
        yield Finding(
            ("host", "development_reachable"),
            f"development listens on this machine only, and VARSEL_HOST is {settings.host}: set "
            "VARSEL_ENVIRONMENT=production, or VARSEL_DEVELOPMENT_REACHABLE=yes where only friends reach it",
        )


def database_connection_is_protected(settings: Table) -> Iterator[Finding]:
    """Find a remote database whose address does not say how the connection is protected."""
    if settings.database_url is None:
        return
    hosts, names = _database_hosts(settings.database_url.reveal())
    if "sslmode" not in names and not all(map(is_this_machine, hosts)):
        yield Finding(
            ("database_url",),
            "production reaches a remote database by TLS: add ?sslmode=verify-full&sslrootcert=/path/to/ca.pem to "
            "VARSEL_DATABASE_URL, or another sslmode if you mean it",
        )


def _database_hosts(address: str) -> tuple[list[str], frozenset[str]]:
    """Return the hosts of a PostgreSQL address and the names of its parameters; an unreadable one has neither."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return [], frozenset({"sslmode"})
    parameters = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2].split(",") + ",".join(parameters.get("host", [])).split(",")
    return [_without_port(host) for host in named if host], frozenset(parameters)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] if host.count(":") == 1 else host
