"""Asking send conditions over real HTTP: every row of integrations.md 3.2 and processing.md 1.7."""

import asyncio
import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.certificates import server_certificate
from tests.support.condition_endpoint import NO, YES, ConditionEndpoint, Does, Says
from tests.support.resolvers import BusyResolver, FixedResolver
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.authentication import Bearer, FixedField, Introduction
from varsel.outgoing.breaker import Breakers, Resting
from varsel.outgoing.condition import ConditionClient, QuestionLimits
from varsel.outgoing.fetch import Fetcher
from varsel.outgoing.guard import Allowed, Guard
from varsel.outgoing.signature import Signature, read_webhook_keys
from varsel.outgoing.turns import TurnLimits, Turns
from varsel.outgoing.verdict import Inconclusive, Met, NotAsked, NotMet

_CLOCK = HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))
_TINY = timedelta(milliseconds=50)
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NAME = "condition.example.com"
_SECRET = "/check?case=c2VjcmV0"


class NumberedTokens:
    """Gives `token-1` until one is rejected, then `token-2` …"""

    def __init__(self) -> None:
        self.number = 1
        self.rejected: list[str] = []

    async def token(self) -> str:
        """Return the token of the moment."""
        return f"token-{self.number}"

    async def renewed(self, rejected: str) -> str:
        """Return the next one."""
        self.rejected.append(rejected)
        self.number += 1
        return await self.token()

    async def aclose(self) -> None:
        """Nothing is held."""


class NoTokens:
    """Cannot get any."""

    async def token(self) -> str:
        """Fail."""
        raise DependencyFailure("Maskinporten", "a token", "it answered 500")

    async def renewed(self, rejected: str) -> str:
        """Fail."""
        raise DependencyFailure("Maskinporten", "a token", f"it answered 500 after {len(rejected)} letters")

    async def aclose(self) -> None:
        """Nothing is held."""


def client(
    introduction: Introduction | None = None,
    *,
    clock: HandTurnedClock = _CLOCK,
    allowed: str = "127.0.0.0/8",
    tls: ssl.SSLContext | None = None,
    turns: TurnLimits | None = None,
    limits: QuestionLimits | None = None,
) -> ConditionClient:
    guard = Guard(FixedResolver(["127.0.0.1"]), Allowed.read([allowed]))
    fetcher = Fetcher(guard, tls=tls or _TRUSTS_NOBODY)
    breakers = Breakers(clock, Resting(failures=2, first=timedelta(seconds=15)), lambda: 0.5)
    limits = limits or QuestionLimits()
    return ConditionClient(fetcher, Turns(turns or TurnLimits()), breakers, introduction, limits, clock)


_MET = [
    YES,
    Says(201, YES.body),
    Says(299, YES.body),
    Says(200, b' {"other": [1], "sendNotification": true, "SendNotification": false} '),
    Says(200, YES.body, {"Content-Type": "image/png"}),
    Says(200, b"\xef\xbb\xbf" + YES.body),
    Says(200, b'{"sendNotification": false, "sendNotification": true}'),
]
_NOT_MET = [NO, Says(202, NO.body), Says(200, b'{"sendNotification":false,"x":1}')]
_INCONCLUSIVE = [
    Says(200),
    Says(200, b"  \n"),
    Says(204, headers={"Content-Length": "0"}),
    Says(200, b"yes"),
    Says(200, b'{"sendNotification": true'),
    Says(200, b"\xff\xfe{"),
    Says(200, b"null"),
    Says(200, b"true"),
    Says(200, b'[{"sendNotification": true}]'),
    Says(200, b"{}"),
    Says(200, b'{"sendNotification": null}'),
    Says(200, b'{"SendNotification": true}'),
    Says(200, b'{"sendnotification": true}'),
    Says(200, b'{"sendNotification": "true"}'),
    Says(200, b'{"sendNotification": 1}'),
    Says(200, b'{"data": {"sendNotification": true}}'),
    Says(200, b"[" * 60_000),
    Says(200, YES.body, {"Content-Encoding": "gzip", "Content-Length": "999"}),
    Says(300, YES.body),
    Says(302, YES.body, {"Location": "http://169.254.169.254/"}),
    Says(400, YES.body),
    Says(401, YES.body),
    Says(404, NO.body),
    Says(429, YES.body),
    Says(500, YES.body),
    Says(503, NO.body),
    Does.DROP,
    Does.BABBLE,
    Does.BREAK_OFF,
    Does.POUR,
]


