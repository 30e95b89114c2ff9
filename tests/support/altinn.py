"""A scripted Altinn over real HTTP: Profile's four look-ups, Register's names, Authorization's decisions.

It speaks the shapes of integrations.md section 2, in awkward but lawful ways: entries in reverse order, members nobody
asked for. `script` holds replies that go first, whatever is asked; `doors` says who is let in, and everybody else is
answered 401; `hold()` and `delay` make it slow. Run as `python -m tests.support.altinn --delay-ms 30` it knows every
person whose number ends in an even digit.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.support.json_server import Call, JsonServer, Reply

PERSONS = "/profile/users/contactpoint/lookup"
EXTERNALS = "/profile/users/contactpoint/lookupsi"
ORGANIZATIONS = "/profile/organizations/notificationaddresses/lookup"
UNITS = "/profile/units/contactpoint/lookup"
NAMES = "/register/parties/nameslookup"
DECISION = "/authorization/decision"

_MOST_NAMES = 1000
_USER, _PARTY = "urn:altinn:userid", "urn:altinn:partyid"
_DROP = Reply(0)
Entry = Mapping[str, object]
Door = Callable[[Mapping[str, str]], bool]
"""Whether a call with these header fields, their names in lower case, is let in."""


class Grant(NamedTuple):
    """Something a user may do. `resource` is the id, or `owner/app` of an app."""

    user_id: int
    party_id: int
    resource: str
    action: str = "read"


class Altinn(JsonServer):
    """The components below `/profile/`, `/register/` and `/authorization/`; entries are sent as they are given.

    A question about one of the persons in `refused` is answered 400.
    """

    DROP = _DROP
    """In a script: end the connection without an answer."""

    def __init__(self, *script: Reply, token_key: RSAPublicKey | None = None) -> None:
        super().__init__()
        self.script = deque(script)
        self.delay = 0.0
        self.persons: dict[str, Entry] = {}
        self.stale: set[str] = set()
        self.refused: set[str] = set()
        self.externals: dict[str, Entry] = {}
        self.organizations: dict[str, Entry] = {}
        self.units: dict[str, Entry] = {}
        self.names: dict[str, str | None] = {}
        self.grants: set[Grant] = set()
        self.tokens: list[dict[str, Any]] = []
        self.doors: dict[str, Door] = {}
        self._token_key = token_key

    @property
    def counts(self) -> Counter[str]:
        """How often each path was called."""
        return Counter(call.path for call in self.calls)

    def asked(self, path: str) -> list[Any]:
        """What was asked at `path`, in order."""
        return [call.document for call in self.calls if call.path == path]

    async def answer(self, call: Call) -> Reply | None:
        """Answer by the script, then by what is known."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.script:
            scripted = self.script.popleft()
            return None if scripted is _DROP else scripted
        if not all(door(call.headers) for path, door in self.doors.items() if call.path.startswith(path)):
            return Reply(401)
        answers = {
            PERSONS: self._persons,
            EXTERNALS: lambda asked: _listed(self.externals, asked["externalIdentities"]),
            ORGANIZATIONS: lambda asked: _organizations(self.organizations, asked),
            UNITS: lambda asked: _organizations(self.units, asked),
            NAMES: lambda asked: self._names(asked, call.headers),
            DECISION: self._decisions,
        }
        return answers[call.path](call.document) if call.path in answers else Reply(404)

    def person(self, number: str) -> Entry | None:
        """Return Profile's entry of a person."""
        return self.persons.get(number)

    def _persons(self, asked: Any) -> Reply:
        numbers, stale_too = asked["nationalIdentityNumbers"], asked["useStaleContactInfo"]
        if self.refused.intersection(numbers):
            return Reply(400)
        wanted = [number for number in numbers if stale_too or number not in self.stale]
        return _contact_points([entry for number in wanted if (entry := self.person(number)) is not None])

    def _names(self, asked: Any, headers: Mapping[str, str]) -> Reply:
        if self._token_key is not None and not self._accepts(headers.get("platformaccesstoken")):
            return Reply(401)
        if len(asked["parties"]) > _MOST_NAMES:
            return Reply(400)
        found = [
            {**party, "name": self.names[number]}
            for party in asked["parties"]
            for number in party.values()
            if number in self.names
        ]
        return Reply(body={"partyNames": found[::-1], "more": []})

    def _accepts(self, token: str | None) -> bool:
        assert self._token_key is not None
        with contextlib.suppress(jwt.InvalidTokenError):
            # The times are the test's own, so they are looked at there.
            lenient = jwt.types.Options(verify_exp=False, verify_nbf=False, verify_iat=False, verify_aud=False)
            self.tokens.append(jwt.decode(token or "", self._token_key, ["RS256"], lenient))
            return True
        return False

    def _decisions(self, asked: Any) -> Reply:
        request = asked["request"]
        parts = {part["id"]: part["attribute"] for name in _CATEGORIES for part in request[name]}
        references = [entry["referenceId"] for entry in request["multiRequests"]["requestReference"]]
        if not references or any(len(reference) != len(_CATEGORIES) for reference in references):
            return Reply(400)
        results = [self._decided(*(parts[identifier] for identifier in reference)) for reference in references]
        return Reply(body={"response": results[::-1]})

    def _decided(self, subject: Any, action: Any, resource: Any) -> Entry:
        values = {attribute["attributeId"]: attribute["value"] for attribute in [*subject, *action, *resource]}
        named = values.get("urn:altinn:resource") or f"{values['urn:altinn:org']}/{values['urn:altinn:app']}"
        grant = Grant(
            int(values[_USER]), int(values[_PARTY]), named, values["urn:oasis:names:tc:xacml:1.0:action:action-id"]
        )
        return decided("Permit" if grant in self.grants else "NotApplicable", [_echoed(subject), _echoed(resource)])


