"""Reading hostile addresses, and which of them the guard lets pass."""

from ipaddress import ip_address, ip_network

import pytest

from tests.support.resolvers import FixedResolver, UnknownName
from varsel.errors import AddressRefused, AddressUnreachable
from varsel.outgoing.destination import read_destination
from varsel.outgoing.guard import Allowed, Guard, OwnEndpoint
from varsel.outgoing.resolver import SystemResolver

_OWN = OwnEndpoint(5090, "/tests/sendcondition")


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:5090/tests/sendcondition?conditionMet=true",
        "http://Varsel.LOCALHOST:5090/Tests/SendCondition/",
        "http://127.0.0.1:5090/tests/sendcondition",
        "http://[::1]:5090/tests/sendcondition#x",
    ],
)
async def test_the_own_endpoint_is_let_pass_without_a_name_server(address: str) -> None:
    guard = Guard(UnknownName(), ports=frozenset({443}), own=_OWN)
    assert all(found.is_loopback for found in await guard.admit(read_destination(address)))
    with pytest.raises((AddressRefused, AddressUnreachable)):
        await Guard(UnknownName()).admit(read_destination(address))


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:5091/tests/sendcondition",
        "http://localhost/tests/sendcondition",
        "https://localhost:5090/tests/sendcondition",
        "http://localhost:5090/dev/inbox",
        "http://localhost:5090/tests/sendcondition/../../dev/inbox",
        "http://localhost:5090/tests/sendcondition%2f..",
        "http://10.0.0.1:5090/tests/sendcondition",
        "http://notlocalhost:5090/tests/sendcondition",
        "http://localhost.example.com:5090/tests/sendcondition",
    ],
)
async def test_nothing_beside_the_own_endpoint_is_let_pass(address: str) -> None:
    guard = Guard(FixedResolver(["127.0.0.1"]), own=_OWN)
    with pytest.raises(AddressRefused):
        await guard.admit(read_destination(address))


_UNREADABLE = [
    "",
    "/relative",
    "//condition.example.com/",
    "http:///path",
    "http:condition.example.com",
    "file:///etc/passwd",
    "ftp://condition.example.com/",
    "gopher://condition.example.com/",
    "http://user:secret@condition.example.com/",
    "http://condition.example.com@10.0.0.1/",
    "http://:@condition.example.com/" + "a" * 70_000,
    "http://condition.example.com:0/",
    "http://condition.example.com:65536/",
    "http://condition.example.com:x/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.0x1/",
    "http://127.0.0.256/",
    "http://condition.example.com.1/",
    "http://condition..example.com/",
    "http://.example.com/",
    "http://./",
    "http://" + "a" * 64 + ".example.com/",
    "http://" + "a." * 127 + "com/",
    "http://exa mple.com/",
    "http://example.com%00.example.no/",
    "http://example.com%2f@10.0.0.1/",
    "http://good.example.com\\.example.no/",
    "http://condition.example.com\r\nHost: other/",
    "http://\N{FULLWIDTH DIGIT ONE}27.0.0.1/",
    "http://\N{CIRCLED LATIN SMALL LETTER E}xample.com/",
    "http://\ud800.example.com/",
    "http://[::1/",
    "http://[::1%25eth0]/",
    "http://[2606:4700::1111%25eth0]/",
    "http://[v1.fe80]/",
]


@pytest.mark.parametrize("address", _UNREADABLE)
def test_hostile_addresses_are_refused_without_quoting_them(address: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        read_destination(address)
    assert refusal.value.__cause__ is None
    assert not any(part in str(refusal.value) for part in ("secret", "10.0.0.1", "example.com", "aaa"))


@pytest.mark.parametrize(
    ("address", "origin", "port"),
    [
        ("https://Condition.Example.COM/check?case=42", "https://condition.example.com", 443),
        ("http://condition.example.com.:8080/", "http://condition.example.com", 8080),
        ("https://bl\u00e5b\u00e6r.example.no/", "https://xn--blbr-roah.example.no", 443),
        ("http://127\u30020\u30020\u30021/", "http://127.0.0.1", 80),
        ("http://[0:0:0:0:0:0:0:1]:81/", "http://[::1]", 81),
        ("http://under_score.example.com/", "http://under_score.example.com", 80),
    ],
)
def test_addresses_are_read_into_their_plain_form(address: str, origin: str, port: int) -> None:
    destination = read_destination(address)
    assert (destination.origin, destination.port) == (origin, port)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("169.254.169.254", "link-local"),
        ("127\u30020\u30020\u30021", "loopback"),
        ("[::1]", "loopback"),
        ("[::]", "unspecified"),
        ("[::ffff:192.168.0.1]", "private"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("[fd00:ec2::254]", "unique-local"),
    ],
)
async def test_closed_literals_are_refused_without_asking_the_resolver(host: str, kind: str) -> None:
    resolver = FixedResolver(["1.1.1.1"])
    with pytest.raises(AddressRefused, match=kind) as refusal:
        await Guard(resolver).admit(read_destination(f"http://{host}/path?sig=abc"))
    assert resolver.asked == []
    assert "path" not in str(refusal.value)
    assert "sig" not in str(refusal.value)


