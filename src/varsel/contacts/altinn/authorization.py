"""Authorization: which users may receive for an organisation (integrations.md 2.8, processing.md 2.5)."""

from collections.abc import Iterable, Sequence

from varsel.contacts.altinn.chunks import in_chunks
from varsel.contacts.altinn.decision import DECISIONS, Pair, permitted, question
from varsel.contacts.altinn.http import JsonClient
from varsel.errors import DependencyFailure

_PATH = "decision"
_OPERATION = "a decision"
_ONLY_200 = (200,)


class Authorization:
    """Asks the decision point, at most `per_call` pairs in a call."""

    def __init__(self, http: JsonClient, dependency: str, *, per_call: int) -> None:
        self._http = http
        self._dependency = dependency
        self._per_call = per_call

    async def permitted(self, pairs: Iterable[Pair], *, resource_id: str, action: str) -> set[Pair]:
        """Return those of `pairs` whose user may do `action` on the resource for the party."""
        asked = set(pairs)

        async def call(chunk: Sequence[Pair]) -> set[Pair]:
            sent = question(chunk, resource_id, action)
            answer = await self._http.ask(_OPERATION, _PATH, sent, DECISIONS, accepted=_ONLY_200)
            if answer is None:
                raise DependencyFailure(self._dependency, _OPERATION, "its answer holds no `response`")
            return permitted(answer)

        return asked.intersection(await in_chunks(sorted(asked), self._per_call, call))

    async def reach(self) -> None:
        """Ask about nobody, to see whether anybody answers; raises `DependencyFailure`."""
        await self._http.reach(_OPERATION, _PATH, question([], "varsel", "read"))
