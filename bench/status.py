"""Status reads of many existing orders, each of which has been handed over and so carries its summary."""

from bench.accept import DRAIN_SECONDS
from bench.connection import connected
from bench.figures import Figures, Goal, Row
from bench.follow import drained, order_ids
from bench.lab import GOAL_CONNECTIONS, Lab, figures_of
from bench.load import closed_loop
from bench.requests import email_orders, numbering, status_reads
from bench.service import HOST, Service

GOALS = (Goal("rate", at_least=10_000),)
SEEDING_SECONDS = 1.0


async def measure(lab: Lab) -> list[Row]:
    """Measure reads at 8 up to 128 connections; the baseline is pgbench reading such rows by primary key."""
    runs: dict[int, list[Figures]] = {count: [] for count in lab.plan.connections}
    async with lab.varsel("status") as service:
        ids = await _seed(service)
        requests = status_reads(service.token, ids)
        async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
            (await closed_loop(connections, requests, lab.plan.warm_up_seconds)).require(200)
        for number in range(lab.plan.rounds):
            for count, figures in runs.items():
                lab.say(f"status reads, {count} connections, round {number + 1}")
                baseline = await lab.baselines.key_reads(count, lab.plan.seconds)
                async with connected(HOST, service.port, count) as connections:
                    meter = lab.meter(service)
                    load = await closed_loop(connections, requests, lab.plan.seconds)
                    spent = meter.spent()
                figures.append(figures_of(load.require(200), spent, baseline.rate))
    return [
        Row(f"status reads over {len(ids):,} orders, {count} connections", tuple(figures), _goals(count))
        for count, figures in runs.items()
    ]


def _goals(count: int) -> tuple[Goal, ...]:
    return GOALS if count == GOAL_CONNECTIONS else ()


async def _seed(service: Service) -> list[str]:
    requests = email_orders(service.token, numbering())
    async with connected(HOST, service.port, GOAL_CONNECTIONS) as connections:
        load = (await closed_loop(connections, requests, SEEDING_SECONDS, keep=True)).require(202)
    ids = order_ids(load.bodies)
    await drained(service, ids, DRAIN_SECONDS)
    return ids
