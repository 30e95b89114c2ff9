"""How many connections there are, and what happens when there can be none."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.support.fast_sink import fast_sink
from tests.support.smtp_sending import START, message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import obliging, puppet
from varsel.channels.email_smtp import SmtpProvider, SmtpSettings
from varsel.channels.email_smtp.breaker import Breaker
from varsel.channels.protocol import Accepted, EmailMessage, Provider, Transient
from varsel.model.clock import HandTurnedClock

FIRST, LONGEST = timedelta(seconds=5), timedelta(minutes=5)


async def test_it_is_a_provider_of_email() -> None:
    provider: Provider[EmailMessage] = SmtpProvider(SmtpSettings(host="mx.example.com"), HandTurnedClock(START))
    assert provider.name == "smtp"
    assert provider.capabilities.window == 200
    assert not provider.capabilities.reports
    small = SmtpProvider(SmtpSettings(host="mx.example.com", max_connections=2), HandTurnedClock(START))
    assert small.capabilities.window == 8


async def test_everything_arrives_over_many_connections() -> None:
    async with fast_sink() as sink, smtp_provider(sink.port, max_connections=8) as provider:
        batches = await asyncio.gather(*(outcomes(provider, messages(200)) for _ in range(5)))
    assert all(isinstance(one, Accepted) for batch in batches for one in batch)
    assert sink.count == 1000
    assert sink.most_connections <= 8


async def test_a_slow_server_gets_as_many_connections_as_allowed() -> None:
    async with fast_sink(delay=0.02) as sink, smtp_provider(sink.port, max_connections=6) as provider:
        await outcomes(provider, messages(60))
    assert sink.most_connections == 6


async def test_a_single_message_takes_a_single_connection() -> None:
    async with fast_sink() as sink, smtp_provider(sink.port) as provider:
        for number in range(10):
            await outcome(provider, message(number=number))
    assert sink.most_connections == 1


async def test_a_server_that_wants_fewer_connections_gets_fewer() -> None:
    greetings = 0

    def script(line: str) -> str:
        nonlocal greetings
        if not line:
            greetings += 1
            return "220 puppet" if greetings <= 2 else "421 4.7.0 Too many connections"
        return obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=20) as provider:
        results = await outcomes(provider, messages(100))
        assert all(isinstance(one, Accepted) for one in results)
        refused = server.connections
        assert all(isinstance(one, Accepted) for one in await outcomes(provider, messages(100)))
        assert server.connections == refused


async def test_a_server_that_is_down_is_left_alone_for_growing_pauses() -> None:
    clock = HandTurnedClock(START)
    attempts = 0

    def script(line: str) -> str:
        nonlocal attempts
        attempts += not line
        return "554 5.3.2 No service here"

    async with (
        puppet(script) as server,
        smtp_provider(server.port, clock=clock, failure_threshold=2, pause_first=FIRST) as provider,
    ):
        results = await outcomes(provider, messages(3))
        assert attempts == 2
        assert all(isinstance(one, Transient) and one.pause and one.retry_after for one in results)
        assert isinstance(await outcome(provider, message()), Transient)
        assert attempts == 2
        clock.turn(timedelta(seconds=7))
        again = await outcome(provider, message())
        assert attempts == 3
        assert isinstance(again, Transient)
        assert again.retry_after is not None
        assert again.retry_after > timedelta(seconds=6)


async def test_a_server_that_comes_back_is_used_again() -> None:
    clock = HandTurnedClock(START)
    down = True

    def script(line: str) -> str:
        return "554 5.3.2 Down" if down else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, clock=clock, failure_threshold=1) as provider:
        assert isinstance(await outcome(provider, message()), Transient)
        down = False
        clock.turn(timedelta(seconds=10))
        assert isinstance(await outcome(provider, message()), Accepted)
        assert isinstance(await outcome(provider, message(number=1)), Accepted)


async def test_nothing_listening_is_no_exception() -> None:
    async with fast_sink() as sink:
        port = sink.port
    async with smtp_provider(port, failure_threshold=1) as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert result.pause
    assert "cannot be reached" in result.detail


def test_the_breaker_doubles_its_pauses_up_to_a_limit() -> None:
    breaker, now = Breaker(2, FIRST, LONGEST), datetime(2026, 1, 1, tzinfo=UTC)
    breaker.failed("down", now, lasting=False)
    assert breaker.rest(now) is None
    pauses = []
    for _ in range(12):
        breaker.failed("down", now, lasting=False)
        pause = breaker.rest(now)
        assert pause is not None
        pauses.append(pause)
        now += pause
        assert breaker.rest(now) is None
    assert all(0.8 * FIRST <= pause <= 1.2 * LONGEST for pause in pauses)
    assert pauses[0] <= 1.2 * FIRST
    assert pauses[1] >= 1.6 * FIRST
    assert pauses[-1] >= 0.8 * LONGEST
    breaker.succeeded()
    breaker.failed("down", now, lasting=False)
    assert breaker.rest(now) is None


def test_a_lasting_failure_opens_the_breaker_at_once() -> None:
    breaker, now = Breaker(5, FIRST, LONGEST), datetime(2026, 1, 1, tzinfo=UTC)
    breaker.failed("wrong password", now, lasting=True)
    assert breaker.rest(now) is not None
    assert breaker.reason == "wrong password"
