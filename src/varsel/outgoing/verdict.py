"""What became of asking a send condition, and how an endpoint's answer is read (processing.md 1.7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from varsel.outgoing.fetch import Answer, retry_after_of

_MEMBER = "sendNotification"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Met:
    """The endpoint said yes."""


@dataclass(frozen=True, slots=True)
class NotMet:
    """The endpoint said no; the order ends without sending."""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Nothing could be learnt. `reason` names scheme and host at most, never the answer's content.

    The endpoint asks to be left alone for `rest`.
    """

    reason: str
    rest: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The endpoint was not asked; try later, of use after `rest` at the earliest. It says nothing of the condition."""

    reason: str
    rest: timedelta = timedelta(0)


Verdict = Met | NotMet | Inconclusive | NotAsked


def read_answer(answer: Answer, now: datetime) -> Met | NotMet | Inconclusive:
    """Read an endpoint's answer (integrations.md 3.2): any 2xx, and a JSON object with a boolean of the exact name."""
    if not 200 <= answer.status <= 299:
        rest = retry_after_of(answer.status, answer.headers, now)
        return Inconclusive(f"the endpoint answered {answer.status}", rest or timedelta(0))
    try:
        document = msgspec.json.decode(answer.body.removeprefix(_BYTE_ORDER_MARK))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Inconclusive(f"the endpoint answered {answer.status} with something that is not JSON")
    decision = document.get(_MEMBER) if isinstance(document, dict) else None
    if not isinstance(decision, bool):
        return Inconclusive(f"the endpoint answered {answer.status} without a boolean {_MEMBER}")
    return Met() if decision else NotMet()
