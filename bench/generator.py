"""What the load generator and the HTTP stack cost by themselves: what every other figure taken over HTTP contains."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from bench.connection import connected
from bench.figures import Figures, Goal, Row
from bench.lab import GOAL_CONNECTIONS, Lab, figures_of
from bench.load import closed_loop
from bench.meter import Meter
from bench.processes import child, free_port
from bench.requests import email_orders, numbering
from bench.service import HOST
from bench.smtp import REPOSITORY

GOALS = (Goal("driver_ms", at_most=0.02),)
READY_SECONDS = 15.0
RUN_SECONDS = 1.0


async def measure(lab: Lab) -> list[Row]:
    """Measure both; a missed goal means that the generator weighs on every figure taken with it."""
    return [
        await _measured(lab, "trivial", "load generator on a trivial server", GOALS),
        await _measured(lab, "bare", "HTTP server with nothing behind it", ()),
    ]


async def bare(lab: Lab, requests: Iterator[bytes]) -> Figures:
    """Return how the HTTP server answers these requests with nothing behind it: what is possible, in one process."""
    async with _serving(lab, "bare") as (port, pid), connected(HOST, port, GOAL_CONNECTIONS) as connections:
        await closed_loop(connections, requests, RUN_SECONDS)
        meter = Meter({"varsel": [pid]})
        load = (await closed_loop(connections, requests, lab.plan.seconds)).require(202)
        return figures_of(load, meter.spent())


async def _measured(lab: Lab, module: str, name: str, goals: tuple[Goal, ...]) -> Row:
    runs: list[Figures] = []
    requests = email_orders("t" * 900, numbering())
    async with _serving(lab, module) as (port, pid), connected(HOST, port, GOAL_CONNECTIONS) as connections:
        await closed_loop(connections, requests, lab.plan.warm_up_seconds)
        for number in range(lab.plan.rounds):
            lab.say(f"{name}, round {number + 1}")
            meter = Meter({"varsel": [pid]})
            load = (await closed_loop(connections, requests, RUN_SECONDS)).require(202)
            runs.append(figures_of(load, meter.spent()))
    return Row(name, tuple(runs), goals, "that server's time stands under Varsel")


@asynccontextmanager
async def _serving(lab: Lab, module: str) -> AsyncIterator[tuple[int, int]]:
    """Run one of the two servers; give its port and process."""
    port = free_port()
    command = (sys.executable, "-m", f"bench.{module}", str(port))
    async with child(*command, log=lab.directory / f"{module}_{port}.log", cwd=REPOSITORY) as server:
        await server.listens(port, READY_SECONDS)
        yield port, server.pid
