"""The legal steps of orders and of notifications' results, written once; `docs/lifecycle.md` draws them from here."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from varsel.model.orders import OrderStatus
from varsel.model.results import (
    DELIVERED,
    FACTS,
    FAILED,
    FAILED_TTL,
    HANDED_OVER,
    NEW,
    NOT_IDENTIFIED,
    RESERVED,
    SENDING,
    Channel,
    Result,
    Stage,
)


class OrderStep(NamedTuple):
    """One legal step of an order; `before` is None for the status an order is created in."""

    before: OrderStatus | None
    after: OrderStatus
    why: str


class ResultStep(NamedTuple):
    """Legal steps from each result in `before` to each in `after`; no `before` means that rows are created so."""

    before: tuple[Result, ...]
    after: tuple[Result, ...]
    why: str


# processing.md 1.10
ORDER_STEPS = (
    OrderStep(None, OrderStatus.Registered, "ordered"),
    OrderStep(None, OrderStatus.Processed, "ordered as instant"),
    OrderStep(OrderStatus.Registered, OrderStatus.Processing, "due"),
    OrderStep(OrderStatus.Registered, OrderStatus.Cancelled, "cancelled in time"),
    OrderStep(OrderStatus.Processing, OrderStatus.Registered, "could not be processed yet"),
    OrderStep(OrderStatus.Processing, OrderStatus.SendConditionNotMet, "the condition said no"),
    OrderStep(OrderStatus.Processing, OrderStatus.Processed, "something to send"),
    OrderStep(OrderStatus.Processing, OrderStatus.Completed, "nothing to send"),
    OrderStep(OrderStatus.Processed, OrderStatus.Completed, "last result is final"),
)

# A transport value: a transient error is stored as New (processing.md 5.1).
_NEVER_STORED = frozenset({Result.EMAIL_FAILED_TRANSIENT_ERROR})


def order_may_follow(current: OrderStatus, following: OrderStatus) -> bool:
    """Tell whether an order may step from `current` to `following`."""
    return (current, following) in _ORDER_PAIRS


def order_is_final(status: OrderStatus) -> bool:
    """Tell whether nothing ever leaves `status`."""
    return all(step.before is not status for step in ORDER_STEPS)


def result_may_follow(current: Result, following: Result) -> bool:
    """Tell whether some event may replace `current` by `following`; `delivery` says which event."""
    return following in RESULT_STEPS[current]


def refusals(channel: Channel) -> tuple[Result, ...]:
    """Return the failures a provider can answer or report on `channel`."""
    own = {RESERVED[channel], NOT_IDENTIFIED[channel], FAILED_TTL[channel], DELIVERED[channel]} | _NEVER_STORED
    return tuple(
        result
        for result, facts in FACTS.items()
        if facts.channel is channel and facts.stage is Stage.Final and result not in own
    )


def result_steps(channel: Channel) -> tuple[ResultStep, ...]:
    """Return the steps of one channel's results (processing.md 5.1 and 5.2, integrations.md 8).

    A notification is read as New while it waits and as Sending while it is with the provider, so what the provider
    says may find it in either.
    """
    new, sending, handed_over = NEW[channel], SENDING[channel], HANDED_OVER[channel]
    delivered, expired, refused = DELIVERED[channel], FAILED_TTL[channel], refusals(channel)
    pending = (new, sending, handed_over)
    return (
        ResultStep((), (new,), "address found"),
        ResultStep((), (sending,), "instant"),
        ResultStep((), (RESERVED[channel],), "recipient is reserved"),
        ResultStep((), (NOT_IDENTIFIED[channel],), "no address found"),
        ResultStep((new,), (sending,), "claimed"),
        ResultStep((sending,), (new,), "certainly not taken, tried again"),
        ResultStep((new, sending), (handed_over,), "taken by the provider"),
        ResultStep(pending, (delivered,), "reported or assumed"),
        ResultStep(pending, refused, "refused or reported"),
        ResultStep(pending, (expired,), "no final result in time"),
        ResultStep((expired,), (delivered, *refused), "late report or answer"),
        ResultStep((FAILED[channel],), (delivered, *refused), "late report or answer, if no outcome was known"),
        ResultStep((delivered,), refused, "reported, if delivery was only assumed"),
    )


def _reachable(channels: Iterable[Channel]) -> dict[Result, frozenset[Result]]:
    reachable: dict[Result, frozenset[Result]] = dict.fromkeys(Result, frozenset())
    for channel in channels:
        for step in result_steps(channel):
            for result in step.before:
                reachable[result] |= frozenset(step.after)
    return reachable


_ORDER_PAIRS = frozenset((step.before, step.after) for step in ORDER_STEPS)
RESULT_STEPS: Mapping[Result, frozenset[Result]] = MappingProxyType(_reachable(Channel))
"""For each result those that may replace it."""


def diagram() -> str:
    """Return the state diagrams of orders, e-mails and SMS as Markdown with mermaid blocks."""
    parts = ["### Orders", _drawn(_order_arrows())]
    for channel, title in ((Channel.Email, "### E-mails"), (Channel.Sms, "### SMS")):
        parts += [title, _drawn(_result_arrows(channel))]
        parts += ["`Refused` stands for: " + ", ".join(f"`{r.facts.name}`" for r in _drawn_as_refused(channel)) + "."]
    return "\n\n".join(parts)


class _Arrow(NamedTuple):
    before: str
    after: str
    why: str


_OUTSIDE = "[*]"


def _order_arrows() -> list[_Arrow]:
    arrows = [_Arrow(s.before.name if s.before is not None else _OUTSIDE, s.after.name, s.why) for s in ORDER_STEPS]
    return arrows + [_Arrow(status.name, _OUTSIDE, "") for status in OrderStatus if order_is_final(status)]


def _result_arrows(channel: Channel) -> list[_Arrow]:
    """Draw the refusals as one state, but for Failed: they share all their steps."""
    refused = frozenset(_drawn_as_refused(channel))
    arrows = [
        _Arrow(before, after, step.why)
        for step in result_steps(channel)
        for before in _state_names(step.before, refused) or [_OUTSIDE]
        for after in _state_names(step.after, refused)
    ]
    arrows = [arrow for arrow in arrows if arrow.before != arrow.after]
    final = [r for r, following in RESULT_STEPS.items() if r.facts.channel is channel and not following]
    stored = [r for r in final if r not in _NEVER_STORED]
    return arrows + [_Arrow(name, _OUTSIDE, "") for name in _state_names(stored, refused)]


def _drawn_as_refused(channel: Channel) -> tuple[Result, ...]:
    return tuple(result for result in refusals(channel) if result is not FAILED[channel])


def _state_names(results: Iterable[Result], refused: frozenset[Result]) -> list[str]:
    return list(dict.fromkeys("Refused" if result in refused else result.facts.name for result in results))


def _drawn(arrows: list[_Arrow]) -> str:
    lines = [f"    {a.before} --> {a.after}" + (f": {a.why}" if a.why else "") for a in arrows]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])
