"""Reads a table of settings from the environment and reports everything that is wrong at once."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from varsel.mechanisms.followed_file import FollowedFile
from varsel.mechanisms.made_anew import MadeAnew
from varsel.settings.kinds import Kind
from varsel.settings.secret import Secret

T = TypeVar("T")
PREFIX = "VARSEL_"
_FILE = "_FILE"
_LARGEST_SECRET_FILE = 64 * 1024
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Derived:
    """A default that follows from settings declared above it; `shown` says so in the reference."""

    shown: str
    from_values: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the reference and the sentence below it."""

    title: str
    about: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One declared setting. `default` stands as an operator would write it; `says` explains the setting."""

    attribute: str
    group: Group
    kind: Kind[Any]
    default: str | Derived
    says: str

    @property
    def name(self) -> str:
        """The variable it is read from."""
        return PREFIX + self.attribute.upper()

    @property
    def file_name(self) -> str | None:
        """The variable naming a file that holds it; only secrets have one."""
        return self.name + _FILE if self.kind.secret else None

    def default_text(self, values: Mapping[str, Any]) -> str:
        """Return the default as text, given the settings read so far."""
        return self.default.from_values(values) if isinstance(self.default, Derived) else self.default


@dataclass(frozen=True, slots=True)
class _Declaration:
    group: Group
    kind: Kind[Any]
    default: str | Derived
    says: str


def setting(group: Group, kind: Kind[T], default: str | Derived, says: str) -> T:
    """Declare a field of a settings table; the variable is named after the field."""
    declared = dataclasses.field(metadata={"setting": _Declaration(group, kind, default, says)})
    return cast("T", declared)


def settings_of(table: type[Any]) -> tuple[Setting, ...]:
    """Return the settings a table declares, in order."""
    fields = ((field.name, field.metadata["setting"]) for field in dataclasses.fields(table) if field.metadata)
    return tuple(Setting(name, said.group, said.kind, said.default, said.says) for name, said in fields)


@dataclass(frozen=True, slots=True)
class Reading:
    """Values by attribute, every problem found, and the attributes that took their default because of one."""

    values: dict[str, Any]
    problems: list[str]
    flawed: frozenset[str]


def read_values(declared: Iterable[Setting], environ: Mapping[str, str]) -> Reading:
    """Read every declared setting from `environ`, whatever is wrong with others."""
    declared = tuple(declared)
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for each in declared:
        default = each.kind.parse(each.default_text(values))
        try:
            text = _text_of(each, environ)
            values[each.attribute] = default if text is None else _following(each, _parsed(each, text), environ)
        except _Unfit as unfit:
            values[each.attribute], problems[each.attribute] = default, str(unfit)
    return Reading(values, [*problems.values(), *_unknown_names(declared, environ)], frozenset(problems))


class _Unfit(Exception):
    """A setting cannot be read; says why, naming the variable."""


def _parsed(each: Setting, text: str) -> Any:
    try:
        return each.kind.parse(text)
    except ValueError as error:
        seen = "" if each.kind.secret else f"; it is {_shortened(text)!r}"
        raise _Unfit(f"{each.name} {error}{seen}") from None


def _following(each: Setting, value: Any, environ: Mapping[str, str]) -> Any:
    """Let a secret that was read from a file follow that file; any other value stays as it is."""
    file = environ.get(each.file_name) if each.file_name else None
    if not file or not each.file_name or not isinstance(value, Secret):
        return value
    followed = FollowedFile(Path(file), value.reveal().encode(), _LARGEST_SECRET_FILE)

    def read(content: bytes) -> str:
        try:
            parsed = each.kind.parse(_secret_in(each.file_name or "", content))
        except _Unfit as unfit:
            raise ValueError(str(unfit)) from None
        if not isinstance(parsed, Secret):
            raise ValueError("it holds no value")  # noqa: TRY004 - the file is at fault, not a type
        return parsed.reveal()

    return Secret(value.reveal(), MadeAnew(f"content of {each.file_name}", followed.latest, read))


def _text_of(each: Setting, environ: Mapping[str, str]) -> str | None:
    """Return the setting's text, or None when it is not given."""
    direct = environ.get(each.name)
    file_name = each.file_name
    file = environ.get(file_name) if file_name else None
    if file_name and file:
        if direct:
            raise _Unfit(f"{each.name} and {file_name} are both given; keep one of them")
        return _file_text(file_name, Path(file))
    if direct is None or (not direct.strip() and not each.kind.empty_counts):
        return None
    return direct.strip()


def _file_text(file_name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_SECRET_FILE + 1)
    except OSError as error:
        raise _Unfit(f"{file_name} names a file that cannot be read: {error.strerror}") from None
    return _secret_in(file_name, content)


def _secret_in(file_name: str, content: bytes) -> str:
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise _Unfit(f"{file_name} names a file that is not UTF-8 text") from None
    if len(content) > _LARGEST_SECRET_FILE:
        raise _Unfit(
            f"{file_name} names a file of more than {_LARGEST_SECRET_FILE} bytes; it should hold the secret alone"
        )
    if not text:
        raise _Unfit(f"{file_name} names an empty file")
    return text


def _unknown_names(declared: tuple[Setting, ...], environ: Mapping[str, str]) -> list[str]:
    known = names_of(declared)
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    return [f"{name} is no setting of Varsel{_advice(name, known)}" for name in unknown]


def names_of(declared: Iterable[Setting]) -> frozenset[str]:
    """Return every variable that is read for the settings `declared`."""
    return frozenset(name for each in declared for name in (each.name, each.file_name) if name)


def _advice(name: str, known: frozenset[str]) -> str:
    if name.removesuffix(_FILE) in known:
        return f"; only secrets can be given as a file, so set {name.removesuffix(_FILE)} itself"
    endings = [each.removeprefix(PREFIX) for each in sorted(known)]
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
    return f"; did you mean {PREFIX}{nearest[0]}?" if nearest else "; varsel settings lists them all"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