_CATEGORIES = ("accessSubject", "action", "resource")


def decided(decision: str, categories: list[list[Entry]]) -> Entry:
    """Write one result of the decision point."""
    return {
        "decision": decision,
        "status": {"statusCode": {"value": "urn:oasis:names:tc:xacml:1.0:status:ok"}},
        "obligations": [{"id": "urn:altinn:obligation:authenticationLevel1"}],
        "category": [{"categoryId": "urn:example", "attribute": attributes} for attributes in categories],
    }


def echo(user: object, party: object) -> list[list[Entry]]:
    """Write the categories that tell which pair was decided."""
    return [[{"attributeId": _USER, "value": user}], [{"attributeId": _PARTY, "value": party}]]


def _echoed(attributes: list[Entry]) -> list[Entry]:
    return [{"attributeId": a["attributeId"], "value": a["value"]} for a in attributes if a["includeInResult"]]


def _organizations(known: Mapping[str, Entry], asked: Any) -> Reply:
    numbers = asked["organizationNumbers"]
    return _listed(known, numbers) if all(number.strip() for number in numbers) else Reply(400)


def _listed(known: Mapping[str, Entry], asked: list[str]) -> Reply:
    folded = {identifier.casefold(): entry for identifier, entry in known.items()}
    return _contact_points([folded[i.casefold()] for i in asked if i.casefold() in folded])


def _contact_points(entries: list[Entry]) -> Reply:
    return Reply(body={"contactPointsList": [{**entry, "unheardOf": {}} for entry in reversed(entries)]})


class _Crowd(Altinn):
    """Knows every person whose number ends in an even digit, and every name."""

    def person(self, number: str) -> Entry | None:
        if int(number) % 2:
            return None
        return {
            "userId": int(number) % 10**9,
            "nationalIdentityNumber": number,
            "isReserved": False,
            "mobileNumber": "+4799999999",
            "email": f"person-{number}@example.com",
            "mobileNumberIsOutdated": False,
            "emailIsOutdated": False,
        }


async def _serve(port: int, delay: float) -> None:
    crowd, loop, stop = _Crowd(), asyncio.get_running_loop(), asyncio.Event()
    crowd.delay = delay
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def tell() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            stop.set()
        print(f"calls {len(crowd.calls)}", flush=True)
        crowd.calls.clear()

    await crowd.start(port)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_exit(crowd)
        loop.add_reader(sys.stdin, tell)
        print(f"port {crowd.port}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="An Altinn on 127.0.0.1 that knows half of everybody. Ends with its standard input; a line there "
        "asks for the number of calls since the last one."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="milliseconds before each answer")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.delay_ms / 1000))


if __name__ == "__main__":
    main()
