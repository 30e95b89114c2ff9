"""The OpenAPI 3.1 document, built from the routes and shapes that serve the requests.

`RouteSpec` is also what the application builds its routes from, so that the document cannot say otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from varsel.intake.credentials.policies import Policy
from varsel.intake.problems import ValidationProblem
from varsel.intake.shapes import Shape
from varsel.intake.shapes.scalars import References
from varsel.intake.shapes.schema import schema_of

JSON_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path or the query. `kind` is declared like a shape's member: `str`, `int`, `UUID` …"""

    name: str
    place: str
    description: str
    kind: Any = str
    required: bool = True

    @property
    def can_be_wrong(self) -> bool:
        """Whether a request can break the contract here: a text that may be left out is always right."""
        return self.required or self.kind is not str


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: what it means, its body's type (None: empty body), its media type, and headers with their meaning."""

    description: str
    body: Any = None
    media_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One operation. `responses` lists what is its own; what follows from policy, body and parameters is added."""

    method: str
    path: str
    operation_id: str
    summary: str
    policy: Policy
    responses: Mapping[int, Response]
    request: type[Shape] | None = None
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    tag: str = "Orders"
    deprecated: bool = False

    def all_responses(self) -> dict[int, Response]:
        """Return every answer the operation can give, by status."""
        found = {405: _WRONG_METHOD, 500: _FAILURE}
        if self.request or any(parameter.can_be_wrong for parameter in self.parameters):
            found[400] = _INVALID
        if self.request:
            found |= {408: _TOO_SLOW, 413: _TOO_LARGE, 415: _WRONG_TYPE}
        if self.policy is not Policy.NONE:
            found |= {401: _UNAUTHENTICATED, 403: _FORBIDDEN, 503: _AWAY}
        return dict(sorted((found | dict(self.responses)).items()))


_INVALID = Response("The request breaks the contract; every failing member is named.", ValidationProblem)
_UNAUTHENTICATED = Response("No valid credential was presented.")
_FORBIDDEN = Response("The credential does not suffice, or names no organisation.")
_WRONG_METHOD = Response("Another method was used; `Allow` lists the right ones.", headers={"Allow": "Methods."})
_TOO_SLOW = Response("The request took too long to arrive.")
_TOO_LARGE = Response("The body is larger than 30,000,000 bytes.")
# OpenAPI cannot tell two answers apart: empty for another type, a problem document without any header (api.md 1.2).
_WRONG_TYPE = Response("The body is not declared as `application/json`, or in a charset other than UTF-8 and UTF-16.")
_FAILURE = Response("An unexpected failure; the same request may be tried again.")
_AWAY = Response("The database or the token issuer's keys are out of reach.", headers={"Retry-After": "Seconds."})

_SECURITY_SCHEMES: Final = {
    "altinnToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An Altinn token with the scope the operation demands.",
    },
    "platformAccessToken": {
        "type": "apiKey",
        "in": "header",
        "name": "PlatformAccessToken",
        "description": "A token made by an Altinn app or platform component.",
    },
}


def build_document(routes: Iterable[RouteSpec], *, title: str, version: str, server: str) -> dict[str, Any]:
    """Return the OpenAPI document of `routes`; `server` is the base address they are reached at."""
    references = References()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _DESCRIPTION},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(references.schemas.items())),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


_DESCRIPTION: Final = (
    "Notification orders over e-mail and SMS. Member names are matched in any letter case, unknown members are "
    "ignored, numbers may be written as strings and enumerations as integers; the schemas show the canonical form. "
    "Members whose value is null are left out of responses."
)


def _operation(route: RouteSpec, references: References) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "security": _security(route.policy),
        "responses": {
            str(status): _response(response, references) for status, response in route.all_responses().items()
        },
    }
    if route.description:
        operation["description"] = route.description
    if route.deprecated:
        operation["deprecated"] = True
    if route.parameters:
        operation["parameters"] = [_parameter(parameter, references) for parameter in route.parameters]
    if route.request:
        content = {JSON_TYPE: {"schema": schema_of(route.request, references)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(policy: Policy) -> list[dict[str, list[str]]]:
    if policy is Policy.NONE:
        return []
    # OpenAPI 3.1 allows role names for every kind of scheme, here the scope.
    alternatives: list[dict[str, list[str]]] = [{"altinnToken": [policy.scope] if policy.scope else []}]
    if policy.platform_token_suffices:
        alternatives.append({"platformAccessToken": []})
    return alternatives


def _parameter(parameter: Parameter, references: References) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": schema_of(parameter.kind, references),
    }


def _response(response: Response, references: References) -> dict[str, Any]:
    written: dict[str, Any] = {"description": response.description}
    if response.headers:
        written["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in response.headers.items()
        }
    if response.body is not None:
        written["content"] = {response.media_type: {"schema": schema_of(response.body, references)}}
    return written
