"""JSON Schema of response documents, from the same kind of annotations that declare request shapes."""

from typing import Any, Final, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from varsel.intake.shapes.declaration import Declared, Shape, alternatives, reader_of, split
from varsel.intake.shapes.named import Enumeration, References, Schema, extended, first_paragraph
from varsel.intake.shapes.scalars import Boolean, DateTime, Guid, Integer, Reader, Text, Uri, UriText
from varsel.intake.times import InstantText

_SCALARS: Final[dict[Any, Reader]] = {
    str: Text(),
    bool: Boolean(),
    int: Integer(),
    UUID: Guid(),
    UriText: Uri(),
    InstantText: DateTime(),
}


def schema_of(kind: Any, references: References) -> Schema:
    """Return the schema of a request shape, a parameter, or a response document (or a tuple or dictionary of such).

    An annotation may carry a `Reader` or an `Enumeration` that says more than the type does, and a `member`.
    """
    annotation, extras = split(kind)
    told = next((extra for extra in extras if isinstance(extra, Reader | Enumeration)), None)
    schema = told.schema(references) if told else _schema_of_plain(annotation, references)
    declared = next((extra for extra in extras if isinstance(extra, Declared)), None)
    if declared is None:
        return schema
    keywords: dict[str, Any] = {"description": declared.description} if declared.description else {}
    for rule in declared.rules:
        keywords.update(rule.schema)
    return extended(schema, keywords)


def _schema_of_plain(kind: Any, references: References) -> Schema:
    """Describe a type; a value of None is left out of documents, so that null is never part of it."""
    kind = next(alternative for alternative in alternatives(kind) if alternative is not type(None))
    if kind in _SCALARS:
        return _SCALARS[kind].schema(references)
    if get_origin(kind) is tuple or get_origin(kind) is list:
        return {"type": "array", "items": schema_of(get_args(kind)[0], references)}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": schema_of(get_args(kind)[1], references)}
    if isinstance(kind, type) and issubclass(kind, Shape):
        return reader_of(kind).schema(references)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _reference(kind, references)
    raise TypeError(f"no schema for {kind}")


def _reference(document: type[msgspec.Struct], references: References) -> Schema:
    return references.to(document.__name__, document, lambda: _describe(document, references))


def _describe(document: type[msgspec.Struct], references: References) -> Schema:
    hints = get_type_hints(document, include_extras=True)
    fields = msgspec.structs.fields(document)
    return {
        "type": "object",
        "description": first_paragraph(document),
        "required": [field.encode_name for field in fields if field.required],
        "properties": {field.encode_name: schema_of(hints[field.name], references) for field in fields},
    }
