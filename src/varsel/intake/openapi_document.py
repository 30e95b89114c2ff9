"""The OpenAPI 3.1 document, built from the routes and shapes that serve the requests."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from varsel.intake.credentials.policies import Policy
from varsel.intake.openapi import JSON_TYPE, Example, Header, Parameter, Response, RouteSpec
from varsel.intake.shapes.named import References, Schema, extended
from varsel.intake.shapes.schema import schema_of

Json = dict[str, Any]

_DESCRIPTION: Final = (
    "Orders of notifications by e-mail and SMS.\n\n"
    "Member names are matched in any letter case, unknown members are ignored, numbers may be written as strings and "
    "enumerations as integers; the schemas show the usual form. Members whose value is null are left out of answers. "
    "Times have a time zone; answers write them in UTC. Every answer has the header `Varsel-Trace-Id`: name it when "
    "you ask for help."
)

_LICENCE: Final = {"name": "MIT", "identifier": "MIT"}

_SECURITY_SCHEMES: Final = {
    "altinnToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An Altinn token with the scope that the operation names, in the header `Authorization`.",
    },
    "platformAccessToken": {
        "type": "apiKey",
        "in": "header",
        "name": "PlatformAccessToken",
        "description": "A token that an Altinn app or platform component makes, in the header `PlatformAccessToken`.",
    },
}


def build_document(
    routes: Sequence[RouteSpec], *, title: str, version: str, server: str, contact: str | None = None
) -> Json:
    """Return the OpenAPI document of `routes`.

    `server` is the base address they are reached at, `contact` the e-mail address where callers get help.
    """
    references = References()
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": _DESCRIPTION,
            "contact": {"name": "Operator of this service", **({"email": contact} if contact else {"url": server})},
            "license": _LICENCE,
        },
        "servers": [{"url": server}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(references.schemas.items())),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _tags(routes: Iterable[RouteSpec]) -> list[Json]:
    """Return the tags in the order in which operations name them."""
    tags = dict.fromkeys(route.tag for route in routes)
    return [{"name": tag.name, "description": tag.description} for tag in tags]


def _operation(route: RouteSpec, references: References) -> Json:
    operation: Json = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag.name],
        "security": _security(route.policy),
        "responses": {
            str(status): _response(response, references) for status, response in route.all_responses().items()
        },
    }
    if route.deprecated:
        operation["deprecated"] = True
        operation["description"] += f"\n\nDeprecated. {route.deprecated}"
    if route.parameters:
        operation["parameters"] = [_parameter(parameter, references) for parameter in route.parameters]
    if route.request:
        content = {JSON_TYPE: _media(schema_of(route.request, references), route.examples)}
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


def _parameter(parameter: Parameter, references: References) -> Json:
    schema = schema_of(parameter.kind, references)
    if parameter.default is not None:
        schema = extended(schema, {"default": parameter.default})
    described = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": schema,
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _response(response: Response, references: References) -> Json:
    written: Json = {"description": response.description}
    if response.headers:
        written["headers"] = {name: _header(header, references) for name, header in response.headers.items()}
    if response.body is not None:
        written["content"] = {response.media_type: _media(schema_of(response.body, references), response.examples)}
    return written


def _header(header: Header, references: References) -> Json:
    return {
        "description": header.description,
        "required": header.always,
        "schema": schema_of(header.kind, references),
        "example": header.example,
    }


def _media(schema: Schema, examples: Mapping[str, Example]) -> Json:
    media: Json = {"schema": schema}
    if examples:
        media["examples"] = {
            name: {"summary": example.summary, "value": msgspec.to_builtins(example.value)}
            for name, example in examples.items()
        }
    return media