@pytest.mark.parametrize("reply", _MET)
async def test_yes_is_met(reply: Says) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        assert await client().ask(endpoint.url()) == Met()


@pytest.mark.parametrize("reply", _NOT_MET)
async def test_no_is_not_met(reply: Says) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        assert await client().ask(endpoint.url()) == NotMet()


@pytest.mark.parametrize("reply", _INCONCLUSIVE)
async def test_everything_else_is_inconclusive_and_told_without_secrets(reply: Says | Does) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        verdict = await client().ask(endpoint.url(_SECRET))
    assert isinstance(verdict, Inconclusive)
    assert verdict.reason
    assert "c2VjcmV0" not in verdict.reason
    assert len(endpoint.received) == 1


async def test_the_limit_of_an_answer_is_64_kib() -> None:
    padding = b" " * (65_536 - len(YES.body))
    async with ConditionEndpoint(Says(200, YES.body + padding), Says(200, YES.body + padding + b" ")) as endpoint:
        asking = client()
        assert await asking.ask(endpoint.url()) == Met()
        assert await asking.ask(endpoint.url()) == Inconclusive("http://127.0.0.1 answered more than the limit allows.")


@pytest.mark.parametrize("reply", [Does.HOLD, Does.BEGIN])
async def test_slowness_is_inconclusive(reply: Does) -> None:
    async with ConditionEndpoint(reply) as endpoint:
        verdict = await client(limits=QuestionLimits(within=_TINY)).ask(endpoint.url())
    assert verdict == Inconclusive("http://127.0.0.1 did not answer in full within 0.05 s.")


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/", "https://u:p@example.com/", "http://2130706433/", "nonsense"]
)
async def test_addresses_that_cannot_be_asked_are_inconclusive(url: str) -> None:
    assert isinstance(await client().ask(url), Inconclusive)


async def test_private_addresses_are_inconclusive_and_never_asked() -> None:
    async with ConditionEndpoint() as endpoint:
        verdict = await client(allowed="10.0.0.0/8").ask(endpoint.url(host=_NAME))
    assert isinstance(verdict, Inconclusive)
    assert "loopback" in verdict.reason
    assert endpoint.received == []


async def test_a_name_that_could_not_be_looked_up_was_not_asked_and_its_host_is_not_laid_to_rest() -> None:
    fetcher, breakers = Fetcher(Guard(BusyResolver()), tls=_TRUSTS_NOBODY), Breakers(_CLOCK, Resting(failures=1))
    asking = ConditionClient(fetcher, Turns(), breakers)
    verdicts = [await asking.ask(f"https://{_NAME}{_SECRET}") for _ in range(3)]
    assert verdicts == [NotAsked(f"no thread for {len(_NAME)} letters")] * 3


def to(place: str, status: int = 302) -> Says:
    return Says(status, NO.body, {"Location": place})


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("place", "target"),
    [("/check/", "/check/"), ("check/?case=42", "/check/?case=42"), ("?a=b", "/check?a=b"), ("//{}/x", "/x")],
)
async def test_a_redirect_within_a_host_is_followed(status: int, place: str, target: str) -> None:
    async with ConditionEndpoint(YES) as end:
        redirect = to(place.format(f"{_NAME.upper()}:{end.port}"), status)
        async with ConditionEndpoint(redirect, NO) as endpoint:
            verdict = await client().ask(endpoint.url("/check", _NAME))
    elsewhere = place.startswith("//")
    assert verdict == (Met() if elsewhere else NotMet())
    asked = end.received[0] if elsewhere else endpoint.received[1]
    assert (asked.method, asked.target, len(end.received)) == ("GET", target, int(elsewhere))


async def test_three_redirects_are_followed_and_no_more() -> None:
    async with ConditionEndpoint(*[to("/next")] * 3, otherwise=NO) as endpoint:
        assert await client().ask(endpoint.url()) == NotMet()
    assert len(endpoint.received) == 4
    async with ConditionEndpoint(otherwise=to("/")) as endless:
        verdict = await client().ask(endless.url())
    assert verdict == Inconclusive("the endpoint answered 302; no more than 3 redirects are followed")
    assert len(endless.received) == 4


