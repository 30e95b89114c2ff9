"""Which IP addresses lie in the public internet.

The table is written out, since what Python's `ipaddress` counts as global differs between its releases. It follows
the IANA registries of special-purpose addresses (RFC 6890) as of 2026, and treats as closed whatever needs no web
server: documentation, benchmarks, relays. Of IPv6 only 2000::/3 is open at all.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from varsel.outgoing.destination import IPAddress

_CLOSED_IPV4 = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier's shared",  # RFC 6598; one cloud keeps its metadata here
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "metadata",  # a public number that Azure answers inside every virtual machine
    "169.254.0.0/16": "link-local",  # metadata of most clouds
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol",  # RFC 6890; one cloud keeps its metadata here
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "relay",  # RFC 7526
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmark",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_CLOSED_IPV6 = {
    "2001::/23": "protocol",  # Teredo and its like, RFC 2928
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",  # hides an IPv4 address; out of use since RFC 7526
    "3fff::/20": "documentation",
    "::/128": "unspecified",
    "::1/128": "loopback",
    "fc00::/7": "unique-local",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
_IPV4 = tuple((IPv4Network(network), kind) for network, kind in _CLOSED_IPV4.items())
_IPV6 = tuple((IPv6Network(network), kind) for network, kind in _CLOSED_IPV6.items())
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1
_LOW_32_BITS = 0xFFFF_FFFF
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214, section 6.1


def closed_kind(address: IPAddress) -> str | None:
    """Return what kind of non-public address this is (`private`, `loopback` …), None if it is public."""
    plain = undisguised(address)
    if isinstance(plain, IPv4Address):
        return next((kind for network, kind in _IPV4 if plain in network), None)
    named = next((kind for network, kind in _IPV6 if plain in network), None)
    if named is not None:
        return named
    if plain not in _GLOBAL_UNICAST:
        return "reserved"
    return "tunnel" if (int(plain) >> 32) & _LOW_32_BITS in _ISATAP else None


def undisguised(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that a mapped (`::ffff:0:0/96`) or NAT64 address leads to, any other as it is."""
    if not isinstance(address, IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _LOW_32_BITS) if address in _NAT64 else address