async def test_public_addresses_pass_each_once() -> None:
    guard = Guard(FixedResolver(["1.1.1.1", "2606:4700::1111", "1.1.1.1"]))
    admitted = await guard.admit(read_destination("https://condition.example.com/"))
    assert admitted == (ip_address("1.1.1.1"), ip_address("2606:4700::1111"))


async def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    guard = Guard(FixedResolver(["1.1.1.1", "10.0.0.1"]))
    with pytest.raises(AddressRefused, match=r"https://condition\.example\.com lies at a private address"):
        await guard.admit(read_destination("https://condition.example.com/check"))


async def test_the_resolver_is_asked_for_the_plain_name() -> None:
    resolver = FixedResolver(["1.1.1.1"])
    await Guard(resolver).admit(read_destination("https://Condition.Example.com.:444/check"))
    assert resolver.asked == ["condition.example.com"]


@pytest.mark.parametrize("resolver", [UnknownName(), FixedResolver([])])
async def test_names_without_answer_are_unreachable(resolver: UnknownName | FixedResolver) -> None:
    guard = Guard(resolver)
    with pytest.raises(AddressUnreachable, match="could not be resolved"):
        await guard.admit(read_destination("https://condition.example.com/"))


async def test_the_machines_own_resolver_finds_localhost_to_be_loopback() -> None:
    resolver = SystemResolver()
    with pytest.raises(AddressRefused, match="loopback"):
        await Guard(resolver).admit(read_destination("http://localhost/"))
    resolver.close()


async def test_ports_are_kept_to_a_list_if_there_is_one() -> None:
    guard = Guard(FixedResolver(["1.1.1.1"]), ports=frozenset({443, 8443}))
    await guard.admit(read_destination("https://condition.example.com/"))
    await guard.admit(read_destination("https://condition.example.com:8443/"))
    with pytest.raises(AddressRefused, match="port"):
        await guard.admit(read_destination("http://condition.example.com/"))


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("apps.internal", "apps.internal", "10.1.2.3"),
        ("APPS.Internal.", "apps.internal", "10.1.2.3"),
        ("*.internal", "a.b.internal", "10.1.2.3"),
        ("bl\u00e5b\u00e6r.internal", "bl\u00e5b\u00e6r.internal", "10.1.2.3"),
        ("10.1.0.0/16", "condition.example.com", "10.1.2.3"),
        ("10.1.2.3", "condition.example.com", "10.1.2.3"),
        ("10.1.0.0/16", "condition.example.com", "::ffff:10.1.2.3"),
        ("10.1.0.0/16", "condition.example.com", "64:ff9b::10.1.2.3"),
        ("fd00:1::/32", "condition.example.com", "fd00:1::7"),
        ("127.0.0.0/8", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_what_a_setting_allows_passes(entry: str, host: str, address: str) -> None:
    guard = Guard(FixedResolver([address]), Allowed.read([entry]))
    assert await guard.admit(read_destination(f"http://{host}/")) == (ip_address(address),)


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("apps.internal", "other.internal", "10.1.2.3"),
        ("apps.internal", "apps.internal.example.com", "10.1.2.3"),
        ("*.internal", "internal", "10.1.2.3"),
        ("*.internal", "notinternal", "10.1.2.3"),
        ("10.1.0.0/16", "condition.example.com", "10.2.0.1"),
        ("10.1.0.0/16", "condition.example.com", "2002:a01:203::"),
        ("127.0.0.0/8", "[::1]", "::1"),
    ],
)
async def test_what_a_setting_does_not_name_stays_refused(entry: str, host: str, address: str) -> None:
    guard = Guard(FixedResolver([address]), Allowed.read([entry]))
    with pytest.raises(AddressRefused):
        await guard.admit(read_destination(f"http://{host}/"))


@pytest.mark.parametrize(
    "entry",
    ["", "*", "*.", "*.10.0.0.1", "10.1.2.3/16", "127.1", "0x7f.1", "http://apps.internal", "a:80", "a/b", "a b"],
)
def test_entries_that_are_nothing_are_errors(entry: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        Allowed.read([entry])


def test_entries_are_sorted_by_kind() -> None:
    allowed = Allowed.read(["apps.internal", "*.example.no", "10.0.0.0/8", "::1"])
    assert allowed.hosts == {"apps.internal"}
    assert allowed.domains == (".example.no",)
    assert allowed.networks == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