async def test_http_may_lead_to_https_without_the_token(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, _NAME)
    async with ConditionEndpoint(NO, tls=certificate.server) as end, ConditionEndpoint() as endpoint:
        endpoint.script.append(to(end.url("/secure", _NAME), 301))
        asking = client(Introduction(Bearer(NumberedTokens()), over_http=True), tls=certificate.trust)
        assert await asking.ask(endpoint.url(host=_NAME)) == NotMet()
    assert endpoint.received[0].headers["authorization"] == "Bearer token-1"
    assert "authorization" not in end.received[0].headers


async def test_https_does_not_lead_down_to_http(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, _NAME)
    async with ConditionEndpoint() as end, ConditionEndpoint(tls=certificate.server) as endpoint:
        endpoint.script.append(to(end.url(host=_NAME)))
        verdict = await client(tls=certificate.trust).ask(endpoint.url(host=_NAME))
    assert verdict == Inconclusive("the endpoint answered 302; redirects from https to http are not followed")
    assert end.received == []


async def test_a_secret_does_not_go_along_with_a_redirect_and_a_signature_does() -> None:
    keys = read_webhook_keys("whsec_" + base64.b64encode(bytes(32)).decode())
    signature = Signature(lambda: keys, _CLOCK)
    for authentication, name, along in ((_FIELD, "x-api-key", False), (signature, "webhook-signature", True)):
        async with ConditionEndpoint(to("/check/"), NO) as endpoint:
            asking = client(Introduction(authentication, over_http=True))
            assert await asking.ask(endpoint.url("/check")) == NotMet()
        assert [name in asked.headers for asked in endpoint.received] == [True, along]


async def test_after_a_renewed_token_a_redirect_is_followed_without_it() -> None:
    async with ConditionEndpoint(Says(401), to("/check/"), NO) as endpoint:
        asking = client(Introduction(Bearer(NumberedTokens()), over_http=True))
        assert await asking.ask(endpoint.url("/check")) == NotMet()
    shown = [asked.headers.get("authorization") for asked in endpoint.received]
    assert shown == ["Bearer token-1", "Bearer token-2", None]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (f"http://other.example.com{_SECRET}", "redirects to another host are not followed"),
        (f"http://{_NAME}.{_SECRET[1:]}", "redirects to another host are not followed"),
        ("http://169.254.169.254/latest/", "redirects to another host are not followed"),
        (f"ftp://{_NAME}/", "it names an address that cannot be asked"),
        (f"http://user:c2VjcmV0@{_NAME}/", "it names an address that cannot be asked"),
        ("http://[::1", "it names an address that cannot be asked"),
        ("", "it names no address to go on to"),
        (None, "it names no address to go on to"),
    ],
)
async def test_a_redirect_that_leaves_the_host_goes_nowhere(place: str | None, why: str) -> None:
    redirect = Says(307, YES.body) if place is None else to(place, 307)
    async with ConditionEndpoint(redirect) as endpoint:
        verdict = await client().ask(endpoint.url(host=_NAME))
    assert verdict == Inconclusive(f"the endpoint answered 307; {why}")
    assert len(endpoint.received) == 1


async def test_every_redirect_goes_through_the_guard() -> None:
    resolver = FixedResolver(["127.0.0.1"], ["10.0.0.1"])
    asking = ConditionClient(
        Fetcher(Guard(resolver, Allowed.read(["127.0.0.0/8"])), tls=_TRUSTS_NOBODY), Turns(), Breakers(_CLOCK)
    )
    async with ConditionEndpoint(otherwise=to("/check/")) as endpoint:
        verdict = await asking.ask(endpoint.url("/check", _NAME))
    assert isinstance(verdict, Inconclusive)
    assert "lies at a private address" in verdict.reason
    assert len(endpoint.received) == 1


async def test_redirects_take_the_time_of_the_question() -> None:
    async with ConditionEndpoint(to("/slow"), Does.HOLD) as endpoint:
        verdict = await client(limits=QuestionLimits(within=4 * _TINY)).ask(endpoint.url())
    assert isinstance(verdict, Inconclusive)
    assert "did not answer in full" in verdict.reason


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wish", ["120", "Thu, 01 Jan 2026 00:02:00 GMT"])
async def test_an_endpoint_that_is_busy_says_when_to_come_back(status: int, wish: str) -> None:
    async with ConditionEndpoint(Says(status, b"", {"Retry-After": wish})) as endpoint:
        verdict = await client().ask(endpoint.url())
    assert verdict == Inconclusive(f"the endpoint answered {status}", timedelta(minutes=2))


