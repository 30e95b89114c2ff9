"""Asking one send condition (processing.md 1.7, integrations.md 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from varsel.errors import (
    AddressNotFetched,
    AddressRefused,
    AddressUnreachable,
    AnswerIncomplete,
    DependencyFailure,
    NameNotLookedUp,
)
from varsel.model.clock import Clock, SystemClock
from varsel.outgoing.authentication import Introduction
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.destination import Destination, read_destination
from varsel.outgoing.fetch import Answer, Fetcher, SizeLimit
from varsel.outgoing.redirects import MOST_REDIRECTS, redirected, too_many
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
        clock: Clock | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._turns = turns
        self._breakers = breakers
        self._introduction = introduction
        self._limits = limits
        self._clock = clock or SystemClock()

    async def ask(self, url: str, creator: str | None = None) -> Verdict:
        """Ask the endpoint at `url` once, twice if it rejects a token. Every failure is a verdict, none is raised.

        `creator` is who placed the order: turns are shared among creators.
        """
        try:
            destination = read_destination(url, creator)
        except AddressRefused as refused:
            return Inconclusive(str(refused))
        if not await self._turns.take(destination.host, creator):
            return NotAsked(f"{destination.origin} is being asked too much at this moment")
        try:
            return await self._in_turn(destination)
        finally:
            self._turns.give_back(destination.host, creator)

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
        except (NameNotLookedUp, DependencyFailure) as unasked:  # the latter: no token could be had
            return NotAsked(str(unasked))
        except AddressUnreachable as failure:
            self._breakers.failed(destination.host)
            return Inconclusive(str(failure))
        except AddressNotFetched as failure:
            return Inconclusive(str(failure))
        return read_answer(answer, self._clock.now())

    async def _answer(self, destination: Destination) -> Answer:
        """Ask, once more if a token is rejected, and follow redirects. Raises `AddressNotFetched` in all its forms.

        Redirects take the question's time. What is confidential does not go along with them (integrations.md 3.2).
        Raises `DependencyFailure` without a token that the endpoint might accept.
        """
        introduction = self._introduction
        if introduction is None or not introduction.suits(destination):
            question = self._question({})
            return await question.follow(destination, await question.ask(destination))
        authentication = introduction.authentication
        fields = await authentication.fields()
        question = self._question(fields)
        answer = await question.ask(destination)
        if answer.status == _UNAUTHORIZED and (others := await authentication.renewed(fields)) is not None:
            question = self._question(others)
            answer = await question.ask(destination)
        return await question.follow(destination, answer, confidential=authentication.confidential)

    def _question(self, fields: Mapping[str, str]) -> "_Question":
        return _Question(self._fetcher, self._breakers, self._limits, fields)


class _Question:
    """One question and the redirects it meets, all within the time of one question."""

    def __init__(self, fetcher: Fetcher, breakers: Breakers, limits: QuestionLimits, fields: Mapping[str, str]) -> None:
        self._fetcher = fetcher
        self._breakers = breakers
        self._largest = limits.largest
        self._left = limits.within
        self._fields = fields

    async def ask(self, destination: Destination, *, shown: bool = True) -> Answer:
        """Ask in the time that is left; `shown` sends the fields along."""
        began = monotonic()
        headers, limit = (self._fields if shown else {}), SizeLimit(self._largest)
        answer = await self._fetcher.get(destination, within=self._left, limit=limit, headers=headers)
        self._left = max(timedelta(0), self._left - timedelta(seconds=monotonic() - began))
        # Even a 500 is an answer: one bad path must not make the verdicts of its neighbours on the same host.
        self._breakers.succeeded(destination.host)
        return answer

    async def follow(self, asked: Destination, answer: Answer, *, confidential: bool = True) -> Answer:
        """Return the answer at the end of the redirects. Raises `AddressRefused` for one that is not followed."""
        for _ in range(MOST_REDIRECTS):
            target = redirected(asked, answer)
            if target is None:
                return answer
            asked, answer = target, await self.ask(target, shown=not confidential)
        if redirected(asked, answer) is not None:
            raise too_many(answer)
        return answer
