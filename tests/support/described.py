"""The published description, and a client that holds every answer it gets to it."""

import json
from functools import cache
from typing import Any, Final

import httpx
import jsonschema_rs

from varsel.intake import send_condition, v1_routes
from varsel.intake.openapi import RouteSpec
from varsel.intake.openapi_document import build_document
from varsel.intake.wire_future.routes import ROUTES

Json = dict[str, Any]

SPECS: Final = (
    *(spec for spec in vars(v1_routes).values() if isinstance(spec, RouteSpec)),
    *ROUTES,
    send_condition.ENDPOINT.spec,
)

_OF_THE_SERVER: Final = frozenset({408, 414, 431})
"""Answered before anybody knows which operation is meant."""

_EMPTY_OR_PROBLEM: Final = frozenset({415, 503})
"""Statuses whose answers have no body or a problem document (api.md 1.2, 3.13): no body is described for them."""

_PROBLEM: Final = "application/problem+json"
"""Media type of problem documents for a caller that asks for it by name (api.md 1.2)."""


def published(server: str = "https://varsel.example.no") -> Json:
    """Return the document that a service reached at `server` publishes."""
    document = build_document(SPECS, title="Varsel", version="0", server=server)
    read: Json = json.loads(json.dumps(document))  # as a caller reads it: tuples are lists
    return read


def validator(document: Json, schema: Json) -> Any:
    """Return what judges values by a schema of the document, formats included."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


class Description:
    """Knows what every operation may answer."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._operations: dict[tuple[str, str], Json] = {
            (method.upper(), path.lower()): operation
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        self._validators: dict[int, Any] = {}

    def check(self, answer: httpx.Response) -> None:
        """Fail if an operation of the description gave an answer that is not described."""
        operation = self._operation(answer.request)
        if operation is None or answer.status_code in _OF_THE_SERVER:
            return
        name = f"{operation['operationId']} answered {answer.status_code}"
        described = operation["responses"].get(str(answer.status_code))
        assert described is not None, f"{name}, which is not described"
        for header, meant in described.get("headers", {}).items():
            assert not meant["required"] or header in answer.headers, f"{name} without {header}"
        if not answer.content:
            assert "content" not in described or _leads_nowhere(answer), f"{name} without the body that is described"
        elif "content" in described:
            self._check_body(name, described["content"], answer)
        else:
            assert answer.status_code in _EMPTY_OR_PROBLEM, f"{name} with a body that is not described"

    def _check_body(self, name: str, content: Json, answer: httpx.Response) -> None:
        media = answer.headers["content-type"].partition(";")[0]
        if media == _PROBLEM and _PROBLEM in answer.request.headers.get("accept", "").lower():
            media = "application/json"
        assert media in content, f"{name} as {media}"
        schema = content[media]["schema"]
        if id(schema) not in self._validators:
            self._validators[id(schema)] = validator(self._document, schema)
        found = self._validators[id(schema)].iter_errors(answer.json())
        errors = [f"{error.instance_path}: {error.message}" for error in found]
        assert not errors, f"{name}, but {errors}"

    def _operation(self, request: httpx.Request) -> Json | None:
        path = request.url.path.lower().rstrip("/")
        fixed = self._operations.get((request.method, path))
        if fixed is not None:
            return fixed
        segments = path.split("/")
        for place in range(len(segments) - 1, 0, -1):
            named = "/".join([*segments[:place], "{id}", *segments[place + 1 :]])
            if (request.method, named) in self._operations:
                return self._operations[request.method, named]
        return None


def _leads_nowhere(answer: httpx.Response) -> bool:
    """Tell whether no path matches at all: a shipment whose id is no GUID (api.md 3.14)."""
    return answer.status_code == 404 and "/shipment/" in answer.request.url.path.lower()


@cache
def description() -> Description:
    """Return what a test's service is held to."""
    return Description(published())


class HeldToDescription(httpx.AsyncClient):
    """A client for which an answer that is not described is a failure. Answers read as a stream are not looked at."""

    async def request(self, *arguments: Any, **options: Any) -> httpx.Response:
        """Send a request, and check its answer."""
        answer = await super().request(*arguments, **options)
        description().check(answer)
        return answer
