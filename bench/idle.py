"""Latency when there is little to do: a hundred orders a second, from created to handed to the provider."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import asyncpg

from bench.connection import connected
from bench.errors import BenchError
from bench.figures import Figures, Goal, Row
from bench.follow import order_ids
from bench.lab import Lab, figures_of
from bench.load import paced
from bench.requests import email_orders, numbering
from bench.service import HOST, Service

GOALS = (Goal("p50_ms", at_most=20), Goal("p99_ms", at_most=250))
RATE = 100
CONNECTIONS = 16
SECONDS = 30.0

_LATENCIES = """
SELECT extract(epoch FROM m.kept - o.created)::float8 AS latency
FROM orders o
JOIN notifications n ON n.order_id = o.id
JOIN sandbox_messages m ON m.notification_id = n.id AND m.attempt = 1
WHERE o.id = ANY($1::uuid[])
"""


async def measure(lab: Lab) -> list[Row]:
    """Measure the hand-over latency; the rate shown is that of the orders, which is set."""
    runs = []
    async with lab.varsel("idle") as service:
        requests = email_orders(service.token, numbering())
        await _run(lab, service, requests, lab.plan.warm_up_seconds)
        for number in range(lab.plan.rounds):
            lab.say(f"idle latency, round {number + 1}")
            runs.append(await _run(lab, service, requests, lab.plan.idle_seconds))
    return [Row(f"idle, {RATE} orders/s, created to handed over", tuple(runs), GOALS)]


async def _run(lab: Lab, service: Service, requests: Iterator[bytes], seconds: float) -> Figures:
    async with connected(HOST, service.port, CONNECTIONS) as connections:
        meter = lab.meter(service)
        load = (await paced(connections, requests, RATE, seconds)).require(202)
    latencies = await handover_latencies(service.database, order_ids(load.bodies))
    return figures_of(load, meter.spent(), latencies=latencies)


async def handover_latencies(database: str, ids: Sequence[str]) -> list[float]:
    """Return seconds from created to kept by the sandbox, one per order; waits at most `SECONDS` for the last.

    Both moments are the service's own and lie in its database, so polling does not blur them.
    """
    deadline = time.monotonic() + SECONDS
    connection = await asyncpg.connect(database)
    try:
        while len(rows := await connection.fetch(_LATENCIES, ids, timeout=SECONDS)) < len(ids):
            if time.monotonic() > deadline:
                raise BenchError(f"only {len(rows)} of {len(ids)} orders were handed over after {SECONDS:.0f} s")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    return [row["latency"] for row in rows]
