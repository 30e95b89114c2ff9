"""Chains remembered by a process: only what is certain, and not for ever."""

from datetime import timedelta

from tests.support.future_bodies import CHAIN, chain_from
from tests.support.rig import NOON
from varsel.intake.wire_future import ChainRequest
from varsel.model.chains import Chain
from varsel.model.clock import HandTurnedClock
from varsel.storage.chains import Key, KnownChain, key_of
from varsel.storage.remembered_chains import RememberedChains


def a_chain(idempotency_id: str, reminders: int = 1) -> Chain:
    document = CHAIN | {"idempotencyId": idempotency_id, "reminders": CHAIN["reminders"][:1] * reminders}
    return chain_from(ChainRequest, document)


def kept(remembered: RememberedChains, chain: Chain) -> tuple[Key, KnownChain]:
    known = KnownChain(chain.request_hash, chain.placed)
    remembered.keep(key_of(chain), known)
    return key_of(chain), known


def test_what_is_kept_is_recalled_by_its_whole_key() -> None:
    remembered = RememberedChains(HandTurnedClock(NOON))
    (creator, family, idempotency_id), known = kept(remembered, a_chain("case-1"))
    assert remembered.recall((creator, family, idempotency_id)) is known
    assert remembered.recall(("skd", family, idempotency_id)) is None
    assert remembered.recall((creator, family, "case-2")) is None


def test_it_is_forgotten_after_an_hour() -> None:
    clock = HandTurnedClock(NOON)
    remembered = RememberedChains(clock)
    key, known = kept(remembered, a_chain("case-1"))
    clock.turn(timedelta(minutes=59, seconds=59))
    assert remembered.recall(key) is known
    clock.turn(timedelta(seconds=1))
    assert remembered.recall(key) is None


def test_the_oldest_makes_room() -> None:
    remembered = RememberedChains(HandTurnedClock(NOON), capacity=2)
    first, second, third = (kept(remembered, a_chain(name))[0] for name in ("a", "b", "c"))
    assert remembered.recall(first) is None
    assert remembered.recall(second) is not None
    assert remembered.recall(third) is not None


def test_large_chains_are_left_to_the_database() -> None:
    remembered = RememberedChains(HandTurnedClock(NOON))
    assert remembered.recall(kept(remembered, a_chain("few", 20))[0]) is not None
    assert remembered.recall(kept(remembered, a_chain("many", 21))[0]) is None
