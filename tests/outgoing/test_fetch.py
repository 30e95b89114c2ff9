"""The guarded GET, over real HTTP on loopback."""

import asyncio
import gzip
import logging
import ssl
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.certificates import server_certificate
from tests.support.condition_endpoint import YES, ConditionEndpoint, Does, Says
from tests.support.resolvers import FixedResolver
from varsel.errors import (
    AddressNotFetched,
    AddressRefused,
    AddressUnreachable,
    AnswerIncomplete,
    AnswerTooLarge,
    AnswerUnreadable,
)
from varsel.outgoing.destination import Destination, read_destination
from varsel.outgoing.fetch import Answer, Fetcher, SizeLimit
from varsel.outgoing.guard import Allowed, Guard
from varsel.outgoing.resolver import Resolver

_WITHIN = timedelta(seconds=5)
_TINY = timedelta(milliseconds=50)
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NAME = "condition.example.com"
_SECRET = "/container/file.pdf?sig=c2VjcmV0"


def fetcher(
    resolver: Resolver | None = None, tls: ssl.SSLContext | None = None, allowed: str = "127.0.0.0/8"
) -> Fetcher:
    guard = Guard(resolver or FixedResolver(["127.0.0.1"]), Allowed.read([allowed]))
    return Fetcher(guard, tls=tls or _TRUSTS_NOBODY)


async def fetched(using: Fetcher, url: str, largest: int = 65_536, within: timedelta = _WITHIN) -> Answer:
    return await using.get(read_destination(url), within=within, limit=SizeLimit(largest))


