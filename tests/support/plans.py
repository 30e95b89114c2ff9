"""What EXPLAIN (FORMAT JSON) says of a statement."""

from collections.abc import Iterator
from typing import Any


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes, from the top down."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
