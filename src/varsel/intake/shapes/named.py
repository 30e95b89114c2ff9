"""The named schemas of a document: each shape, document and enumeration is described once and referred to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Schema = dict[str, Any]


class References:
    """Collects the named schemas of a document."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._owners: dict[str, object] = {}

    def to(self, name: str, owner: object, describe: Callable[[], Schema]) -> Schema:
        """Return a reference to the schema `name`, which is described when it is first referred to.

        Raises TypeError if something else than `owner` has that name: a client would take the one for the other.
        """
        if name not in self._owners:
            self._owners[name] = owner
            self.schemas[name] = {}  # its own members may refer to it
            self.schemas[name].update(describe())
        elif self._owners[name] != owner:
            raise TypeError(f"two different schemas are named {name}")
        return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Says that a string is one of these, under a name that generated clients give to their type.

    It may annotate a member of a response document, or of a shape that takes a part of an enumeration only.
    """

    name: str
    description: str
    values: tuple[str, ...]

    @classmethod
    def of(cls, options: type[IntEnum], name: str = "") -> "Enumeration":
        """Describe the member names of `options`, by default under its own name."""
        return cls(name or options.__name__, first_paragraph(options), tuple(options.__members__))

    def schema(self, references: References) -> Schema:
        """Return a reference to the named schema."""
        return references.to(
            self.name, self, lambda: {"type": "string", "description": self.description, "enum": list(self.values)}
        )


def extended(schema: Schema, keywords: Mapping[str, Any], *, nullable: bool = False) -> Schema:
    """Return `schema` with more keywords, in the forms that client generators understand.

    A reference that may be null is `oneOf` with null first: NSwag makes an empty class of every other form. A default
    stands beside `allOf`, for several generators ignore what stands beside `$ref`.
    """
    if "$ref" not in schema:
        kinds = {"type": [schema["type"], "null"]} if nullable else {}
        return {**schema, **kinds, **keywords}
    if nullable:
        return {"oneOf": [{"type": "null"}, schema], **keywords}
    if "default" in keywords:
        return {"allOf": [schema], **keywords}
    return {**schema, **keywords}


def first_paragraph(described: type) -> str:
    """Return the public description of a class: its docstring up to the first blank line."""
    return " ".join((described.__doc__ or "").partition("\n\n")[0].split())