async def test_only_who_is_busy_may_ask_for_time() -> None:
    async with ConditionEndpoint(Says(500, b"", {"Retry-After": "120"})) as endpoint:
        assert await client().ask(endpoint.url()) == Inconclusive("the endpoint answered 500")


async def test_without_tokens_nothing_authenticates_the_question() -> None:
    async with ConditionEndpoint(Says(401), otherwise=YES) as endpoint:
        assert isinstance(await client().ask(endpoint.url()), Inconclusive)
    (asked,) = endpoint.received
    assert "authorization" not in asked.headers


async def test_the_token_goes_along_over_https(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, _NAME)
    async with ConditionEndpoint(NO, tls=certificate.server) as endpoint:
        verdict = await client(Introduction(Bearer(NumberedTokens())), tls=certificate.trust).ask(
            endpoint.url("/check?case=42", _NAME)
        )
    assert verdict == NotMet()
    assert [(asked.target, asked.headers["authorization"]) for asked in endpoint.received] == [
        ("/check?case=42", "Bearer token-1")
    ]


async def test_the_token_stays_home_over_http_unless_allowed() -> None:
    async with ConditionEndpoint() as endpoint:
        assert await client(Introduction(Bearer(NumberedTokens()))).ask(endpoint.url()) == Met()
        open_client = client(Introduction(Bearer(NumberedTokens()), over_http=True))
        assert await open_client.ask(endpoint.url()) == Met()
    assert [asked.headers.get("authorization") for asked in endpoint.received] == [None, "Bearer token-1"]


@pytest.mark.parametrize(("second", "verdict"), [(YES, Met()), (Says(401), Inconclusive("the endpoint answered 401"))])
async def test_a_rejected_token_is_renewed_once_and_the_second_answer_stands(
    second: Says, verdict: Met | Inconclusive
) -> None:
    tokens = NumberedTokens()
    async with ConditionEndpoint(Says(401), second) as endpoint:
        asking = client(Introduction(Bearer(tokens), over_http=True))
        assert await asking.ask(endpoint.url()) == verdict
    assert [asked.headers["authorization"] for asked in endpoint.received] == ["Bearer token-1", "Bearer token-2"]
    assert tokens.rejected == ["token-1"]


async def test_without_a_token_to_be_had_the_endpoint_is_not_asked() -> None:
    async with ConditionEndpoint() as endpoint:
        asking = client(Introduction(Bearer(NoTokens()), over_http=True))
        verdicts = [await asking.ask(endpoint.url()) for _ in range(3)]
    assert verdicts == [NotAsked("Maskinporten could not answer a token: it answered 500")] * 3
    assert endpoint.received == [], "and it is not the endpoint that is laid to rest for it"


async def test_without_another_token_to_be_had_a_rejection_is_no_answer() -> None:
    class LastToken(NoTokens):
        async def token(self) -> str:
            return "token-1"

    async with ConditionEndpoint(Says(401)) as endpoint:
        verdict = await client(Introduction(Bearer(LastToken()), over_http=True)).ask(endpoint.url())
    assert verdict == NotAsked("Maskinporten could not answer a token: it answered 500 after 7 letters")
    assert len(endpoint.received) == 1


_FIELD = FixedField("X-Api-Key", lambda: "fjord-42-lamp")
_TRUSTING = [
    ((), True),
    ((_NAME,), True),
    ((".example.com",), True),
    (("other.example.com", ".example.com"), True),
    (("other.example.com",), False),
    (("example.com",), False),
    ((".condition.example.com",), False),
    (("ondition.example.com",), False),
]


@pytest.mark.parametrize(("hosts", "shown"), _TRUSTING)
async def test_hosts_that_are_not_trusted_are_asked_by_nobody_in_particular(
    hosts: tuple[str, ...], shown: bool
) -> None:
    async with ConditionEndpoint() as endpoint:
        asking = client(Introduction(_FIELD, hosts, over_http=True))
        assert await asking.ask(endpoint.url(host=_NAME.upper())) == Met()
    (asked,) = endpoint.received
    assert asked.headers.get("x-api-key") == ("fjord-42-lamp" if shown else None)


