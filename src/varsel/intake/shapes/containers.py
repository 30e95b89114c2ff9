"""Readers of objects and arrays, in one go or through the window."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from varsel.intake.shapes.findings import Unreadable, step_of
from varsel.intake.shapes.named import Enumeration, References, extended
from varsel.intake.shapes.rules import Rule
from varsel.intake.shapes.scalars import Problem, Reader, refuse_broken_name
from varsel.intake.shapes.scanning import IGNORED, Walk, Window
from varsel.mechanisms.white_space import is_blank


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a shape. `key` is its step in a model path, dot included; JSON paths spell it as the body does.

    `enumeration` is what is published instead of the names that its reader knows. `default` is what absence means, as
    it is written in JSON; UNSET if that cannot be said by a value.
    """

    attribute: str
    wire: str
    key: str
    reader: Reader
    description: str
    rules: tuple[Rule, ...]
    mandatory: bool
    expected: bool
    nullable: bool
    never_null: bool
    never_blank: bool
    enumeration: Enumeration | None
    default: Any

    def lacks(self, value: Any) -> bool:
        """Tell whether a presence rule (phase A2) is broken by this value."""
        if value is None:
            return self.never_null
        return self.never_blank and is_blank(value)

    def schema(self, references: References) -> dict[str, Any]:
        """Return the member's JSON Schema.

        Null is as good as absent where it is allowed, so that it is not allowed where the member must be there.
        """
        keywords: dict[str, Any] = {"description": self.description} if self.description else {}
        if self.never_blank:
            keywords["pattern"] = r"\S"
        for rule in self.rules:
            keywords.update(rule.schema)
        if self.default is not msgspec.UNSET:
            keywords["default"] = self.default
        described = self.enumeration or self.reader
        return extended(described.schema(references), keywords, nullable=self.nullable and not self.expected)


_Judged = tuple[str, str, tuple[Callable[[Any, Any], str | None], ...], Reader | None]


def _as_judged(member: Member) -> _Judged:
    """Return what phase B needs of a member: attribute, key, rules, and the reader if there are rules within."""
    rules = tuple(rule.broken for rule in member.rules)
    return member.attribute, member.key, rules, member.reader if member.reader.has_rules else None


_Step = tuple[str, tuple[Callable[[Any, Any], str | None], ...], Callable[[Any, Any], bool] | None]


def _as_step(member: Member) -> _Step:
    """Return what `is_sound` needs of a member: attribute, rules, and how to look within."""
    rules = tuple(rule.broken for rule in member.rules)
    return member.attribute, rules, member.reader.is_sound if member.reader.can_be_unsound else None


class ObjectReader(Reader):
    """Reads an object into its shape: names in any case, unknown members ignored, the last of several wins.

    `judges` tells whether the shape has rules across its members.
    """

    expected = "A JSON object"
    passes_null = True

    def __init__(
        self, shape: Callable[..., Any], name: str, description: str, members: Sequence[Member], *, judges: bool
    ) -> None:
        self._shape = shape
        self.name = name
        self._description = description
        self._members = members
        self._by_name = {member.wire: member for member in members}
        self._by_folded = {member.wire.lower(): member for member in members}
        self._mandatory = {member.attribute: member.wire for member in members if member.mandatory}
        self._keys = {member.attribute: member.key for member in members}
        self._present = [member for member in members if member.never_null or member.never_blank]
        self._nested = [member for member in members if member.reader.has_presence]
        self._judged = [_as_judged(member) for member in members if member.rules or member.reader.has_rules]
        self._never_null = [(member.attribute, member.never_blank) for member in self._present]
        self._steps = [_as_step(member) for member in members if member.rules or member.reader.can_be_unsound]
        self._judges = judges
        self.can_be_unsound = bool(self._never_null or self._steps or judges)
        self.has_presence = bool(self._present or self._nested)
        self.has_rules = True

    def read(self, value: Any) -> Any:
        """Read a scanned object."""
        if type(value) is not tuple:
            if value is None:
                return None
            raise Unreadable("A JSON object is expected.")
        found: dict[str, Any] = {}
        by_name = self._by_name
        for name, item in value:
            member = by_name.get(name) or self._by_folded.get(name.lower())
            if member is None:
                refuse_broken_name(name)
                continue
            try:
                found[member.attribute] = member.reader.read(item)
            except Unreadable as problem:
                raise problem.under(step_of(name)) from None
        return self._build(found)

    def walk(self, window: Window) -> Walk:
        """Read an object too large for the window, member by member."""
        window.enter("{")
        found: dict[str, Any] = {}
        first = True
        while (yield from window.more("}", first=first)):
            first = False
            name = yield from window.name()
            member = self._by_name.get(name) or self._by_folded.get(name.lower())
            if member is None:
                refuse_broken_name(name)
            try:
                item = yield from window.value(member.reader if member else IGNORED)
            except Unreadable as problem:
                raise problem.under(step_of(name)) from None
            if member:
                found[member.attribute] = item
            yield 0
        return self._build(found)

    def missing(self, value: Any) -> Iterator[str | None]:
        """Yield the keys of members that must not be null or blank but are."""
        for member in self._present:
            if member.lacks(getattr(value, member.attribute)):
                yield member.key
        for member in self._nested:
            item = getattr(value, member.attribute)
            if item is not None:
                for key in member.reader.missing(item):
                    yield None if key is None else member.key + key

    def problems(self, value: Any, context: Any) -> Iterator[Problem | None]:
        """Yield the broken rules of the members, then those across members."""
        for attribute, key, rules, nested in self._judged:
            item = getattr(value, attribute)
            if item is None or item is msgspec.UNSET:
                continue
            for broken in rules:
                message = broken(item, context)
                if message is not None:
                    yield key, message
            if nested is not None:
                for problem in nested.problems(item, context):
                    yield problem and (key + problem[0], problem[1])
        for attribute, message in value.judge(context):
            yield self._keys[attribute] if attribute else "", message

    def is_sound(self, value: Any, context: Any) -> bool:
        """Tell whether nothing is missing at or below the value, and no rule is broken."""
        for attribute, never_blank in self._never_null:
            item = getattr(value, attribute)
            if item is None or (never_blank and (not item or (item.isspace() and is_blank(item)))):
                return False
        for attribute, rules, is_sound in self._steps:
            item = getattr(value, attribute)
            if item is None or item is msgspec.UNSET:
                continue
            for broken in rules:
                if broken(item, context) is not None:
                    return False
            if is_sound is not None and not is_sound(item, context):
                return False
        return not self._judges or next(iter(value.judge(context)), None) is None

    def schema(self, references: References) -> dict[str, Any]:
        """Describe the shape once and refer to it."""
        return references.to(self.name, self._shape, lambda: self._describe(references))

    def _describe(self, references: References) -> dict[str, Any]:
        required = [member.wire for member in self._members if member.mandatory or member.expected]
        described: dict[str, Any] = {"type": "object", "description": self._description}
        if required:
            described["required"] = required
        described["properties"] = {member.wire: member.schema(references) for member in self._members}
        return described

    def _build(self, found: Mapping[str, Any]) -> Any:
        if self._mandatory and not self._mandatory.keys() <= found.keys():
            lacking = ", ".join(f"'{wire}'" for name, wire in self._mandatory.items() if name not in found)
            raise Unreadable(f"The JSON object is missing mandatory members: {lacking}.")
        return self._shape(**found)


