"""What a check of settings can find."""

from collections.abc import Iterator
from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that does not go together: the attributes it rests on, and what to do."""

    rests_on: tuple[str, ...]
    sentence: str


def name_of(attribute: str) -> str:
    """Return the variable an attribute is read from."""
    return f"VARSEL_{attribute.upper()}"


def missing(settings: object, because: str, wanted_by: str, attributes: tuple[str, ...]) -> Iterator[Finding]:
    """Find those of `attributes` that are not set (None or empty), though the attribute `wanted_by` wants them."""
    for attribute in attributes:
        if not getattr(settings, attribute):
            yield Finding((wanted_by, attribute), f"{because}, so {name_of(attribute)} must be set")