async def test_a_header_field_goes_along_over_https_only_and_its_rejection_stands(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path, _NAME)
    async with ConditionEndpoint(Says(401), tls=certificate.server) as endpoint, ConditionEndpoint() as unprotected:
        asking = client(Introduction(_FIELD), tls=certificate.trust)
        assert await asking.ask(endpoint.url(host=_NAME)) == Inconclusive("the endpoint answered 401")
        assert await asking.ask(unprotected.url()) == Met()
    assert [asked.headers["x-api-key"] for asked in endpoint.received] == ["fjord-42-lamp"]
    assert "x-api-key" not in unprotected.received[0].headers


async def url_of_nobody() -> str:
    """Return the address of a port on which nobody listens any more."""
    async with ConditionEndpoint() as gone:
        return gone.url()


async def test_a_host_that_cannot_be_reached_is_left_alone_for_a_while_and_not_asked() -> None:
    clock = HandTurnedClock(datetime(2026, 1, 1, tzinfo=UTC))
    nobody = await url_of_nobody()
    async with ConditionEndpoint() as endpoint:
        asking = client(clock=clock)
        for _ in range(2):
            assert isinstance(await asking.ask(nobody), Inconclusive), "asked in vain"
        clock.turn(timedelta(seconds=5))
        resting = NotAsked("http://127.0.0.1 failed repeatedly and is left alone for a while", timedelta(seconds=10))
        assert await asking.ask(endpoint.url()) == resting
        assert endpoint.received == []
        clock.turn(timedelta(seconds=10))
        assert await asking.ask(endpoint.url()) == Met()


@pytest.mark.parametrize("between", [YES, Says(500), Says(200), Does.DROP, Does.BREAK_OFF])
async def test_whatever_comes_over_a_connection_between_failures_keeps_the_host_awake(between: Says | Does) -> None:
    nobody = await url_of_nobody()
    async with ConditionEndpoint(between, YES) as endpoint:
        asking = client()
        verdicts = [await asking.ask(url) for url in (nobody, endpoint.url(), nobody, endpoint.url())]
    assert verdicts[-1] == Met()


@pytest.mark.parametrize("bad", [Says(500), Does.DROP, Does.BABBLE, Does.BREAK_OFF, Does.HOLD, Does.BEGIN])
async def test_one_bad_path_does_not_silence_its_neighbours(bad: Says | Does) -> None:
    async with ConditionEndpoint(otherwise=bad) as endpoint, ConditionEndpoint(YES) as neighbour:
        asking = client(limits=QuestionLimits(within=4 * _TINY))
        for _ in range(3):
            assert isinstance(await asking.ask(endpoint.url()), Inconclusive)
        assert len(endpoint.received) == 3
        assert await asking.ask(neighbour.url()) == Met()


async def test_a_slow_endpoint_occupies_its_own_turns_only() -> None:
    turns = TurnLimits(total=4, per_host=2, patience=_TINY)
    async with ConditionEndpoint(otherwise=Does.HOLD) as slow, ConditionEndpoint() as quick:
        asking = client(turns=turns)
        held = [asyncio.create_task(asking.ask(slow.url(host="slow.example.com"))) for _ in range(2)]
        await slow.wait_for(lambda: slow.in_flight == 2)
        verdict = await asking.ask(slow.url(host="slow.example.com"))
        assert verdict == NotAsked("http://slow.example.com is being asked too much at this moment")
        assert await asking.ask(quick.url(host="quick.example.com")) == Met()
        slow.release()
        assert await asyncio.gather(*held) == [Met(), Met()]
        assert len(slow.received) == 2


async def test_a_question_that_is_called_off_gives_its_turn_back() -> None:
    async with ConditionEndpoint(Does.HOLD) as endpoint:
        asking = client(turns=TurnLimits(total=1, per_host=1, patience=_TINY))
        task = asyncio.create_task(asking.ask(endpoint.url()))
        await endpoint.wait_for(lambda: endpoint.in_flight == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await asking.ask(endpoint.url()) == Met()
