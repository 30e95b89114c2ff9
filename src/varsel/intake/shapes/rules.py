"""Rules of phase B that concern one member. Rules across members are a shape's `judge` method."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from varsel.mechanisms.white_space import is_blank


class Rule(NamedTuple):
    """Judges a member's value: `broken(value, context)` returns the message for the caller, or None.

    It is asked only about values that are there. `schema` is what JSON Schema can say of the rule.
    """

    broken: Callable[[Any, Any], str | None]
    schema: Mapping[str, Any]


def rule(**schema: Any) -> Callable[[Callable[[Any, Any], str | None]], Rule]:
    """Make a function a rule; the arguments are its JSON Schema keywords."""

    def declare(broken: Callable[[Any, Any], str | None]) -> Rule:
        return Rule(broken, schema)

    return declare


@rule(pattern=r"\S")
def not_blank(value: str, _context: object) -> str | None:
    """Demand at least one character that is not whitespace."""
    return None if not is_blank(value) else "The value must not be empty or whitespace only."
