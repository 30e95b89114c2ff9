"""The newer interface: chains accepted and replayed, shipments read, instant e-mails handed over.

Chains are e-mails with one reminder, due in a month, so that only accepting is measured. Shipments are read over
orders that were handed over, each with one notification. All three are measured with one process, and with two that
share a port, as one machine of two cores would run them.

The goals are absolute, and machines differ by more than goals allow for; so each is also held against the HTTP server
with nothing behind it, given the same requests. It answered 42,000 a second in one process on the machine for which
the goals were set.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

import msgspec

from bench.connection import connected
from bench.figures import Figures, Goal, Row
from bench.follow import drained, order_ids
from bench.generator import bare
from bench.idle import CONNECTIONS, RATE, handover_latencies
from bench.lab import GOAL_CONNECTIONS, Lab, figures_of
from bench.load import closed_loop, paced
from bench.requests import LETTER, MARK, email_orders, get, numbered, numbering, post
from bench.service import EVERYTHING, HOST, Service

BARE_RATE = 42_000
ACCEPT_GOALS = (
    Goal("ratio", at_least=0.25),
    Goal("sum_ms", at_most=0.4),
    Goal("bares", at_most=0.4 / (1_000 / BARE_RATE)),
)
REPLAY_GOALS = (Goal("rate", at_least=8_000), Goal("ratio", at_least=8_000 / BARE_RATE))
SHIPMENT_GOALS = (Goal("rate", at_least=8_000), Goal("ratio", at_least=8_000 / BARE_RATE))
INSTANT_GOALS = (Goal("p99_ms", at_most=50),)
SEEDING_SECONDS = 1.0


class _Notification(msgspec.Struct, rename="camel"):
    shipment_id: str


class _Placed(msgspec.Struct):
    notification: _Notification


_placed = msgspec.json.Decoder(_Placed)


async def measure(lab: Lab) -> list[Row]:
    """Measure all four."""
    one, two = ("one process", (EVERYTHING,)), ("two processes", (EVERYTHING, "api"))
    return [
        *await _accepting(lab, *one, lab.plan.connections),
        *await _accepting(lab, *two, (GOAL_CONNECTIONS,)),
        await _reading(lab, *one),
        await _reading(lab, *two),
        await _instant(lab),
    ]


async def _accepting(lab: Lab, title: str, roles: Sequence[str], counts: Iterable[int]) -> list[Row]:
    runs: dict[int, list[Figures]] = {count: [] for count in counts}
    replays: list[Figures] = []
    async with lab.varsel(f"chains_{len(roles)}", roles) as service:
        requests = _chains(service.token, numbering())
        async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
            (await closed_loop(connections, requests, lab.plan.warm_up_seconds)).require(201)
        for number in range(lab.plan.rounds):
            for count, figures in runs.items():
                lab.say(f"accepting chains, {title}, {count} connections, round {number + 1}")
                figures.append(await _placed_anew(lab, service, requests, count))
            lab.say(f"replaying chains, {title}, round {number + 1}")
            known = cycle(list(_first(_chains(service.token, numbering()), 1_000)))
            replays.append(await _replayed(lab, service, known))
    rows = [
        Row(
            f"chain with a reminder, {title}, {count} connections",
            tuple(figures),
            ACCEPT_GOALS if count == GOAL_CONNECTIONS else (),
        )
        for count, figures in runs.items()
    ]
    return [*rows, Row(f"replayed chains, {title}, {GOAL_CONNECTIONS} connections", tuple(replays), REPLAY_GOALS)]


async def _placed_anew(lab: Lab, service: Service, requests: Iterator[bytes], count: int) -> Figures:
    empty = await bare(lab, requests)
    baseline = await lab.baselines.one_row_commits(count, lab.plan.seconds)
    await lab.server.level()
    async with connected(HOST, service.port, count) as connections:
        meter = lab.meter(service)
        load = await closed_loop(connections, requests, lab.plan.seconds)
        spent = meter.spent()
    return replace(figures_of(load.require(201), spent, baseline.rate), bare_ms=empty.varsel_ms)


async def _replayed(lab: Lab, service: Service, requests: Iterator[bytes]) -> Figures:
    possible = (await bare(lab, requests)).rate
    async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
        await closed_loop(connections, requests, lab.plan.warm_up_seconds)  # each process meets them once
        meter = lab.meter(service)
        load = await closed_loop(connections, requests, lab.plan.seconds)
        spent = meter.spent()
    return figures_of(load.require(200), spent, possible)


async def _reading(lab: Lab, title: str, roles: Sequence[str]) -> Row:
    runs: list[Figures] = []
    async with lab.varsel(f"shipments_{len(roles)}", roles) as service:
        async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
            seed = await closed_loop(connections, email_orders(service.token, numbering()), SEEDING_SECONDS, keep=True)
        ids = order_ids(seed.require(202).bodies)
        await drained(service, ids, 120.0)
        for number in range(lab.plan.rounds):
            lab.say(f"shipment reads, {title}, round {number + 1}")
            possible = (await bare(lab, _shipment_reads(service.token, ids))).rate
            async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
                meter = lab.meter(service)
                load = await closed_loop(connections, _shipment_reads(service.token, ids), lab.plan.seconds)
                spent = meter.spent()
            runs.append(figures_of(load.require(200), spent, possible))
    return Row(f"shipment reads, {title}, {GOAL_CONNECTIONS} connections", tuple(runs), SHIPMENT_GOALS)


async def _instant(lab: Lab) -> Row:
    runs: list[Figures] = []
    async with lab.varsel("instant") as service:
        requests = _instants(service.token, numbering())
        async with connected(HOST, service.port, CONNECTIONS) as connections:
            (await paced(connections, requests, RATE, lab.plan.warm_up_seconds)).require(201)
        for number in range(lab.plan.rounds):
            lab.say(f"instant e-mails, round {number + 1}")
            async with connected(HOST, service.port, CONNECTIONS) as connections:
                meter = lab.meter(service)
                load = (await paced(connections, requests, RATE, lab.plan.idle_seconds)).require(201)
            shipments = [_placed.decode(body).notification.shipment_id for body in load.bodies]
            latencies = await handover_latencies(service.database, shipments)
            runs.append(figures_of(load, meter.spent(), latencies=latencies))
    return Row(f"instant e-mails, {RATE}/s, request to provider call", tuple(runs), INSTANT_GOALS)


def _first(requests: Iterator[bytes], amount: int) -> Iterator[bytes]:
    for _, request in zip(range(amount), requests, strict=False):
        yield request


def _chains(token: str, numbers: Iterable[int]) -> Iterator[bytes]:
    """Yield e-mails of about 1 KB with one reminder, each with its own idempotency id; equal numbers, equal bytes."""
    settings = {"subject": f"A new letter, {MARK}", "body": LETTER}
    reminder = {"subject": "Your letter is still unread", "body": "Log in to read it."}
    address = f"recipient-{MARK}@example.com"
    due = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=30)
    body = {
        "idempotencyId": f"case-{MARK}",
        "sendersReference": f"case-{MARK}",
        "requestedSendTime": due.isoformat(),
        "recipient": {"recipientEmail": {"emailAddress": address, "emailSettings": settings}},
        "reminders": [
            {"delayDays": 7, "recipient": {"recipientEmail": {"emailAddress": address, "emailSettings": reminder}}}
        ],
    }
    return numbered(post("/future/orders", token, json.dumps(body).encode()), numbers)


def _instants(token: str, numbers: Iterable[int]) -> Iterator[bytes]:
    settings = {"subject": "Your code", "body": f"Your code is {MARK}"}
    body = {
        "idempotencyId": f"code-{MARK}",
        "recipientEmail": {"emailAddress": f"recipient-{MARK}@example.com", "emailSettings": settings},
    }
    return numbered(post("/future/orders/instant/email", token, json.dumps(body).encode()), numbers)


def _shipment_reads(token: str, ids: Sequence[str]) -> Iterator[bytes]:
    before, after = get(f"/future/shipment/{MARK}", token).split(MARK.encode())
    for order_id in cycle([identifier.encode() for identifier in ids]):
        yield before + order_id + after
