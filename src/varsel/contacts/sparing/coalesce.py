"""Many questions in few calls: whoever asks boards the batch that is waiting, and all of it goes as one question.

A key that is under way already is waited for, never asked for twice. A refused question is halved, so that a key that
is refused for itself spoils no other key's answer; it is told as an unknown one, whose origin says `refused`. Where
nothing but refusals comes, whoever is asked is at fault and not the keys (docs/decisions/0016).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from varsel.contacts.protocol import Told
from varsel.errors import DependencyFailure, QuestionRefused
from varsel.model.contacts import Origin

L = TypeVar("L", bound=Hashable)
V = TypeVar("V")
_log = logging.getLogger(__name__)

_LISTENINGS = 16
"""Into so many moments a silence is divided."""

_MOST_SPLITS = 40
"""Finding one guilty key among a thousand takes ten; more without an answer in between mean another fault."""
_NOTHING_ELSE = "it gave no usable answer about anybody"


@dataclass(frozen=True, slots=True)
class Gathering:
    """When a batch leaves: with `size` keys, after `quiet` without a newcomer, or `longest` after its first key.

    The fuller it is the shorter the silence it waits for, since less is left to be gained; time in which the process
    was too busy to hear of newcomers counts little. At most `calls_at_once` batches of one kind of question are under
    way; while all are, the next keeps boarding. Kinds have turns of their own, so that a slow component holds up no
    question that needs another.
    """

    size: int = 1000
    quiet: timedelta = timedelta(milliseconds=20)
    longest: timedelta = timedelta(milliseconds=500)
    calls_at_once: int = 4


@dataclass(frozen=True, slots=True)
class _Landed(Generic[V]):
    """What became of a batch: each of its keys is in the origins of `told`, or in `troubles`."""

    told: Told[V]
    troubles: dict[str, DependencyFailure]

    def give(self, keys: Iterable[str], told: Told[V]) -> None:
        """Add what is told of `keys`; raises the first trouble of any of them."""
        for key in keys:
            if key in self.troubles:
                raise _anew(self.troubles[key])
            if key in self.told:
                told[key] = self.told[key]
            told.origins[key] = self.told.origins[key]


@dataclass(slots=True, eq=False)
class _Batch(Generic[V]):
    landed: asyncio.Future[_Landed[V]]
    begun: float
    keys: list[str] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)


class Coalescer(Generic[L, V]):
    """Gathers the keys of one kind of question. Keys of different lanes never share a batch.

    `ask` answers for a whole batch, with an origin for every key; it fails with `DependencyFailure`. `refused` gives
    the origin of a key that is refused now.
    """

    def __init__(
        self,
        subject: tuple[str, str],
        ask: Callable[[L, Sequence[str]], Awaitable[Told[V]]],
        refused: Callable[[], Origin],
        gathering: Gathering,
    ) -> None:
        self._subject = subject
        self._ask = ask
        self._refused = refused
        self._size = gathering.size
        self._quiet = gathering.quiet.total_seconds()
        self._longest = gathering.longest.total_seconds()
        self._turns = asyncio.Semaphore(gathering.calls_at_once)
        self._boarding: dict[L, _Batch[V]] = {}
        self._under_way: dict[L, dict[str, _Batch[V]]] = {}
        self._journeys: set[asyncio.Task[_Landed[V]]] = set()
        self._silence: set[str] = set()
        """Keys that were refused since anything was answered."""

    async def ask(self, lane: L, keys: Iterable[str]) -> Told[V]:
        """Return what is told of `keys`; raises `DependencyFailure` if there is no answer about one of them."""
        told: Told[V] = Told({}, {})
        for batch, share in self._board(lane, keys).items():
            # Shielded: one who gives up waiting must not take the answer away from the others.
            landed = await asyncio.shield(batch.landed)
            landed.give(share, told)
        return told

    async def close(self) -> None:
        """Give up what is under way; who waits for it is told so."""
        for journey in self._journeys:
            journey.cancel()
        await asyncio.gather(*self._journeys, return_exceptions=True)

    def _board(self, lane: L, keys: Iterable[str]) -> dict[_Batch[V], list[str]]:
        """Find the batch of each key: the one it is in already, or the one that is boarding."""
        under_way = self._under_way.setdefault(lane, {})
        shares: dict[_Batch[V], list[str]] = {}
        for key in keys:
            batch = under_way.get(key)
            if batch is None:
                batch = under_way[key] = self._boarding.get(lane) or self._begin(lane)
                self._add(lane, batch, key)
            shares.setdefault(batch, []).append(key)
        return shares

    def _begin(self, lane: L) -> _Batch[V]:
        loop = asyncio.get_running_loop()
        batch: _Batch[V] = _Batch(loop.create_future(), loop.time())
        self._boarding[lane] = batch
        journey = loop.create_task(self._travel(lane, batch))
        self._journeys.add(journey)
        journey.add_done_callback(lambda ended: self._arrive(lane, batch, ended))
        return batch

    def _add(self, lane: L, batch: _Batch[V], key: str) -> None:
        batch.keys.append(key)
        if len(batch.keys) >= self._size:
            del self._boarding[lane]
            batch.full.set()

    async def _travel(self, lane: L, batch: _Batch[V]) -> _Landed[V]:
        """Gather, wait for a turn, and ask."""
        await self._gather(batch)
        async with self._turns:
            self._depart(lane, batch)
            return await self._landed(lane, batch.keys)

    def _arrive(self, lane: L, batch: _Batch[V], journey: asyncio.Task[_Landed[V]]) -> None:
        """Tell everybody; however the journey ended, nobody is left waiting."""
        self._journeys.discard(journey)
        self._depart(lane, batch)
        self._forget(lane, batch.keys)
        batch.landed.set_result(self._outcome(batch.keys, journey))

    def _outcome(self, keys: Sequence[str], journey: asyncio.Task[_Landed[V]]) -> _Landed[V]:
        if journey.cancelled():
            return self._stopped(keys)
        broken = journey.exception()
        if isinstance(broken, Exception):
            return _Landed(Told({}, {}), dict.fromkeys(keys, self._named(broken)))
        return journey.result()

    async def _gather(self, batch: _Batch[V]) -> None:
        """Wait for company."""
        loop, aboard, silence = asyncio.get_running_loop(), 0, 0.0
        while not batch.full.is_set() and loop.time() < batch.begun + self._longest:
            if len(batch.keys) > aboard:
                aboard, silence = len(batch.keys), 0.0
            bearable = self._quiet * (1 - aboard / self._size)
            if silence >= bearable:
                return
            silence += await self._listen(batch, bearable / _LISTENINGS)

    async def _listen(self, batch: _Batch[V], moment: float) -> float:
        """Wait a moment; return the time that counts as silence if nobody came.

        That is at most twice the moment, however long it took: while the loop is busy, such as with handing out a
        thousand answers, newcomers stand at the door unheard.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(min(began + moment, batch.begun + self._longest)):
                await batch.full.wait()
        except TimeoutError:
            pass
        return min(loop.time() - began, 2 * moment)

    def _depart(self, lane: L, batch: _Batch[V]) -> None:
        if self._boarding.get(lane) is batch:
            del self._boarding[lane]

    def _forget(self, lane: L, keys: Iterable[str]) -> None:
        under_way = self._under_way[lane]
        for key in keys:
            del under_way[key]
        if not under_way:
            del self._under_way[lane]

    def _stopped(self, keys: Iterable[str]) -> _Landed[V]:
        stopping = DependencyFailure(*self._subject, "Varsel is stopping")
        return _Landed(Told({}, {}), dict.fromkeys(keys, stopping))

    async def _landed(self, lane: L, keys: Sequence[str]) -> _Landed[V]:
        """Ask for all keys together. If the question is refused, halve it, down to the guilty keys."""
        landed: _Landed[V] = _Landed(Told({}, {}), {})
        refusals: dict[str, QuestionRefused] = {}
        waiting, splits = [keys], _MOST_SPLITS
        while waiting:
            part = waiting.pop()
            try:
                told = await self._ask(lane, part)
            except QuestionRefused as refusal:
                if len(part) == 1:
                    refusals[part[0]] = refusal
                elif not splits:
                    landed.troubles.update(dict.fromkeys(part, refusal))
                else:
                    splits -= 1
                    waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
            except Exception as failure:  # noqa: BLE001 - those who wait must hear of it, whatever it is
                landed.troubles.update(dict.fromkeys(part, self._named(failure)))
            else:
                splits = _MOST_SPLITS
                landed.told.update(told)
                landed.told.origins.update(told.origins)
        self._judge(landed, refusals, keys)
        return landed

    def _judge(self, landed: _Landed[V], refusals: Mapping[str, QuestionRefused], keys: Sequence[str]) -> None:
        """Decide whose fault refusals are: the keys' if others are answered, else that of whoever is asked.

        A key that travelled alone is believed to be at fault, but no second one with nothing answered in between.
        """
        odd = [key for key, origin in landed.told.origins.items() if origin.refused]
        if len(odd) < len(landed.told.origins):
            self._silence.clear()
        elif (refusals or odd) and len(self._silence) <= 1:
            self._silence.update(keys)
        if len(self._silence) <= 1:
            landed.told.origins.update((key, self._refused()) for key in refusals)
            return
        landed.troubles.update((key, _of_everything(refusal)) for key, refusal in refusals.items())
        for key in odd:
            del landed.told.origins[key]
            landed.troubles[key] = DependencyFailure(*self._subject, _NOTHING_ELSE)
        for refusal in {refusal.dependency: refusal for refusal in refusals.values()}.values():
            refusal.blame()

    def _named(self, failure: Exception) -> DependencyFailure:
        if isinstance(failure, DependencyFailure):
            return failure
        _log.error("asking %s for %s broke", *self._subject, exc_info=failure)
        return DependencyFailure(*self._subject, f"{type(failure).__name__} while asking; the log says more")


def _of_everything(refusal: QuestionRefused) -> DependencyFailure:
    return DependencyFailure(refusal.dependency, refusal.operation, f"{refusal.reason}, whoever was asked about")


def _anew(failure: DependencyFailure) -> DependencyFailure:
    """Make the error again for each who waits: raising one object many times would grow its traceback for ever."""
    return type(failure)(failure.dependency, failure.operation, failure.reason)
