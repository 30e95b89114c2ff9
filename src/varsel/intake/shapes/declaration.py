"""How a shape is declared, and how its declaration becomes a reader."""

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from varsel.intake.shapes.containers import ArrayReader, Collector, Member, ObjectReader, OptionalArrayReader
from varsel.intake.shapes.named import Enumeration, first_paragraph
from varsel.intake.shapes.rules import Rule
from varsel.intake.shapes.scalars import (
    Boolean,
    Choice,
    DateTime,
    Guid,
    Integer,
    OpenChoice,
    OrNull,
    Reader,
    Text,
    Undefined,
    Uri,
    UriText,
)
from varsel.intake.times import Moment


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Base of all request shapes; see the package's docstring for how members are declared."""

    def judge(self, _context: Any) -> Iterator[tuple[str, str]]:
        """Yield the broken rules across members: an attribute's name (or "" for the object itself) and a message."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Declared:
    """What `member` says about a member beyond its annotation."""

    description: str
    rules: tuple[Rule, ...]
    model: str | None
    required: bool
    expected: bool
    null_is_empty: bool


def member(
    description: str,
    *rules: Rule,
    model: str | None = None,
    required: bool = False,
    expected: bool = False,
    null_is_empty: bool = False,
) -> Declared:
    """Describe a member of a shape.

    Its name in JSON is the attribute in camelCase. `model` is its segment in error keys (else the name in PascalCase;
    api.md 1.7 lists those that differ). `required` makes absence, null and blank a presence error (A2).
    `expected` marks a member whose absence breaks some rule of phase B, so that the published schema requires it.
    `null_is_empty` reads the null of an optional array as an empty one.
    """
    return Declared(description, rules, model, required, expected, null_is_empty)


@dataclass(frozen=True, slots=True)
class Streamed:
    """Says that an array's elements are handed to a collector as they are read, instead of being held."""

    element: type[Shape]
    collect: Callable[[], Collector]


_SCALARS: dict[Any, Reader] = {
    str: Text(),
    UriText: Uri(),
    bool: Boolean(),
    int: Integer(),
    Moment: DateTime(),
    UUID: Guid(),
}


@cache
def reader_of(shape: type[Shape]) -> ObjectReader:
    """Compile the declaration of `shape`, once."""
    hints = get_type_hints(shape, include_extras=True)
    members = [_member(field, hints[field.name]) for field in msgspec.structs.fields(shape)]
    judges = shape.judge is not Shape.judge
    return ObjectReader(shape, shape.__name__, first_paragraph(shape), members, judges=judges)


def _member(field: msgspec.structs.FieldInfo, hint: Any) -> Member:
    annotation, extras = split(hint)
    declared = next((extra for extra in extras if isinstance(extra, Declared)), member(""))
    kinds = [kind for kind in alternatives(annotation) if kind is not msgspec.UnsetType]
    nullable = type(None) in kinds or declared.null_is_empty
    reader = _reader_among(kinds, declared, extras)
    mandatory = field.required or declared.required
    wire = field.encode_name
    return Member(
        attribute=field.name,
        wire=wire,
        key="." + (declared.model or wire[0].upper() + wire[1:]),
        reader=OrNull(reader) if nullable and not reader.passes_null else reader,
        description=declared.description,
        rules=declared.rules,
        mandatory=field.required,
        expected=declared.expected or declared.required,
        nullable=nullable,
        never_null=reader.passes_null and not nullable,
        never_blank=mandatory and reader.refuses_blank and not nullable,
        enumeration=next((extra for extra in extras if isinstance(extra, Enumeration)), None),
        default=msgspec.UNSET if mandatory or declared.expected else _published_default(field.default),
    )


def _published_default(value: Any) -> Any:
    """Return a member's default as it is written in JSON; UNSET if null, now or nothing is meant."""
    if isinstance(value, IntEnum):
        return value.name
    return value if isinstance(value, str | bool) else msgspec.UNSET


def _reader_among(kinds: list[Any], declared: Declared, extras: tuple[Any, ...]) -> Reader:
    kind = next(kind for kind in kinds if kind is not type(None))
    if Undefined in kinds:
        return OpenChoice(kind)
    if declared.null_is_empty:
        return OptionalArrayReader(_reader(get_args(kind)[0], ()))
    return _reader(kind, extras)


def _reader(kind: Any, extras: tuple[Any, ...]) -> Reader:
    for extra in extras:
        if isinstance(extra, Reader):
            return extra
        if isinstance(extra, Streamed):
            return ArrayReader(reader_of(extra.element), extra.collect)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) is tuple:
        return ArrayReader(_reader(get_args(kind)[0], ()))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return Choice(kind)
    if isinstance(kind, type) and issubclass(kind, Shape):
        return reader_of(kind)
    raise TypeError(f"no reader for {kind}: declare a shape, a scalar, a tuple of them, or annotate with a Reader")


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what an annotation annotates, and its extras."""
    return (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
