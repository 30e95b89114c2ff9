"""Pages of the status feed out of ten million entries, under whatever plan the database picks."""

import random
from collections.abc import Iterator

import asyncpg

from bench.connection import connected
from bench.figures import Figures, Goal, Row
from bench.lab import Lab, figures_of
from bench.load import closed_loop
from bench.requests import get
from bench.service import HOST, Service

GOALS = (Goal("p99_ms", at_most=20),)
PLANS = ("force_generic_plan", "force_custom_plan")
CREATORS = 20
CONNECTIONS = 1

_FILL = """
INSERT INTO feed (number, creator, order_id, senders_reference, type, status, last_update, recipients)
SELECT n, CASE WHEN n % $2 = 0 THEN 'ttd' ELSE 'org' || n % $2 END, gen_random_uuid(), 'case-' || n, 0, 2,
       now() - make_interval(secs => ($1 - n) / 10.0), '[["recipient@example.com",53,1780000000000000]]'
FROM generate_series(1, $1) AS n
"""


async def measure(lab: Lab) -> list[Row]:
    """Measure pages of 500 at random places, with generic and with custom plans forced."""
    rows = []
    for plan in PLANS:
        runs: list[Figures] = []
        async with lab.varsel(f"feed_{plan}") as service:
            lab.say(f"filling the feed with {lab.plan.feed_entries:,} entries ({plan})")
            await _prepare(service, lab.plan.feed_entries, plan)
            for number in range(lab.plan.rounds):
                lab.say(f"feed pages, {plan}, round {number + 1}")
                runs.append(await _run(lab, service))
        rows.append(Row(f"feed pages of 500 among {lab.plan.feed_entries:,}, {plan}", tuple(runs), GOALS))
    return rows


async def _prepare(service: Service, entries: int, plan: str) -> None:
    connection = await asyncpg.connect(service.database)
    try:
        await connection.execute(_FILL, entries, CREATORS, timeout=600)
        await connection.execute("VACUUM ANALYZE feed", timeout=600)
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{database}" SET plan_cache_mode = {plan}')
        # Connections of the pool take the setting over when they are made anew.
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
            database,
        )
    finally:
        await connection.close()


async def _run(lab: Lab, service: Service) -> Figures:
    async with connected(HOST, service.port, CONNECTIONS) as connections:
        requests = _pages(service.token, lab.plan.feed_entries)
        (await closed_loop(connections, requests, lab.plan.warm_up_seconds)).require(200)
        meter = lab.meter(service)
        load = await closed_loop(connections, requests, lab.plan.seconds)
        return figures_of(load.require(200), meter.spent())


def _pages(token: str, entries: int) -> Iterator[bytes]:
    places = random.Random(1)
    while True:
        yield get(f"/future/shipment/feed?seq={places.randrange(entries)}&pageSize=500", token)
