"""Asking one send condition (processing.md 1.7, integrations.md 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from varsel.errors import (
    AddressNotFetched,
    AddressRefused,
    AddressUnreachable,
    AnswerIncomplete,
    DependencyFailure,
    NameNotLookedUp,
)
from varsel.outgoing.authentication import Introduction
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.destination import Destination, read_destination
from varsel.outgoing.fetch import Answer, Fetcher, SizeLimit
from varsel.outgoing.turns import Turns
from varsel.outgoing.verdict import Inconclusive, NotAsked, Verdict, read_answer

_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class QuestionLimits:
    """Time from the connection to the answer's last byte, and the answer's largest size in bytes."""

    within: timedelta = timedelta(seconds=10)
    largest: int = 65_536


class ConditionClient:
    """Asks endpoints. `introduction` None never shows who is asking."""

    def __init__(
        self,
        fetcher: Fetcher,
        turns: Turns,
        breakers: Breakers,
        introduction: Introduction | None = None,
        limits: QuestionLimits = QuestionLimits(),
    ) -> None:
        self._fetcher = fetcher
        self._turns = turns
        self._breakers = breakers
        self._introduction = introduction
        self._limits = limits

    async def ask(self, url: str) -> Verdict:
        """Ask the endpoint at `url` once, twice if it rejects a token. Every failure is a verdict, none is raised."""
        try:
            destination = read_destination(url)
        except AddressRefused as refused:
            return Inconclusive(str(refused))
        if not await self._turns.take(destination.host):
            return NotAsked(f"{destination.origin} is being asked too much at this moment")
        try:
            return await self._in_turn(destination)
        finally:
            self._turns.give_back(destination.host)

    async def _in_turn(self, destination: Destination) -> Verdict:
        rest = self._breakers.rest(destination.host)
        if rest is not None:
            return NotAsked(f"{destination.origin} failed repeatedly and is left alone for a while", rest)
        try:
            answer = await self._answer(destination)
        except AnswerIncomplete as failure:
            # One slow or broken path must not decide for its neighbours; what it costs is bounded by the host's turns.
            self._breakers.succeeded(destination.host)
            return Inconclusive(str(failure))
        except NameNotLookedUp as busy:
            return NotAsked(str(busy))
        except AddressUnreachable as failure:
            self._breakers.failed(destination.host)
            return Inconclusive(str(failure))
        except (AddressNotFetched, DependencyFailure) as failure:
            return Inconclusive(str(failure))
        # Even a 500 is an answer: one bad path must not make the verdicts of its neighbours on the same host.
        self._breakers.succeeded(destination.host)
        return read_answer(answer)

    async def _answer(self, destination: Destination) -> Answer:
        introduction = self._introduction
        if introduction is None or not introduction.suits(destination):
            return await self._get(destination, {})
        fields = await introduction.authentication.fields()
        answer = await self._get(destination, fields)
        if answer.status != _UNAUTHORIZED:
            return answer
        others = await introduction.authentication.renewed(fields)
        return answer if others is None else await self._get(destination, others)

    async def _get(self, destination: Destination, headers: Mapping[str, str]) -> Answer:
        limit = SizeLimit(self._limits.largest)
        return await self._fetcher.get(destination, within=self._limits.within, limit=limit, headers=headers)
