"""Which IP addresses are public."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.outgoing.destination import IPAddress
from varsel.outgoing.ranges import closed_kind, undisguised

_CLOSED = [
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier's shared"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fc00::/7", "unique-local"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
    ("2001::/32", "protocol"),
    ("2002::/16", "6to4"),
    ("2001:db8::/32", "documentation"),
]
_METADATA = ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"]
_PUBLIC = ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1", "172.15.255.255"]
_PUBLIC += ["172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2003::1"]


@pytest.mark.parametrize(("network", "kind"), _CLOSED)
def test_whole_range_is_closed(network: str, kind: str) -> None:
    span = ip_network(network)
    assert {closed_kind(span[0]), closed_kind(span[-1])} == {kind}


@pytest.mark.parametrize("address", _METADATA)
def test_metadata_addresses_are_closed(address: str) -> None:
    assert closed_kind(ip_address(address)) is not None


@pytest.mark.parametrize("address", _PUBLIC)
def test_neighbours_of_closed_ranges_are_public(address: str) -> None:
    assert closed_kind(ip_address(address)) is None


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_not_to_be(address: IPAddress) -> None:
    plain = undisguised(address)
    if not plain.is_global or plain.is_multicast or plain.is_reserved:
        assert closed_kind(address) is not None


@given(st.ip_addresses(v=4))
def test_disguises_are_judged_by_what_they_hide(plain: IPv4Address) -> None:
    mapped = IPv6Address(0xFFFF << 32 | int(plain))
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) | int(plain))
    assert closed_kind(mapped) == closed_kind(translated) == closed_kind(plain)


@given(st.ip_addresses(v=4), st.integers(0, 2**64 - 1))
def test_tunnels_are_closed_whatever_they_lead_to(plain: IPv4Address, rest: int) -> None:
    compatible = IPv6Address(int(plain))
    six_to_four = IPv6Address(0x2002 << 112 | int(plain) << 80 | rest)
    teredo = IPv6Address(0x2001_0000 << 96 | int(plain) << 64 | rest)
    isatap = IPv6Address(0x2A00_1450 << 96 | 0x0000_5EFE << 32 | int(plain))
    local_translation = IPv6Address(int(IPv6Address("64:ff9b:1::")) | int(plain))
    assert all(closed_kind(each) for each in (compatible, six_to_four, teredo, isatap, local_translation))


@given(st.ip_addresses(v=6))
def test_ipv6_is_public_only_as_global_unicast(address: IPv6Address) -> None:
    if undisguised(address) is address and address not in IPv6Network("2000::/3"):
        assert closed_kind(address) is not None


@given(st.sampled_from([IPv4Network("8.0.0.0/8"), IPv4Network("193.0.0.0/8"), IPv4Network("84.0.0.0/8")]), st.data())
def test_ordinary_addresses_are_public(network: IPv4Network, data: st.DataObject) -> None:
    assert closed_kind(network[data.draw(st.integers(0, network.num_addresses - 1))]) is None
