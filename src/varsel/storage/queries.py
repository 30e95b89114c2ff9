"""Named SQL: each `noun.sql` holds the statements of its noun, each under a line `-- name: statement_name`.

Parameters are written as `:name` and translated once, when the file is loaded, to the numbers that PostgreSQL knows.
"""

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_PARAMETER = re.compile(r"'(?:[^']|'')*'|--[^\n]*|::|:([a-z_]+)\b|:=")
"""A parameter in the first group; text literals, comments, casts and assignments are passed over."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as PostgreSQL takes it, with the names of its parameters in the order of their numbers."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a statement whose parameters are written as `:name`."""
        names: dict[str, int] = {}

        def numbered(found: re.Match[str]) -> str:
            name = found[1]
            return f"${names.setdefault(name, len(names) + 1)}" if name else found[0]

        return cls(_PARAMETER.sub(numbered, text), tuple(names))

    def of(self, **values: object) -> tuple[Any, ...]:
        """Return the statement and its values, in the form in which asyncpg takes them.

        Raises TypeError where `values` are not the statement's parameters.
        """
        if len(values) != len(self.names):
            raise TypeError(f"the statement takes {', '.join(self.names)}, not {', '.join(values)}")
        try:
            return (self.text, *[values[name] for name in self.names])
        except KeyError as missing:
            raise TypeError(f"the statement takes {', '.join(self.names)}; {missing} is missing") from None


def load(noun: str) -> dict[str, Statement]:
    """Return the statements of `noun.sql` by name; comments below a name stay with its statement."""
    return {name: Statement.read(body) for name, body in texts(noun).items()}


def texts(noun: str) -> dict[str, str]:
    """Return the statements of `noun.sql` as they are written, for files whose parameters still are numbers."""
    text = resources.files(__package__).joinpath(f"{noun}.sql").read_text(encoding="utf-8")
    _, *pieces = _NAME.split(text)
    return {name: body.strip() for name, body in zip(pieces[::2], pieces[1::2], strict=True)}
