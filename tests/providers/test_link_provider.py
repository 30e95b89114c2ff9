"""The LINK provider against a scripted gateway, over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.link_gateway import LinkGateway, messages_in
from tests.support.link_replies import Reply
from varsel.channels.protocol import Accepted, Outcome, Provider, Settled, SmsMessage, Transient, Unknown
from varsel.channels.sms_link import LinkProvider, LinkSettings
from varsel.errors import ProviderUnreachable
from varsel.model.clock import HandTurnedClock
from varsel.model.results import Result

S = timedelta(seconds=1)
SOON = timedelta(milliseconds=200)


@dataclass
class Sender:
    """A provider and what it settled."""

    provider: Provider[SmsMessage]
    clock: HandTurnedClock
    settled: dict[int, Outcome] = field(default_factory=dict)

    def settle(self, position: int, outcome: Outcome) -> None:
        assert position not in self.settled, "settled twice"
        self.settled[position] = outcome

    async def send(self, count: int = 1) -> list[Outcome]:
        self.settled.clear()
        await self.provider.send(texts(count), self.settle)
        return [self.settled[position] for position in range(count)]

    async def send_one(self) -> Outcome:
        (outcome,) = await self.send()
        return outcome


def texts(count: int) -> list[SmsMessage]:
    return [SmsMessage(UUID(int=n), f"+479999{n:04}", "Altinn", f"text {n}", timedelta(hours=48)) for n in range(count)]


@asynccontextmanager
async def sending(url: str, **fields: object) -> AsyncIterator[Sender]:
    clock = HandTurnedClock(datetime(2026, 3, 1, tzinfo=UTC))
    given = {"username": "user", "password": "hemmelig", "url": url, **fields}
    provider = LinkProvider(LinkSettings(**given), clock, chance=lambda: 0.5)  # type: ignore[arg-type]  # fields vary by test
    try:
        yield Sender(provider, clock)
    finally:
        await provider.close()


@asynccontextmanager
async def conversation(*script: Reply, **fields: object) -> AsyncIterator[tuple[LinkGateway, Sender]]:
    async with LinkGateway(*script) as gateway, sending(gateway.url, **fields) as sender:
        yield gateway, sender


async def outcome_of(reply: Reply, **fields: object) -> Outcome:
    async with conversation(reply, **fields) as (_, sender):
        return await sender.send_one()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_an_accepted_message_carries_the_gateways_reference() -> None:
    async with conversation() as (gateway, sender):
        assert await sender.send_one() == Accepted("984342374")
    (posted,) = gateway.posted
    assert posted.headers["content-type"] == "text/xml; charset=utf-8"
    assert list(messages_in(posted.body)[0].items()) == [
        ("ID", "1"),
        ("TEXT", "text 0"),
        ("SND", "Altinn"),
        ("RCV", "4799990000"),
        ("TTL", "2880"),
    ]


async def test_header_and_bytes_agree_in_latin_1() -> None:
    async with conversation(charset="iso-8859-1") as (gateway, sender):
        await sender.send_one()
    (posted,) = gateway.posted
    assert posted.headers["content-type"] == "text/xml; charset=iso-8859-1"
    assert posted.body.startswith(b'<?xml version="1.0" encoding="iso-8859-1"?>')


@pytest.mark.parametrize("reply", [Reply.OK_WITH_DOCTYPE, Reply.OK_IN_LATIN_1, Reply.OK_AFTER_BLANK_LINE])
async def test_answers_in_other_clothes_are_read(reply: Reply) -> None:
    assert await outcome_of(reply) == Accepted("984342374")


async def test_an_acceptance_without_reference() -> None:
    assert await outcome_of(Reply.MISSING_REF) == Accepted(None)


async def test_an_invalid_receiver_is_final_and_its_number_masked() -> None:
    assert await outcome_of(Reply.INVALID_RCV) == Settled(Result.SMS_FAILED_INVALID_RECIPIENT, "Invalid RCV: ***")


async def test_another_refusal_is_final_and_its_addresses_masked() -> None:
    assert await outcome_of(Reply.REFUSED) == Settled(Result.SMS_FAILED, "Text of *** to *** refused")


async def test_a_refusal_without_a_word() -> None:
    assert await outcome_of(Reply.REFUSED_WITHOUT_INFO) == Settled(Result.SMS_FAILED, "refused without a reason")


@pytest.mark.parametrize(
    "reply",
    [
        Reply.MISSING_MSG,
        Reply.LOGON_MISSING,
        Reply.EMPTY,
        Reply.JUNK,
        Reply.WEB_PAGE,
        Reply.ENTITIES,
        Reply.ENDLESS,
        Reply.DROP,
        Reply.HTTP_502,
    ],
)
async def test_without_a_readable_answer_the_outcome_is_unknown_and_the_provider_does_not_ask_again(
    reply: Reply,
) -> None:
    async with conversation(reply) as (gateway, sender):
        assert isinstance(await sender.send_one(), Unknown)
        assert len(gateway.posted) == 1


async def test_a_gateway_that_hangs_leaves_the_outcome_unknown() -> None:
    assert isinstance(await outcome_of(Reply.HANG, timeout=SOON), Unknown)


async def test_a_refused_account_pauses_the_channel_at_once() -> None:
    async with conversation(Reply.LOGON_FAIL, concurrency=1) as (gateway, sender):
        outcomes = await sender.send(3)
        assert [(type(o), getattr(o, "pause", None)) for o in outcomes] == [(Transient, True)] * 3
        assert len(gateway.posted) == 1


async def test_the_refusal_of_an_account_says_what_to_do() -> None:
    outcome = await outcome_of(Reply.LOGON_FAIL)
    assert isinstance(outcome, Transient)
    assert "No such account ***" in outcome.detail
    assert "check user name and password" in outcome.detail
    assert outcome.retry_after == 5 * S


@pytest.mark.parametrize(("reply", "status"), [(Reply.HTTP_404, 404), (Reply.HTTP_503, 503)])
async def test_a_status_that_says_nothing_was_done_may_be_tried_again(reply: Reply, status: int) -> None:
    assert await outcome_of(reply) == Transient(f"the gateway answered HTTP {status}")


@pytest.mark.parametrize(("reply", "status"), [(Reply.HTTP_500, 500), (Reply.HTTP_502, 502), (Reply.HTTP_504, 504)])
async def test_a_gateway_that_failed_with_the_message_leaves_the_outcome_unknown(reply: Reply, status: int) -> None:
    """It may have sent it first, and a proxy before it knows only that no answer came."""
    assert await outcome_of(reply) == Unknown(f"the gateway answered HTTP {status}")


@pytest.mark.parametrize("reply", [Reply.HTTP_429, Reply.HTTP_429_DATE])
async def test_too_many_requests_pauses_as_long_as_the_gateway_wishes(reply: Reply) -> None:
    assert await outcome_of(reply) == Transient("the gateway answered HTTP 429", 90 * S, pause=True)


async def test_redirects_are_not_followed() -> None:
    outcome = await outcome_of(Reply.REDIRECT)
    assert isinstance(outcome, Transient)
    assert "check the address" in outcome.detail


async def test_a_refused_connection_may_be_tried_again() -> None:
    async with sending(f"http://127.0.0.1:{closed_port()}/") as sender:
        assert await sender.send_one() == Transient("the gateway was not reached (ConnectError)", reached=False)


async def test_a_connection_that_never_opens_may_be_tried_again() -> None:
    # The gateway waits for the end of an HTTP head, so the TLS handshake gets no answer.
    async with LinkGateway() as gateway:
        url = gateway.url.replace("http:", "https:")
        async with sending(url, connect_timeout=SOON) as sender:
            assert await sender.send_one() == Transient("the gateway was not reached (ConnectTimeout)", reached=False)


async def test_connections_are_used_again() -> None:
    async with conversation(concurrency=1) as (gateway, sender):
        await sender.send(5)
        assert (len(gateway.posted), gateway.connections) == (5, 1)


async def test_a_connection_the_gateway_closed_is_replaced() -> None:
    async with conversation(Reply.OK_THEN_CLOSE, concurrency=1) as (gateway, sender):
        assert all(isinstance(outcome, Accepted) for outcome in [*await sender.send(1), *await sender.send(1)])
        assert gateway.connections == 2


async def test_no_more_requests_in_flight_than_allowed_over_all_calls() -> None:
    async with conversation(*[Reply.HOLD] * 8, concurrency=3) as (gateway, sender):
        other: dict[int, Outcome] = {}
        calls = asyncio.gather(sender.send(4), sender.provider.send(texts(4), other.__setitem__))
        await gateway.wait_for(lambda: gateway.in_flight == 3)
        gateway.release()
        await calls
        assert gateway.most_in_flight == 3
        assert len(gateway.posted) == len(sender.settled) + len(other) == 8


async def test_several_messages_in_one_request_each_get_their_own_outcome() -> None:
    async with conversation(messages_per_request=3) as (gateway, sender):
        gateway.refusals["4799990001"] = "Invalid RCV"
        outcomes = await sender.send(5)
    assert sorted(len(messages_in(posted.body)) for posted in gateway.posted) == [2, 3]
    assert outcomes[1] == Settled(Result.SMS_FAILED_INVALID_RECIPIENT, "Invalid RCV")
    references = {outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)}
    assert len(references) == 4


async def test_a_message_missing_among_several_is_unknown_alone() -> None:
    async with conversation(Reply.MISSING_MSG, messages_per_request=2) as (_, sender):
        first, second = await sender.send(2)
    assert isinstance(first, Unknown)
    assert isinstance(second, Accepted)


async def test_after_failures_in_a_row_the_gateway_is_left_alone_and_then_tried_once() -> None:
    script = [Reply.HTTP_503, Reply.HTTP_500, Reply.HTTP_503, Reply.HTTP_503]
    async with conversation(*script, concurrency=1, breaker_failures=3) as (gateway, sender):
        counted, unknown, tripping, spared = await sender.send(4)
        assert counted == Transient("the gateway answered HTTP 503")
        assert isinstance(unknown, Unknown)
        assert tripping == Transient("the gateway answered HTTP 503", 5 * S, pause=True)
        left_alone = "the gateway is left alone after failures"
        assert spared == Transient(left_alone, 5 * S, pause=True, offered=False, reached=False)
        assert len(gateway.posted) == 3

        sender.clock.turn(5 * S)
        again, spared_again = await sender.send(2)
        assert again == Transient("the gateway answered HTTP 503", 10 * S, pause=True)
        assert isinstance(spared_again, Transient)
        assert len(gateway.posted) == 4

        sender.clock.turn(10 * S)
        assert all(isinstance(outcome, Accepted) for outcome in await sender.send(3))


async def test_stopped_before_their_turn_messages_are_certainly_not_sent() -> None:
    async with conversation(Reply.HOLD, concurrency=1) as (gateway, sender):
        sending_three = asyncio.create_task(sender.send(3))
        await gateway.wait_for(lambda: gateway.in_flight == 1)
        sending_three.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending_three
        assert sorted(sender.settled) == [1, 2]
        assert all(isinstance(outcome, Transient) for outcome in sender.settled.values())


async def test_no_outcome_shows_secrets_or_numbers(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Outcome] = []
    async with conversation(*Reply, timeout=SOON, concurrency=1) as (gateway, sender):
        for _ in Reply:
            seen += await sender.send()
            sender.clock.turn(timedelta(hours=2))
        assert not gateway.script
    assert "left alone for 5 s" in caplog.text
    told = caplog.text + repr(seen)
    assert all(secret not in told for secret in ("hemmelig", "99990000", "99999999", "text 0", "123456"))


async def test_check_reaches_the_gateway_and_sends_nothing() -> None:
    async with conversation() as (gateway, sender):
        sentence = await sender.provider.check()
        assert "answers (HTTP 200)" in sentence
        assert gateway.posted == []


async def test_check_says_what_to_do_when_nobody_answers() -> None:
    async with sending(f"http://127.0.0.1:{closed_port()}/") as sender:
        with pytest.raises(ProviderUnreachable, match="Check its address"):
            await sender.provider.check()


async def test_capabilities() -> None:
    async with sending("http://127.0.0.1:9/", concurrency=8, messages_per_request=10) as sender:
        assert (sender.provider.name, sender.provider.capabilities.window) == ("link", 80)
        assert sender.provider.capabilities.reports
