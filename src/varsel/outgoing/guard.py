"""Which addresses Varsel may go to when a caller chose them."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self

import httpx

from varsel.errors import AddressRefused, AddressUnreachable
from varsel.outgoing.destination import Destination, IPAddress, read_host
from varsel.outgoing.ranges import closed_kind, undisguised
from varsel.outgoing.resolver import Resolver

_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be reached although it is not public: host names, names below a domain, and IP networks."""

    hosts: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Self:
        """Read host names (`apps.internal`), domains (`*.internal.example.no`), addresses and networks (`10.1.0.0/16`).

        Raises ValueError that quotes the entry which is none of them.
        """
        hosts, domains, networks = set[str](), list[str](), list[IPv4Network | IPv6Network]()
        for entry in entries:
            match _allowance(entry):
                case str(domain) if domain.startswith("."):
                    domains.append(domain)
                case str(host):
                    hosts.add(host)
                case network:
                    networks.append(network)
        return cls(frozenset(hosts), tuple(domains), tuple(networks))

    def names(self, host: str) -> bool:
        """Tell whether `host` may be reached wherever it lies."""
        return host in self.hosts or host.endswith(self.domains)

    def covers(self, address: IPAddress) -> bool:
        """Tell whether `address`, or the IPv4 address it stands for, is in an allowed network."""
        forms = {address, undisguised(address)}
        return any(form in network for network in self.networks for form in forms)


@dataclass(frozen=True, slots=True)
class OwnEndpoint:
    """One endpoint of this service itself that callers may name, so that orders can be rehearsed on one machine.

    It is found at `path` on `port` of this machine, under any name in `.localhost`, which leads nowhere else and needs
    no name server (RFC 6761, section 6.3).
    """

    port: int
    path: str

    def addresses(self, destination: Destination) -> tuple[IPAddress, ...]:
        """Return where `destination` is to be dialled if it is this endpoint, nothing otherwise."""
        url = destination.url
        if (url.scheme, destination.port, url.path.rstrip("/").lower()) != ("http", self.port, self.path):
            return ()
        if destination.literal is not None:
            return (destination.literal,) if destination.literal.is_loopback else ()
        return _LOOPBACK if f".{destination.host}".endswith(".localhost") else ()


def _allowance(entry: str) -> str | IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError:
        pass
    below = entry.startswith("*.")
    try:
        host, literal = read_host(httpx.URL(scheme="https", host=entry[2:] if below else entry).raw_host.decode())
    except (AddressRefused, httpx.InvalidURL, ValueError) as flaw:
        raise ValueError(f"{entry!r} is no host name, no `*.domain` and no IP network in plain form") from flaw
    if literal is not None:
        raise ValueError(f"{entry!r} is no host name, no `*.domain` and no IP network in plain form")
    return f".{host}" if below else host


class Guard:
    """Resolves a destination and gives the addresses that may be dialled.

    `ports` lists the TCP ports that may be called; empty means every one. `own` may be called whatever else holds.
    """

    def __init__(
        self,
        resolver: Resolver,
        allowed: Allowed = Allowed(),
        *,
        ports: frozenset[int] = frozenset(),
        own: OwnEndpoint | None = None,
    ) -> None:
        self._own = own
        self._resolver = resolver
        self._allowed = allowed
        self._ports = ports

    async def admit(self, destination: Destination) -> tuple[IPAddress, ...]:
        """Return the addresses of `destination`, at least one, all of them checked; dial these and nothing else.

        Raises `AddressRefused` if any of them is not public and not allowed, `AddressUnreachable` if there are none,
        and `NameNotLookedUp`.
        """
        if self._own is not None and (own := self._own.addresses(destination)):
            return own
        if self._ports and destination.port not in self._ports:
            raise AddressRefused(f"{destination.origin} is named with a port that is not among the allowed ones.")
        addresses = await self._addresses(destination)
        for address in addresses:
            self._check(destination, address)
        return addresses

    def _check(self, destination: Destination, address: IPAddress) -> None:
        kind = closed_kind(address)
        if kind is None or self._allowed.names(destination.host) or self._allowed.covers(address):
            return
        raise AddressRefused(
            f"{destination.origin} lies at a {kind} address, which callers may not choose; "
            "to permit it, add its host or network to the setting of allowed ones."
        )

    async def _addresses(self, destination: Destination) -> tuple[IPAddress, ...]:
        if destination.literal is not None:
            return (destination.literal,)
        try:
            addresses = await self._resolver.addresses(destination.host, destination.creator)
        except OSError as failure:  # TimeoutError and socket.gaierror are OSErrors
            raise _nameless(destination) from failure
        if not addresses:
            raise _nameless(destination)
        return tuple(dict.fromkeys(addresses))


def _nameless(destination: Destination) -> AddressUnreachable:
    return AddressUnreachable(f"The name of {destination.origin} could not be resolved; check it in the DNS.")
