"""Cases in, report out."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

from bench.compare.cases import Case, Request
from bench.compare.examples import Example, examples
from bench.compare.exchange import Answer, Refused, Side
from bench.compare.mutations import changed
from bench.compare.normal import Normal, differences
from bench.compare.report import Report

_IDS = ("orderId", "notificationOrderId", "id")
"""Members that name an accepted order; the newer interface has its shipment within `notification`."""


def cases(seed: int, amount: int, now: datetime) -> Iterator[Case]:
    """Yield the unchanged examples and then changed ones, `amount` in all, the same for the same seed."""
    chance = Random(seed)
    known = list(examples(now, f"compare-{uuid4()}"))
    for number in range(amount):
        example = known[number % len(known)]
        yield example.case("nothing changed", example.request()) if number < len(known) else _own_id(example, chance)


def _own_id(example: Example, chance: Random) -> Case:
    """Change an example that has an idempotency id of its own, so that it is not answered as a repetition."""
    if not isinstance(example.body, dict) or "idempotencyId" not in example.body:
        return changed(example, chance)
    body = {**example.body, "idempotencyId": f"{example.body['idempotencyId']}-{chance.getrandbits(64):016x}"}
    return changed(replace(example, body=body), chance)


async def compare(
    left: Side, right: Side, seed: int, amount: int, progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Send every case to both sides, which answer at the same time, and return what differed."""
    report, now = Report(), datetime.now(UTC)
    for number, case in enumerate(cases(seed, amount, now), start=1):
        await _compare_case(left, right, case, report)
        report.cases = number
        progress(number)
    return report


async def _compare_case(left: Side, right: Side, case: Case, report: Report) -> None:
    now = datetime.now(UTC)
    normal_left, normal_right = Normal(left.address, now), Normal(right.address, now)
    ids: tuple[str | None, str | None] = (None, None)
    for step, request in enumerate(case.requests):
        if step and None in ids:
            return
        sent = [_with_id(request, each) for each in ids]
        one, other = await asyncio.gather(left.ask(sent[0]), right.ask(sent[1]))
        report.answers += 1
        if found := list(differences(normal_left.of(one), normal_right.of(other))):
            report.add(case, step, found)
        if step == 0:
            ids = (_id_in(one), _id_in(other))


def _with_id(request: Request, identifier: str | None) -> Request:
    return replace(request, path=request.path.replace("{id}", identifier)) if identifier else request


def _id_in(answer: Answer | Refused) -> str | None:
    if isinstance(answer, Refused) or not isinstance(answer.body, dict):
        return None
    notification = answer.body.get("notification")
    if isinstance(notification, dict):
        return _text(notification.get("shipmentId"))
    return next((text for name in _IDS if (text := _text(answer.body.get(name)))), None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
