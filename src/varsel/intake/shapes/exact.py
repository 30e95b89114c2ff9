"""Reading in one call a small body that is written exactly as described, as nearly all are.

The contract allows many spellings: names in any case, unknown members, numbers in strings, enumerations as integers. A
decoder that knows only the plain one reads it many times faster, and what it takes the patient reader takes too, with
the same value. All else, and all that breaks a rule, it leaves to the patient reader, which knows every spelling and
every error's key.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, Final, cast, get_args, get_origin, get_type_hints

import msgspec

from varsel.intake.shapes.containers import Collector
from varsel.intake.shapes.declaration import Shape, Streamed, alternatives, split
from varsel.intake.shapes.scalars import Undefined, UriText
from varsel.intake.shapes.scanning import WINDOW
from varsel.intake.times import Moment, read_moment

_NUL: Final = b"\\u0000"
"""How a body may hold the one character that texts must not; raw it is no JSON."""

_INT_32: Final = msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)


class _Spelled(ABC):
    """Stands in an annotation for a type that is read from a string and registered as a subclass."""

    @staticmethod
    @abstractmethod
    def read(text: str) -> Any:
        """Return the value, or None where `text` does not spell one."""


class _MomentText(_Spelled):
    """Stands for `Moment`."""

    @staticmethod
    def read(text: str) -> Moment | None:
        return read_moment(text)


_MomentText.register(Moment)


@cache
def _named(options: type[IntEnum]) -> type[_Spelled]:
    """Return what stands for an enumeration, its members spelled by their exact names."""
    by_name = dict(options.__members__)

    class Named(_Spelled):
        read = staticmethod(by_name.get)  # type: ignore[assignment]  # a function from names to members

    Named.register(options)
    return Named


def _read_spelled(kind: type[_Spelled], value: Any) -> Any:
    if type(value) is not str:
        raise ValueError("not spelled as a string")
    found = kind.read(value)
    if found is None:
        raise ValueError("not spelled plainly")
    return found


class ExactReader:
    """Reads bodies of one shape."""

    def __init__(self, exact: type[Shape], streamed: dict[str, Callable[[], Collector]]) -> None:
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(exact, dec_hook=_read_spelled).decode
        self._streamed = streamed

    def read(self, body: bytes) -> Any:
        """Return the value, or None where the patient reader must look at the body."""
        if len(body) > WINDOW or _NUL in body:
            return None
        try:
            value = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        for attribute, collect in self._streamed.items():
            elements = getattr(value, attribute)
            if type(elements) is list:
                msgspec.structs.force_setattr(value, attribute, _collected(elements, collect()))
        return value


@cache
def exact_reader(shape: type[Shape]) -> ExactReader:
    """Make the reader of `shape`, once."""
    hints = get_type_hints(shape, include_extras=True)
    streamed = {name: found.collect for name, hint in hints.items() if (found := _streamed(hint))}
    return ExactReader(_exact_shape(shape), streamed)


def _streamed(hint: Any) -> Streamed | None:
    return next((extra for extra in split(hint)[1] if isinstance(extra, Streamed)), None)


def _collected(elements: list[Any], collector: Collector) -> Any:
    for element in elements:
        collector.add(element)
    return collector.close()


@cache
def _exact_shape(shape: type[Shape]) -> type[Shape]:
    """Derive from `shape` the struct in which every member has its plain spelling and no other member may occur."""
    hints = get_type_hints(shape, include_extras=True)
    fields = msgspec.structs.fields(shape)
    annotated = [(field.name, _exact(hints[field.name]), *_default(field)) for field in fields]
    name = f"Exact{shape.__name__}"
    made = msgspec.defstruct(name, annotated, bases=(shape,), module=__name__, kw_only=True, forbid_unknown_fields=True)
    return cast("type[Shape]", made)


def _default(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    return () if field.required else (field.default,)


def _exact(hint: Any) -> Any:
    if streamed := _streamed(hint):
        return list[_exact_shape(streamed.element)]  # type: ignore[misc]  # made at run time
    kinds = [_exact_kind(kind) for kind in alternatives(split(hint)[0]) if kind is not Undefined]
    found = kinds[0]
    for kind in kinds[1:]:
        found = found | kind
    return found


def _exact_kind(kind: Any) -> Any:
    if kind in (str, bool, type(None), msgspec.UnsetType):
        return kind
    if kind is UriText:
        return str
    if kind is int:
        return Annotated[int, _INT_32]
    if kind is Moment:
        return _MomentText
    if get_origin(kind) is tuple:
        return tuple[_exact(get_args(kind)[0]), ...]  # type: ignore[misc]  # made at run time
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return _named(kind)
    if isinstance(kind, type) and issubclass(kind, Shape):
        return _exact_shape(kind)
    raise TypeError(f"no exact spelling is known for {kind}")
