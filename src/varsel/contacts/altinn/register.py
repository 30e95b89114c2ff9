"""Register: the registered names of organisations and persons (integrations.md 2.7)."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from varsel.contacts.altinn.chunks import in_chunks
from varsel.contacts.altinn.http import JsonClient
from varsel.contacts.altinn.reading import Known, Listing, Odd, Shape, told_apart
from varsel.model.contacts import PartyName

_PATH = "parties/nameslookup"
_OPERATION = "GetPartyDetails"


class _Name(Shape, frozen=True):
    org_no: str | None = None
    ssn: str | None = None
    name: str | None = None


_NAMES = Listing("partynames", _Name, ("orgno", "ssn"))


class Register:
    """Asks Register, at most `per_call` parties in a call; it refuses more than 1,000."""

    def __init__(self, http: JsonClient, *, per_call: int) -> None:
        self._http = http
        self._per_call = per_call

    async def names(self, organizations: Collection[str], persons: Collection[str]) -> Known[PartyName]:
        """Look up names. Numbers match exactly."""
        parties = [("orgNo", number) for number in organizations] + [("ssn", number) for number in persons]
        found = await in_chunks((party for party in parties if party[1].strip()), self._per_call, self._call)
        named: dict[str, PartyName | Odd] = {}
        for entry in found:
            number = entry.identifier if isinstance(entry, Odd) else entry.org_no or entry.ssn
            if number:
                named.setdefault(number, entry if isinstance(entry, Odd) else PartyName(number, entry.name))
        asked = {number for _, number in parties}
        return told_apart({number: name for number, name in named.items() if number in asked})

    async def reach(self) -> None:
        """Ask for nobody, to see whether Register answers; raises `DependencyFailure`."""
        await self._http.reach(_OPERATION, _PATH, _question([]))

    async def _call(self, chunk: Sequence[tuple[str, str]]) -> Iterable[_Name | Odd] | None:
        return await self._http.ask(_OPERATION, _PATH, _question(chunk), _NAMES)


def _question(parties: Iterable[tuple[str, str]]) -> Mapping[str, object]:
    return {"parties": [{member: number} for member, number in parties]}