_TURN = 16
"""Elements after which others may get a turn; one element may need a slow verdict on a foreign number."""


class Collector(Protocol):
    """Takes the elements of an array one by one."""

    def add(self, element: Any) -> None:
        """Take one element; None stands for a null."""
        ...

    def close(self) -> Any:
        """Return the collection: iterable, yielding the elements in their order."""
        ...


class TupleCollector:
    """Collects into a tuple."""

    def __init__(self) -> None:
        self._elements: list[Any] = []

    def add(self, element: Any) -> None:
        """Take one element."""
        self._elements.append(element)

    def close(self) -> tuple[Any, ...]:
        """Return the elements."""
        return tuple(self._elements)


class ArrayReader(Reader):
    """Reads an array element by element into a collection."""

    expected = "A JSON array"
    passes_null = True

    def __init__(self, element: Reader, collect: Callable[[], Collector] = TupleCollector) -> None:
        self._element = element
        self._collect = collect
        self.has_presence = element.has_presence
        self.has_rules = element.has_rules or element.passes_null
        self.can_be_unsound = self.has_rules or element.can_be_unsound

    def read(self, value: Any) -> Any:
        """Read a scanned array."""
        if type(value) is not list:
            if value is None:
                return None
            raise Unreadable("A JSON array is expected.")
        collector = self._collect()
        for index, item in enumerate(value):
            try:
                collector.add(self._element.read(item))
            except Unreadable as problem:
                raise problem.under(f"[{index}]") from None
        return collector.close()

    def walk(self, window: Window) -> Walk:
        """Read an array too large for the window, element by element."""
        window.enter("[")
        collector = self._collect()
        index = 0
        try:
            while (yield from window.more("]", first=index == 0)):
                batch = window.batch()
                for item in batch:
                    collector.add(self._element.read(item))
                    index += 1
                    if not index % _TURN:
                        yield 0
                if not batch:
                    collector.add((yield from window.value(self._element)))
                    index += 1
                    yield 0
        except Unreadable as problem:
            raise problem.under(f"[{index}]") from None
        return collector.close()

    def missing(self, value: Any) -> Iterator[str | None]:
        """Yield the keys of presence problems inside the elements."""
        for index, item in enumerate(value):
            if not index % _TURN:
                yield None
            if item is not None:
                for key in self._element.missing(item):
                    yield None if key is None else f"[{index}]{key}"

    def problems(self, value: Any, context: Any) -> Iterator[Problem | None]:
        """Yield null elements (api.md 5, item 31) and the broken rules inside the others."""
        for index, item in enumerate(value):
            if not index % _TURN:
                yield None
            if item is None:
                yield f"[{index}]", "An element must not be null."
                continue
            for problem in self._element.problems(item, context):
                yield problem and (f"[{index}]{problem[0]}", problem[1])

    def is_sound(self, value: Any, context: Any) -> bool:
        """Tell whether no element is null or unsound."""
        is_sound = self._element.is_sound
        for item in value:  # noqa: SIM110 - a generator would cost as much as the judgement itself
            if item is None or not is_sound(item, context):
                return False
        return True

    def schema(self, references: References) -> dict[str, Any]:
        """Say that it is an array of such elements."""
        return {"type": "array", "items": self._element.schema(references)}


class OptionalArrayReader(ArrayReader):
    """Reads an array for which null is as good as empty."""

    def read(self, value: Any) -> Any:
        """Read a scanned array, or null as an empty one."""
        return super().read([] if value is None else value)
