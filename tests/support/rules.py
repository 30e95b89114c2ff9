"""Rules of the newer interface's requests in tables: what breaks one, what only just does not."""

import json
from typing import Any, Final, NamedTuple

from tests.support.future_bodies import changed, lacking
from tests.support.placing import SAS_URL, place, refused
from tests.support.service import Service
from varsel.model.ids import new_id

ABSENT: Final = object()
PARTIES_KNOWN: Final[dict[str, Any]] = {
    "persons": [{"nationalIdentityNumber": "16069412345", "email": "p@example.com", "mobileNumber": "+4799999999"}],
    "organizations": [
        {"organizationNumber": "310123456", "emails": ["o@example.com"], "mobileNumbers": ["+4799999999"]}
    ],
    "externalIdentities": [
        {"externalIdentity": f"urn:altinn:{form}", "email": "x@example.com", "mobileNumber": "+4799999999"}
        for form in (
            "party:username:kari",
            "person:legacy-selfidentified:kari",
            "person:idporten-email:kari%2Bx@example.com",
        )
    ],
}
"""Contents of a directory that knows every party of `future_bodies`."""


class Rule(NamedTuple):
    """At `path` of a body, `broken` is told under `keys`, and `kept` is accepted; ABSENT takes the member out."""

    path: str
    broken: Any
    keys: set[str]
    kept: Any


def mistyped(path: str, broken: Any, kept: Any, *, parameter: str) -> Rule:
    """Return a rule about the type of a value, told under its JSON path and under the endpoint's parameter."""
    return Rule(path, broken, {f"$.{path}", parameter}, kept)


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return `body` with the value at the path, or without the member."""
    if value is not ABSENT:
        return changed(body, path, value)
    *_, last = path.rpartition(".")
    return lacking(body, path) if last in str(body) else body


async def assert_rules(service: Service, path: str, body: dict[str, Any], rules: list[Rule]) -> None:
    """Break and keep every rule; what is kept alike is posted once."""
    for rule in rules:
        errors = await refused(service, path, with_value(body, rule.path, rule.broken))
        assert errors.keys() == rule.keys, rule
    assert await service.stored() == 0
    kept = {json.dumps(with_value(body, rule.path, rule.kept)): rule for rule in rules}
    for document, rule in kept.items():
        answer = await place(service, path, json.loads(document) | {"idempotencyId": str(new_id())})
        assert answer.status_code == 201, (rule, answer.text)


def signed(**query: str) -> str:
    """Return the pre-signed address with some parameters changed."""
    base, _, given = SAS_URL.partition("?")
    pairs = dict(pair.split("=", 1) for pair in given.split("&")) | query
    return f"{base}?" + "&".join(f"{name}={value}" for name, value in pairs.items() if value)
