"""Rules of phase B that both halves of the interface share."""

import re
from collections.abc import Iterator
from typing import Protocol

from varsel.intake.shapes import Rule, rule
from varsel.intake.times import Moment
from varsel.mechanisms.white_space import is_blank
from varsel.orders.senders import AllowedSenders


@rule()
def has_zone(value: Moment, _context: object) -> str | None:
    """Demand a time zone."""
    return None if value.zoned else "The send time must have a time zone: end it with Z or an offset such as +02:00."


class Judging(Protocol):
    """What rules about senders look at besides the value."""

    @property
    def senders(self) -> AllowedSenders:
        """The senders that the creator of the order may name."""
        ...


@rule()
def allowed_address(value: str, told: Judging) -> str | None:
    """Demand an e-mail sender that the creator may use."""
    return None if told.senders.has_address(value) else "You may not send e-mails from this address."


@rule()
def allowed_name(value: str, told: Judging) -> str | None:
    """Demand an SMS sender that the creator may use."""
    return None if told.senders.has_name(value) else "You may not send SMS in this name."


def digits(count: int, what: str, *, or_empty: bool = False) -> Rule:
    """Return the rule that a value is exactly `count` ASCII digits, or possibly empty."""
    written = f"([0-9]{{{count}}})?" if or_empty else f"[0-9]{{{count}}}"
    form = re.compile(written)

    @rule(pattern=f"^{written}$")
    def exactly(value: str, _context: object) -> str | None:
        return None if form.fullmatch(value) else f"{what} must be exactly {count} digits."

    return exactly


def action_problems(resource_id: str | None, action: str | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the attribute `resource_action`: it belongs to a resource and says something."""
    if resource_id is None or is_blank(resource_id):
        if action:
            yield "resource_action", "An action can only be given together with a resource id."
    elif action and is_blank(action):
        yield "resource_action", "The action must not be whitespace only."
