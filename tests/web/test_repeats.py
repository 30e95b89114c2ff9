"""Requests that come again byte for byte: what is remembered of them, how long, and for whom."""

import codecs
from collections.abc import AsyncIterator
from datetime import timedelta

from tests.support.rig import NOON
from varsel.intake.credentials import Caller
from varsel.intake.repeats import SAME, Repeat, Repeats, Signature, signature_of
from varsel.intake.wire_future import ChainRequest, ComposedRequest
from varsel.model.clock import HandTurnedClock

UTF_8, UTF_16 = (codecs.getincrementaldecoder(name) for name in ("utf-8", "utf-16-le"))
TTD, SKD = Caller("ttd"), Caller("skd")
ANSWER = Repeat(b"{}", SAME, until=None)
HISTORY = "the first server"


def signed(body: bytes = b"{}") -> Signature:
    signature = signature_of(TTD, ChainRequest, UTF_8, body)
    assert signature is not None
    return signature


def test_an_answer_is_recalled_for_the_very_same_request_only() -> None:
    repeats = Repeats(HandTurnedClock(NOON), lambda: HISTORY)
    repeats.keep(signed(), ANSWER, HISTORY)

    assert repeats.recall(signed()) is ANSWER
    others = [
        signature_of(SKD, ChainRequest, UTF_8, b"{}"),
        signature_of(TTD, ComposedRequest, UTF_8, b"{}"),
        signature_of(TTD, ChainRequest, UTF_16, b"{}"),
        signature_of(TTD, ChainRequest, UTF_8, b"{ }"),
    ]
    for other in others:
        assert other is not None
        assert repeats.recall(other) is None


async def streamed() -> AsyncIterator[bytes]:
    yield b"{}"


def test_what_nobody_may_place_and_what_is_not_at_hand_has_no_signature() -> None:
    assert signature_of(Caller(None), ChainRequest, UTF_8, b"{}") is None
    assert signature_of(TTD, ChainRequest, UTF_8, streamed()) is None


def test_an_answer_is_forgotten_after_an_hour() -> None:
    clock = HandTurnedClock(NOON)
    repeats = Repeats(clock, lambda: HISTORY)
    repeats.keep(signed(), ANSWER, HISTORY)

    clock.turn(timedelta(minutes=59, seconds=59))
    assert repeats.recall(signed()) is ANSWER
    clock.turn(timedelta(seconds=1))
    assert repeats.recall(signed()) is None


def test_an_answer_is_forgotten_when_a_rule_would_judge_the_request_otherwise() -> None:
    clock = HandTurnedClock(NOON)
    repeats = Repeats(clock, lambda: HISTORY)
    answer = Repeat(b"{}", SAME, until=NOON + timedelta(minutes=5))
    repeats.keep(signed(), answer, HISTORY)

    clock.turn(timedelta(minutes=5))
    assert repeats.recall(signed()) is answer
    clock.turn(timedelta(microseconds=1))
    assert repeats.recall(signed()) is None


def test_the_oldest_makes_room() -> None:
    repeats = Repeats(HandTurnedClock(NOON), lambda: HISTORY, capacity=2)
    for body in (b"a", b"b", b"c"):
        repeats.keep(signed(body), ANSWER, HISTORY)

    assert [repeats.recall(signed(body)) for body in (b"a", b"b", b"c")] == [None, ANSWER, ANSWER]


def test_long_answers_are_left_to_the_database() -> None:
    repeats = Repeats(HandTurnedClock(NOON), lambda: HISTORY)
    repeats.keep(signed(b"few"), Repeat(b" " * 2_048, SAME, until=None), HISTORY)
    repeats.keep(signed(b"many"), Repeat(b" " * 2_049, SAME, until=None), HISTORY)

    assert repeats.recall(signed(b"few")) is not None
    assert repeats.recall(signed(b"many")) is None


def test_an_answer_holds_only_in_the_history_its_chain_was_stored_in() -> None:
    current: str | None = HISTORY
    repeats = Repeats(HandTurnedClock(NOON), lambda: current)
    repeats.keep(signed(), ANSWER, HISTORY)

    current = None  # a connection broke: perhaps a failover, perhaps not
    assert repeats.recall(signed()) is None
    current = HISTORY
    assert repeats.recall(signed()) is ANSWER
    current = "a server that took over"
    assert repeats.recall(signed()) is None
    current = HISTORY
    assert repeats.recall(signed()) is None


def test_an_answer_of_an_unknown_history_is_not_remembered() -> None:
    repeats = Repeats(HandTurnedClock(NOON), lambda: HISTORY)
    repeats.keep(signed(), ANSWER, None)
    assert repeats.recall(signed()) is None
