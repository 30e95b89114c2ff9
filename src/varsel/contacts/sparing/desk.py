"""Where one kind of question is answered: from memory if it can be, else by the directory, in company."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from varsel.contacts.protocol import Told
from varsel.contacts.sparing.coalesce import Coalescer, Gathering
from varsel.contacts.sparing.memory import Memory
from varsel.contacts.sparing.packing import Packing, minute_of, origin
from varsel.contacts.sparing.shared import Exchange, SharedAnswers
from varsel.model.clock import Clock
from varsel.model.contacts import LeftAnswer, Origin

L = TypeVar("L", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Tally:
    """Counts since the start: identifiers asked about, those of them that were remembered and those whose answers were
    taken from other processes; batches put to the directory.
    """

    asked: int = 0
    remembered: int = 0
    taken: int = 0
    batches: int = 0


class Sources:
    """Names of directories as small numbers; the first is the directory that is asked."""

    def __init__(self, first: str) -> None:
        self._names = [first]
        self._numbers = {first: 0}

    def number(self, name: str) -> int:
        """Return the number of a name, a new one when it is new."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number

    def name(self, number: int) -> str:
        """Return the name of a number."""
        return self._names[number]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all kinds of questions to one directory have in common."""

    directory: str
    clock: Clock
    memory: Memory
    gathering: Gathering
    sources: Sources
    answers: SharedAnswers | None = None
    """Where processes leave their answers for each other; None where there is no other process."""
    tally: Tally = field(default_factory=Tally)

    def exchange(self, operation: str, max_age: timedelta) -> Exchange | None:
        """Return the exchange of one kind of question, if answers to it are exchanged."""
        if self.answers is None or not max_age:
            return None
        return Exchange(self.answers, self.clock, max_age, directory=self.directory, operation=operation)


class Desk(Generic[L, V]):
    """Answers one kind of question. `ask` puts a whole batch of one lane to the directory."""

    def __init__(
        self,
        operation: str,
        packing: Packing[V],
        max_age: timedelta,
        ask: Callable[[L, Sequence[str]], Awaitable[Mapping[str, V]]],
        shared: Shared,
    ) -> None:
        self._packing = packing
        self._ask = ask
        self._shared = shared
        self._drawer = shared.memory.drawer(max_age)
        self._exchange = shared.exchange(operation, max_age)
        subject = shared.directory, operation
        self._coalescer = Coalescer[L, V](subject, self._asked, self._refused_now, shared.gathering)

    async def answer(self, lane: L, keys: Collection[str]) -> Told[V]:
        """Tell about `keys`; raises `DependencyFailure` unless there is an answer about every one of them."""
        remembered, missing = self._drawer.look(lane, keys)
        self._shared.tally.asked += len(keys)
        self._shared.tally.remembered += len(remembered)
        told = await self._coalescer.ask(lane, missing) if missing else Told[V]({}, {})
        for key, packed in remembered.items():
            value, source, minute = self._packing.unpack(key, packed)
            told.origins[key] = origin(self._shared.sources.name(source), minute)
            if value is not None:
                told[key] = value
        return told

    async def close(self) -> None:
        """Give up what is under way."""
        await self._coalescer.close()

    async def _asked(self, lane: L, keys: Sequence[str]) -> Told[V]:
        """Take what other processes have left about a batch, and put the rest to the directory."""
        if self._exchange is None:
            return await self._put(lane, keys)
        told = self._taken(lane, await self._exchange.take(lane, keys))
        rest = [key for key in keys if key not in told.origins]
        if rest:
            found = await self._put(lane, rest)
            told.update(found)
            told.origins.update(found.origins)
        return told

    def _taken(self, lane: L, left: Mapping[str, LeftAnswer]) -> Told[V]:
        """Remember and tell answers that other processes got, for what is left of their age."""
        told = Told[V]({}, {})
        by_time: dict[datetime, dict[str, bytes]] = {}
        for key, answer in left.items():
            value, _, minute = self._packing.unpack(key, answer.packed)
            source = self._shared.sources.number(answer.directory)  # numbers are each process's own
            by_time.setdefault(answer.asked_at, {})[key] = self._packing.pack(key, value, source, minute)
            told.origins[key] = origin(answer.directory, minute)
            if value is not None:
                told[key] = value
        for asked_at, packed in sorted(by_time.items()):
            self._drawer.keep(lane, packed, asked_at)
        self._shared.tally.taken += len(left)
        return told

    async def _put(self, lane: L, keys: Sequence[str]) -> Told[V]:
        """Put keys to the directory, and remember and leave what it says, for the age counted from now.

        Whom it refuses is not remembered: that may pass sooner than any age.
        """
        asked_at = self._shared.clock.now()
        self._shared.tally.batches += 1
        found = await self._ask(lane, keys)
        minute, sources, refused = minute_of(asked_at), self._sources(found, keys), _refused(found)
        usable = [key for key in keys if key not in refused] if refused else keys
        packed = {key: self._packing.pack(key, found.get(key), sources[key], minute) for key in usable}
        self._drawer.keep(lane, packed, asked_at)
        name = self._shared.sources.name
        if self._exchange is not None and packed:
            left = {key: LeftAnswer(name(sources[key]), answer, asked_at) for key, answer in packed.items()}
            await self._exchange.leave(lane, left, asked_at=asked_at)
        told = Told(found, {key: origin(name(source), minute) for key, source in sources.items()})
        told.origins.update((key, told.origins[key]._replace(refused=True)) for key in refused)
        return told

    def _refused_now(self) -> Origin:
        return origin(self._shared.directory, minute_of(self._shared.clock.now()))._replace(refused=True)

    def _sources(self, found: Mapping[str, V], keys: Sequence[str]) -> dict[str, int]:
        """Tell which directory spoke about each of `keys`: the one that is asked, unless it says otherwise itself."""
        if not isinstance(found, Told):
            return dict.fromkeys(keys, 0)
        number = self._shared.sources.number
        return {key: number(found.origins[key].directory) for key in keys}


def _refused(found: Mapping[str, V]) -> frozenset[str]:
    if not isinstance(found, Told):
        return frozenset()
    return frozenset(key for key, given in found.origins.items() if given.refused)