async def test_the_request_says_no_more_than_it_must() -> None:
    async with ConditionEndpoint() as endpoint:
        answer = await fetched(fetcher(), endpoint.url("/check?case=a%20b&c=%C3%B8#part", _NAME))
    assert answer == Answer(200, YES.body)
    (asked,) = endpoint.received
    assert (asked.method, asked.target, asked.body) == ("GET", "/check?case=a%20b&c=%C3%B8", b"")
    assert asked.headers == {
        "host": f"{_NAME}:{endpoint.port}",
        "user-agent": "varsel",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


async def test_tls_speaks_to_the_name_while_the_checked_address_is_dialled(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, _NAME)
    resolver = FixedResolver(["127.0.0.1"], ["10.0.0.1"])
    async with ConditionEndpoint(tls=certificate.server) as endpoint:
        answer = await fetched(fetcher(resolver, certificate.trust), endpoint.url("/", _NAME))
    assert answer.status == 200
    assert endpoint.received[0].headers["host"] == f"{_NAME}:{endpoint.port}"
    assert resolver.asked == [_NAME], "a second look-up is where rebinding slips in"


async def test_tls_with_an_address_for_a_name(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, "127.0.0.1")
    async with ConditionEndpoint(tls=certificate.server) as endpoint:
        assert (await fetched(fetcher(tls=certificate.trust), endpoint.url())).status == 200


async def test_an_ipv6_literal_is_dialled_and_named() -> None:
    async with ConditionEndpoint(host="::1") as endpoint:
        answer = await fetched(fetcher(allowed="::1"), endpoint.url(host="[::1]"))
    assert answer.status == 200
    assert endpoint.received[0].headers["host"] == f"[::1]:{endpoint.port}"


@pytest.mark.parametrize(("shown", "expired"), [("other.example.com", False), (_NAME, True)])
async def test_certificates_must_fit_the_name_and_the_day(tmp_path: Path, shown: str, expired: bool) -> None:
    certificate = server_certificate(tmp_path, shown, expired=expired)
    async with ConditionEndpoint(tls=certificate.server) as endpoint:
        with pytest.raises(AddressUnreachable, match="could not be asked"):
            await fetched(fetcher(tls=certificate.trust), endpoint.url("/", _NAME))
    assert endpoint.received == []


async def test_certificates_must_be_trusted(tmp_path: Path) -> None:
    async with ConditionEndpoint(tls=server_certificate(tmp_path, _NAME).server) as endpoint:
        with pytest.raises(AddressUnreachable, match="could not be asked"):
            await fetched(fetcher(), endpoint.url("/", _NAME))
    assert endpoint.received == []


async def test_a_name_that_turns_private_is_refused_before_any_connection() -> None:
    async with ConditionEndpoint() as endpoint:
        using = fetcher(FixedResolver(["127.0.0.1"]), allowed="10.0.0.0/8")
        with pytest.raises(AddressRefused, match="loopback"):
            await fetched(using, endpoint.url("/", _NAME))
    assert endpoint.received == []


async def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    async with ConditionEndpoint() as endpoint:
        answer = await fetched(fetcher(FixedResolver(["127.0.0.2", "127.0.0.1"])), endpoint.url("/", _NAME))
    assert answer.status == 200


async def test_nobody_listening_is_unreachable() -> None:
    async with ConditionEndpoint() as endpoint:
        url = endpoint.url(_SECRET)
    with pytest.raises(AddressUnreachable) as failure:
        await fetched(fetcher(), url)
    assert str(failure.value) == "http://127.0.0.1 could not be asked (ConnectError)."
    assert type(failure.value) is AddressUnreachable


async def test_redirects_are_answers_and_nobody_goes_there() -> None:
    async with ConditionEndpoint() as inside:
        redirect = Says(302, b"", {"Location": inside.url("/latest/meta-data/")})
        async with ConditionEndpoint(redirect) as endpoint:
            assert (await fetched(fetcher(), endpoint.url())).status == 302
    assert inside.received == []


async def test_proxies_and_credentials_of_the_environment_do_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    async with ConditionEndpoint() as proxy, ConditionEndpoint() as endpoint:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.setenv("NETRC", str(netrc))
        await fetched(fetcher(), endpoint.url())
    assert proxy.received == []
    assert "authorization" not in endpoint.received[0].headers


async def test_an_answer_of_exactly_the_limit_is_read() -> None:
    async with ConditionEndpoint(Says(200, b"x" * 1000)) as endpoint:
        assert len((await fetched(fetcher(), endpoint.url(), largest=1000)).body) == 1000


@pytest.mark.parametrize(
    "reply",
    [Says(200, b"x" * 1001), Says(200, b"x", {"Content-Length": "9" * 20}), Does.POUR],
    ids=["one byte more", "announced", "endless"],
)
async def test_an_answer_past_the_limit_is_given_up(reply: Says | Does) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        with pytest.raises(AnswerTooLarge, match=r"^http://127\.0\.0\.1 answered more"):
            await fetched(fetcher(), endpoint.url(_SECRET), largest=1000)
        await endpoint.wait_for(lambda: endpoint.in_flight == 0)


def coded(content: bytes, named: str = "gzip") -> Says:
    return Says(200, content, {"Content-Encoding": named})


async def test_what_comes_compressed_is_expanded() -> None:
    content = b"content " * 10_000
    script = coded(gzip.compress(content)), coded(zlib.compress(content), "DEFLATE"), coded(content, "identity")
    async with ConditionEndpoint(*script) as endpoint:
        for _ in script:
            assert (await fetched(fetcher(), endpoint.url(), largest=80_000)).body == content


async def test_a_bomb_is_given_up_at_the_limit() -> None:
    async with ConditionEndpoint(otherwise=coded(gzip.compress(bytes(50_000_000)))) as endpoint:
        with pytest.raises(AnswerTooLarge):
            await fetched(fetcher(), endpoint.url(), largest=100_000)


async def test_compression_that_expands_to_nothing_is_counted_as_it_arrives() -> None:
    empty_members = gzip.compress(b"") * 1_000
    async with ConditionEndpoint(coded(empty_members + gzip.compress(b"x"))) as endpoint:
        with pytest.raises(AnswerTooLarge):
            await fetched(fetcher(), endpoint.url(), largest=10_000)


@pytest.mark.parametrize(
    "reply",
    [coded(b"content", "br"), coded(b"content"), coded(gzip.compress(b"content" * 99)[:-9]), coded(b"x", "gzip, gzip")],
    ids=["unknown", "not compressed", "cut short", "twice"],
)
async def test_what_cannot_be_expanded_is_unreadable(reply: Says) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        with pytest.raises(AnswerUnreadable, match=r"^http://127\.0\.0\.1 gave an answer that cannot be read"):
            await fetched(fetcher(), endpoint.url(_SECRET))


async def test_downloads_that_share_a_limit_are_counted_together() -> None:
    limit = SizeLimit(1500)
    async with ConditionEndpoint(otherwise=Says(200, b"x" * 1000)) as endpoint:
        destination = read_destination(endpoint.url())
        await fetcher().get(destination, within=_WITHIN, limit=limit)
        with pytest.raises(AnswerTooLarge):
            await fetcher().get(destination, within=_WITHIN, limit=limit)


@pytest.mark.parametrize("reply", [Does.HOLD, Does.BEGIN], ids=["silence", "half a body"])
async def test_slowness_ends_by_the_time_limit_and_frees_the_connection(reply: Does) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        with pytest.raises(AnswerIncomplete, match=r"did not answer in full within 0\.05 s"):
            await fetched(fetcher(), endpoint.url(_SECRET), within=_TINY)


async def test_who_takes_connections_but_never_greets_was_not_reached() -> None:
    guard = Guard(FixedResolver(["127.0.0.1"]), Allowed.read(["127.0.0.0/8"]))
    using = Fetcher(guard, connect_timeout=_TINY, tls=_TRUSTS_NOBODY)
    async with ConditionEndpoint() as endpoint:
        url = endpoint.url().replace("http:", "https:")
        with pytest.raises(AddressUnreachable, match="could not be asked") as failure:
            await fetched(using, url)
    assert type(failure.value) is AddressUnreachable


async def test_a_flood_within_the_size_limit_ends_by_the_time_limit() -> None:
    async with ConditionEndpoint(Does.POUR) as endpoint:
        with pytest.raises(AddressUnreachable, match="within"):
            await fetched(fetcher(), endpoint.url(), largest=2**60, within=_TINY)
        await endpoint.wait_for(lambda: endpoint.in_flight == 0)


@pytest.mark.parametrize(
    ("reply", "text"),
    [(Does.DROP, "could not be asked"), (Does.BABBLE, "could not be asked"), (Does.BREAK_OFF, "broke")],
)
async def test_broken_exchanges_are_unreachable(reply: Does, text: str) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        with pytest.raises(AnswerIncomplete, match=text) as failure:
            await fetched(fetcher(), endpoint.url(_SECRET))
    assert "sig" not in str(failure.value)


async def test_a_length_of_thousands_of_digits_breaks_nothing() -> None:
    async with ConditionEndpoint(Says(200, b"x", {"Content-Length": "9" * 5_000})) as endpoint:
        with pytest.raises(AddressNotFetched):
            await fetched(fetcher(), endpoint.url())


async def test_a_body_can_be_read_as_it_comes() -> None:
    async with ConditionEndpoint(Does.POUR) as endpoint:
        opened = fetcher().open(read_destination(endpoint.url()), within=_WITHIN, limit=SizeLimit(10**9))
        seen = 0
        async with opened as incoming:
            assert incoming.status == 200
            async for chunk in incoming.chunks():
                seen += len(chunk)
                if seen > 200_000:
                    break
        await endpoint.wait_for(lambda: endpoint.in_flight == 0)


async def test_a_time_out_of_the_block_itself_stays_what_it_is() -> None:
    async with ConditionEndpoint(Does.BEGIN) as endpoint:
        destination = read_destination(endpoint.url())
        with pytest.raises(TimeoutError):
            await _read_within_a_moment(destination)


async def _read_within_a_moment(destination: Destination) -> None:
    async with (
        fetcher().open(destination, within=_WITHIN, limit=SizeLimit(1000)) as incoming,
        asyncio.timeout(0.01),
    ):
        await incoming.read()


async def test_secrets_of_an_address_reach_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ConditionEndpoint(YES, Does.DROP) as endpoint:
        await fetched(fetcher(), endpoint.url(_SECRET))
        with pytest.raises(AddressUnreachable):
            await fetched(fetcher(), endpoint.url(_SECRET))
    assert "container" not in caplog.text
    assert "c2VjcmV0" not in repr(read_destination(endpoint.url(_SECRET)))
    assert "c2VjcmV0" not in caplog.text
