"""Accepting v1 e-mail orders of about 1 KB with one recipient each.

Two variants. Orders due in a month: only accepting is measured; the goals are set here. Orders due at once: the same
process expands and hands them to the sandbox meanwhile, and the run's processor time counts until the last one is
handed over.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from bench.connection import connected
from bench.figures import Figures, Goal, Row
from bench.follow import drained, order_ids
from bench.lab import GOAL_CONNECTIONS, Lab, figures_of
from bench.load import closed_loop
from bench.requests import email_orders, in_a_month, numbering
from bench.service import HOST, Service

GOALS = (Goal("ratio", at_least=0.35), Goal("sum_ms", at_most=0.25), Goal("p99_ms", at_most=25))
DRAIN_SECONDS = 180.0


async def measure(lab: Lab) -> list[Row]:
    """Measure both variants."""
    return [*await _due_in_a_month(lab), await _due_at_once(lab)]


async def _due_in_a_month(lab: Lab) -> list[Row]:
    runs: dict[int, list[Figures]] = {count: [] for count in lab.plan.connections}
    async with lab.varsel("accept") as service:
        requests = email_orders(service.token, numbering(), in_a_month())
        async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
            (await closed_loop(connections, requests, lab.plan.warm_up_seconds)).require(202)
        for number in range(lab.plan.rounds):
            for count, figures in runs.items():
                lab.say(f"accept, {count} connections, round {number + 1}")
                baseline = await lab.baselines.one_row_commits(count, lab.plan.seconds)
                await lab.server.level()
                async with connected(HOST, service.port, count) as connections:
                    meter = lab.meter(service)
                    load = await closed_loop(connections, requests, lab.plan.seconds)
                    spent = meter.spent()
                figures.append(figures_of(load.require(202), spent, baseline.rate))
    return [
        Row(f"accept, due in a month, {count} connections", tuple(figures), GOALS if count == GOAL_CONNECTIONS else ())
        for count, figures in runs.items()
    ]


async def _due_at_once(lab: Lab) -> Row:
    runs: list[Figures] = []
    async with lab.varsel("accept_and_send") as service:
        requests = email_orders(service.token, numbering())
        await _accept_and_send(lab, service, requests, lab.plan.warm_up_seconds)
        for number in range(lab.plan.rounds):
            lab.say(f"accept while sending, round {number + 1}")
            baseline = await lab.baselines.one_row_commits(GOAL_CONNECTIONS, lab.plan.seconds)
            figures = await _accept_and_send(lab, service, requests, lab.plan.seconds)
            runs.append(replace(figures, baseline=baseline.rate))
    handed = median(run.handed_over_rate or 0.0 for run in runs)
    return Row(
        f"accept, due at once, {GOAL_CONNECTIONS} connections",
        tuple(runs),
        note=f"handed over at {handed:,.0f}/s from the first request to the last e-mail; processor time covers both",
    )


async def _accept_and_send(lab: Lab, service: Service, requests: Iterator[bytes], seconds: float) -> Figures:
    await lab.server.level()
    meter, began = lab.meter(service), time.perf_counter()
    async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
        load = (await closed_loop(connections, requests, seconds, keep=True)).require(202)
    ended = await drained(service, order_ids(load.bodies), DRAIN_SECONDS)
    return replace(figures_of(load, meter.spent()), handed_over_rate=load.count / (ended - began))
