"""Asking one send condition (processing.md 1.7, integrations.md 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from varsel.errors import AddressNotFetched, AddressRefused, AddressUnreachable, DependencyFailure
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.destination import Destination, read_destination
from varsel.outgoing.fetch import Answer, Fetcher, SizeLimit
from varsel.outgoing.turns import Turns
from varsel.outgoing.verdict import Inconclusive, NotAsked, Verdict, read_answer

_UNAUTHORIZED = 401


class BearerTokens(Protocol):
    """Where the token that accompanies the question comes from."""

    async def token(self) -> str:
        """Return a token that holds now. Raises `DependencyFailure`."""
        ...

    async def renewed(self, rejected: str) -> str:
        """Return another token than `rejected`, which an endpoint did not accept. Raises `DependencyFailure`."""
        ...


@dataclass(frozen=True, slots=True)
class QuestionLimits:
    """Time from the name's look-up to the answer's last byte, and the answer's largest size in bytes.

    `token_over_http` sends the token unprotected too; without it, http endpoints are asked without a token.
    """

    within: timedelta = timedelta(seconds=10)
    largest: int = 65_536
    token_over_http: bool = False


class ConditionClient:
    """Asks endpoints. `tokens` None asks without a token."""

    def __init__(
        self,
        fetcher: Fetcher,
        turns: Turns,
        breakers: Breakers,
        tokens: BearerTokens | None = None,
        limits: QuestionLimits = QuestionLimits(),
    ) -> None:
        self._fetcher = fetcher
        self._turns = turns
        self._breakers = breakers
        self._tokens = tokens
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
        if self._breakers.rest(destination.host) is not None:
            return Inconclusive(f"{destination.origin} failed repeatedly and is left alone for a while")
        try:
            answer = await self._answer(destination)
        except AddressUnreachable as failure:
            self._breakers.failed(destination.host)
            return Inconclusive(str(failure))
        except (AddressNotFetched, DependencyFailure) as failure:
            return Inconclusive(str(failure))
        # Even a 500 is an answer: one bad path must not make the verdicts of its neighbours on the same host.
        self._breakers.succeeded(destination.host)
        return read_answer(answer)

    async def _answer(self, destination: Destination) -> Answer:
        tokens = self._tokens
        if tokens is None or not self._may_carry_token(destination):
            return await self._get(destination, {})
        token = await tokens.token()
        answer = await self._get(destination, _bearer(token))
        if answer.status != _UNAUTHORIZED:
            return answer
        return await self._get(destination, _bearer(await tokens.renewed(token)))

    def _may_carry_token(self, destination: Destination) -> bool:
        return destination.url.scheme == "https" or self._limits.token_over_http

    async def _get(self, destination: Destination, headers: Mapping[str, str]) -> Answer:
        limit = SizeLimit(self._limits.largest)
        return await self._fetcher.get(destination, within=self._limits.within, limit=limit, headers=headers)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
