"""JSON Schema of response documents, from the same kind of annotations that declare request shapes."""

from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from varsel.intake.shapes.declaration import Declared, Shape, alternatives, first_paragraph, reader_of, split
from varsel.intake.shapes.scalars import References
from varsel.intake.times import InstantText


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """Says that a string of a response is one of these."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    UUID: {"type": "string", "format": "uuid"},
    InstantText: {"type": "string", "format": "date-time"},
}


def schema_of(kind: Any, references: References) -> dict[str, Any]:
    """Return the schema of a request shape, a parameter, or a response document (or a tuple or dictionary of such)."""
    annotation, extras = split(kind)
    schema = dict(_schema_of_plain(annotation, references))
    for extra in extras:
        if isinstance(extra, OneOf):
            schema["enum"] = list(extra.names)
        elif isinstance(extra, Declared):
            for rule in extra.rules:
                schema.update(rule.schema)
            if extra.description:
                schema["description"] = extra.description
    return schema


def _schema_of_plain(kind: Any, references: References) -> dict[str, Any]:
    present = [alternative for alternative in alternatives(kind) if alternative is not type(None)]
    kind = present[0]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if get_origin(kind) is tuple or get_origin(kind) is list:
        return {"type": "array", "items": schema_of(get_args(kind)[0], references)}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": schema_of(get_args(kind)[1], references)}
    if isinstance(kind, type) and issubclass(kind, Shape):
        return reader_of(kind).schema(references)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _reference(kind, references)
    raise TypeError(f"no schema for {kind}")


def _reference(document: type[msgspec.Struct], references: References) -> dict[str, Any]:
    if not references.knows(document.__name__):
        references.schemas[document.__name__].update(_describe(document, references))
    return references.to(document.__name__)


def _describe(document: type[msgspec.Struct], references: References) -> dict[str, Any]:
    hints = get_type_hints(document, include_extras=True)
    fields = msgspec.structs.fields(document)
    return {
        "type": "object",
        "description": first_paragraph(document),
        "required": [field.encode_name for field in fields if field.required],
        "properties": {field.encode_name: schema_of(hints[field.name], references) for field in fields},
    }
