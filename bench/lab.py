"""Where scenarios run: how much to measure, the PostgreSQL server, the baselines, and Varsel on a fresh database."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.baselines import Baselines
from bench.figures import Figures, percentile
from bench.load import Load
from bench.meter import Meter, Spent
from bench.postgres import Server
from bench.service import EVERYTHING, Service, serving


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Seconds are per run; every figure is the median of `rounds` runs."""

    rounds: int = 3
    seconds: int = 4
    warm_up_seconds: float = 2.0
    connections: tuple[int, ...] = (8, 32, 64, 128)
    copy_rows: int = 100_000
    large_order: int = 100_000
    memory_orders: tuple[int, int] = (20_000, 200_000)
    idle_seconds: float = 10.0
    smtp_recipients: int = 30_000
    slow_smtp_recipients: int = 3_000
    feed_entries: int = 10_000_000
    persons: int = 500_000


QUICK = Plan(
    rounds=1,
    seconds=2,
    warm_up_seconds=1.0,
    connections=(8, 64),
    copy_rows=50_000,
    idle_seconds=5.0,
    feed_entries=1_000_000,
    persons=50_000,
)
GOAL_CONNECTIONS = 64
"""The number of connections the issue sets its goals at."""


class Lab:
    """Hands scenarios what they share."""

    def __init__(self, server: Server, baselines: Baselines, directory: Path, plan: Plan) -> None:
        self.server = server
        self.baselines = baselines
        self.directory = directory
        self.plan = plan

    def say(self, progress: str) -> None:
        """Tell the person waiting what is going on."""
        print(f"  {progress}", file=sys.stderr, flush=True)

    @asynccontextmanager
    async def varsel(
        self, name: str, roles: Sequence[str] = (EVERYTHING,), settings: Mapping[str, str] | None = None
    ) -> AsyncIterator[Service]:
        """Run Varsel on a fresh database; `name` tells the scenario."""
        directory = fresh(self.directory / name)
        async with (
            self.server.database(f"varsel_{name}") as database,
            serving(directory, database, roles, settings) as service,
        ):
            yield service

    def meter(self, service: Service, drivers: Sequence[int] = ()) -> Meter:
        """Start counting the processor time of Varsel, of PostgreSQL, and of what drives or feeds them."""
        return Meter({"varsel": service.pids.values(), "postgres": [self.server.pid], "driver": drivers})


def fresh(directory: Path) -> Path:
    """Make an empty directory; an earlier one of that name was left by a run that kept its directory."""
    directory.mkdir(parents=True)
    return directory


def figures_of(
    load: Load, spent: Spent, baseline: float | None = None, latencies: list[float] | None = None
) -> Figures:
    """Turn a run of requests into figures; other `latencies` (seconds) than the load's own may be given."""
    times = load.latencies if latencies is None else latencies
    return Figures(
        rate=load.count / load.seconds,
        baseline=baseline,
        p50_ms=percentile(times, 0.50) * 1000,
        p99_ms=percentile(times, 0.99) * 1000,
        varsel_ms=spent.per_item_ms("varsel", load.count),
        postgres_ms=spent.per_item_ms("postgres", load.count),
        driver_ms=load.own_cpu * 1000 / load.count,
    )
