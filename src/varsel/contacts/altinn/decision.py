"""The XACML question whether users may act on a resource for organisations, and its answer (integrations.md 2.8)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from varsel.contacts.altinn.reading import Listing, Odd, Shape

_USER = "urn:altinn:userid"
_PARTY = "urn:altinn:partyid"
_RESOURCE = "urn:altinn:resource"
_ORG = "urn:altinn:org"
_APP = "urn:altinn:app"
_ACTION = "urn:oasis:names:tc:xacml:1.0:action:action-id"
_STRING = "http://www.w3.org/2001/XMLSchema#string"
_PERMIT = "Permit"
_APP_PREFIX = "app_"
_APP_PIECES = 3
_LONGEST_NUMBER = 19


class Pair(NamedTuple):
    """A user and the organisation he would receive for."""

    party_id: int
    user_id: int


class _Attribute(Shape, frozen=True):
    attribute_id: str | None = None
    value: str | int | None = None


class _Category(Shape, frozen=True):
    attribute: tuple[_Attribute | None, ...] | None = None


class _Result(Shape, frozen=True):
    decision: str | None = None
    category: tuple[_Category | None, ...] | None = None


DECISIONS = Listing("response", _Result)
"""The answer; what is odd in it permits nothing."""


def question(pairs: Sequence[Pair], resource_id: str, action: str) -> dict[str, Any]:
    """Return the request that asks about each of `pairs`."""
    users = dict.fromkeys(pair.user_id for pair in pairs)
    parties = dict.fromkeys(pair.party_id for pair in pairs)
    return {
        "request": {
            "returnPolicyIdList": False,
            "combinedDecision": False,
            "accessSubject": [_entry(f"subject{user}", _attribute(_USER, str(user), echoed=True)) for user in users],
            "action": [_entry("action", _attribute(_ACTION, action, kind="string"))],
            "resource": [_entry(f"resource{party}", *_resource(party, resource_id)) for party in parties],
            "multiRequests": {"requestReference": [_reference(pair) for pair in pairs]},
        }
    }


def permitted(decisions: Iterable[_Result | Odd]) -> set[Pair]:
    """Return the pairs that were decided `Permit`, and never otherwise in the same answer."""
    readable = [result for result in decisions if isinstance(result, _Result)]
    decided = [(pair, result.decision) for result in readable if (pair := _pair(result))]
    refused = {pair for pair, decision in decided if decision != _PERMIT}
    return {pair for pair, decision in decided if decision == _PERMIT} - refused


def _entry(identifier: str, *attributes: dict[str, Any]) -> dict[str, Any]:
    return {"id": identifier, "attribute": attributes}


def _attribute(identifier: str, value: str, *, kind: str = _STRING, echoed: bool = False) -> dict[str, Any]:
    """Make an attribute; `echoed` ones come back in the answer, where they tell which pair was decided."""
    return {
        "attributeId": identifier,
        "value": value,
        "issuer": "Altinn",
        "dataType": kind,
        "includeInResult": echoed,
    }


def _resource(party_id: int, resource_id: str) -> Iterator[dict[str, Any]]:
    """Name the resource, or an app (`app_<owner>_<name>`) by its owner and name, at the party."""
    pieces = resource_id.split("_", _APP_PIECES - 1)
    if resource_id.startswith(_APP_PREFIX) and len(pieces) == _APP_PIECES:
        yield _attribute(_ORG, pieces[1])
        yield _attribute(_APP, pieces[2])
    else:
        yield _attribute(_RESOURCE, resource_id)
    yield _attribute(_PARTY, str(party_id), echoed=True)


def _reference(pair: Pair) -> dict[str, list[str]]:
    return {"referenceId": [f"subject{pair.user_id}", "action", f"resource{pair.party_id}"]}


def _pair(result: _Result) -> Pair | None:
    """Read the pair from the echoed attributes, never from the position; None where one is missing or no number."""
    echoed: dict[str | None, str] = {}
    for category in result.category or ():
        for attribute in (category and category.attribute) or ():
            if attribute is not None:
                echoed.setdefault(attribute.attribute_id, str(attribute.value))
    user, party = echoed.get(_USER, ""), echoed.get(_PARTY, "")
    if not (_is_number(user) and _is_number(party)):
        return None
    return Pair(int(party), int(user))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
