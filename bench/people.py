"""Finding people: half a million persons, one to an order and ten thousand to an order, in a directory 30 ms away.

The directory is a scripted Altinn in a process of its own, which counts the calls. Orders are due together, after all
of them should be accepted, so that accepting and processing are measured one after the other.

The goal of accepting is absolute, and machines differ by more than goals allow for; so it is also held against what
PostgreSQL does: 20,500 one-row commits a second on the machine for which the goal was set.
"""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.connection import connected
from bench.errors import BenchError
from bench.figures import Figures, Goal, Row, percentile
from bench.lab import GOAL_CONNECTIONS, Lab
from bench.load import Load, closed_loop
from bench.meter import peak_of
from bench.outcome import outcome
from bench.persons import SendTime, large_orders, single_person_chains
from bench.processes import Child, allow_open_files, child
from bench.service import EVERYTHING, HOST, Service
from varsel.model.lanes import Lane

MEMORY = Goal("memory_mb", at_most=300)
ACCEPTED, OF_COMMITS = 2_000, 20_500
MOST_CALLS, OF_PERSONS = 1_000, 500_000
IDENTIFIERS_PER_CALL = 1_000

CONNECTIONS = 2_000
"""Two batches of the directory for a process, so that one fills while the other is under way."""

OPEN_FILES = 2 * CONNECTIONS + 500
LARGE_ORDER = 10_000
LARGE_AT_ONCE = 2
WARM_UP = 2
"""Orders each connection places beforehand."""

FIRST_OF_WARM_UP = 90_000_000
A_MONTH = 30 * 86_400.0
SPARE = 1.25
"""How much longer accepting may take than the warm-up lets expect before the orders are due."""

LONGEST_WAIT = 600.0
"""Orders are due after so long at the latest: answers about persons are remembered for 15 minutes."""

SMALLER = 5
"""The share of persons (one in so many) that suffices to see what other ways to run Varsel do."""

DELAY_MS = 30
READY_SECONDS = 30.0
SECONDS = 1_800.0
REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of order: its persons, how many connections place such orders at once and with what answer, its goals."""

    name: str
    persons: int
    connections: int
    status: int
    accepted: tuple[Goal, ...]
    processed: tuple[Goal, ...]
    sent: frozenset[Lane]
    """Lanes that are followed until all is handed over; in others it waits."""

    def requests(self, token: str, numbers: range, send_time: SendTime) -> Iterator[bytes]:
        """Make the requests about persons of these numbers."""
        if self.persons == 1:
            return single_person_chains(token, numbers, send_time)
        return large_orders(token, numbers[:: self.persons], self.persons, send_time)


SINGLE = Kind(
    name="orders of one person",
    persons=1,
    connections=CONNECTIONS,
    status=201,
    accepted=(Goal("rate", at_least=ACCEPTED), Goal("ratio", at_least=ACCEPTED / OF_COMMITS), MEMORY),
    processed=(MEMORY,),
    sent=frozenset(Lane),
)
LARGE = Kind(
    name=f"orders of {LARGE_ORDER:,} persons",
    persons=LARGE_ORDER,
    connections=LARGE_AT_ONCE,
    status=202,
    accepted=(MEMORY,),
    processed=(Goal("rate", at_least=20_000), MEMORY),
    sent=frozenset(),
)


@dataclass(frozen=True, slots=True)
class Site:
    """A running Varsel and the scripted directory it asks."""

    varsel: Service
    altinn: Child

    async def calls(self) -> int:
        """Return how many calls the directory took since it was asked last."""
        return int(await self.altinn.answers("calls ", READY_SECONDS))


async def measure(lab: Lab) -> list[Row]:
    """Measure small orders with two processes on one port, with one, and with the worker by itself; then large ones."""
    allow_open_files(OPEN_FILES)
    persons = lab.plan.persons
    both = replace(SINGLE, name=f"{SINGLE.name}, two processes", connections=2 * CONNECTIONS)
    apart = replace(SINGLE, name=f"{SINGLE.name}, API and worker apart")
    return [
        *await measured(lab, "people_two", both, persons, (EVERYTHING, "api")),
        *await measured(lab, "people_one", SINGLE, persons // SMALLER, (EVERYTHING,)),
        *await measured(lab, "people_apart", apart, persons // SMALLER, ("api", "worker")),
        *await measured(lab, "people_large", LARGE, persons, (EVERYTHING,)),
    ]


async def measured(lab: Lab, name: str, kind: Kind, persons: int, roles: Sequence[str]) -> list[Row]:
    """Measure one kind: accepting, processing, and the calls of both."""
    title = kind.name
    async with _site(lab, name, roles) as site:
        commits = await lab.baselines.one_row_commits(GOAL_CONNECTIONS, lab.plan.seconds)
        copied = await lab.baselines.copy(lab.plan.copy_rows)
        send_time = await _send_time(site, kind, persons)
        lab.say(f"{persons:,} persons in {title}, due at {send_time.moment:%H:%M:%S} UTC")
        accepted = await _accept(lab, site, kind, persons, send_time, commits.rate if kind.persons == 1 else None)
        processed = await _process(lab, site, kind, persons, send_time, copied.rate)
    calls = Figures(calls=(accepted.calls or 0) + (processed.calls or 0))
    most = Goal("calls", at_most=MOST_CALLS * persons // OF_PERSONS)
    return [
        Row(f"{title}, accepted", (accepted,), kind.accepted, f"{persons:,} persons; memory of the largest process"),
        Row(f"{title}, processed", (processed,), kind.processed, _note(processed)),
        Row(
            f"{title}, calls in all", (calls,), (most,), f"{DELAY_MS} ms each, {IDENTIFIERS_PER_CALL:,} persons at most"
        ),
    ]


def _note(processed: Figures) -> str:
    moment = "from the send time to the last notification generated"
    if processed.handed_over_rate is None:
        return f"{moment}; they are SMS, and wait for the hours in which they may leave"
    return f"{moment}; handed over at {processed.handed_over_rate:,.0f}/s, and processor time covers that too"


def _closed_window() -> dict[str, str]:
    """Return the settings that let no SMS leave for half a day, so that expanding is measured without sending."""
    opens = (datetime.now(UTC).hour + 12) % 24
    return {
        "VARSEL_SMS_WINDOW_ZONE": "UTC",
        "VARSEL_SMS_WINDOW_START": str(opens),
        "VARSEL_SMS_WINDOW_END": str(opens + 1),
    }


@asynccontextmanager
async def _site(lab: Lab, name: str, roles: Sequence[str]) -> AsyncIterator[Site]:
    command = (sys.executable, "-m", "tests.support.altinn", "--delay-ms", str(DELAY_MS))
    async with child(*command, log=lab.directory / f"{name}_altinn.log", cwd=REPOSITORY) as altinn:
        base = f"http://{HOST}:{await altinn.says('port ', READY_SECONDS)}"
        settings = {
            "VARSEL_DIRECTORY": "altinn",
            "VARSEL_ALTINN_PROFILE": f"{base}/profile",
            "VARSEL_ALTINN_REGISTER": f"{base}/register",
            "VARSEL_ALTINN_AUTHORIZATION": f"{base}/authorization",
            "VARSEL_ALTINN_IDENTIFIERS_PER_CALL": str(IDENTIFIERS_PER_CALL),
            **_closed_window(),
        }
        async with lab.varsel(name, roles, settings) as varsel:
            yield Site(varsel, altinn)


async def _send_time(site: Site, kind: Kind, persons: int) -> SendTime:
    """Warm up with orders that are not due, and forecast by them when all will have been accepted."""
    numbers = range(FIRST_OF_WARM_UP, FIRST_OF_WARM_UP + WARM_UP * kind.connections * kind.persons)
    load = await _place(site, kind, numbers, SendTime(A_MONTH))
    await site.calls()
    return SendTime(min(LONGEST_WAIT, load.seconds * persons / len(numbers) * SPARE))


async def _place(site: Site, kind: Kind, numbers: range, send_time: SendTime) -> Load:
    requests = kind.requests(site.varsel.token, numbers, send_time)
    async with connected(HOST, site.varsel.port, kind.connections) as connections:
        load = (await closed_loop(connections, requests, SECONDS)).require(kind.status)
    if load.count * kind.persons < len(numbers):
        raise BenchError(f"only {load.count:,} orders were accepted within {SECONDS:.0f} s")
    return load


async def _accept(
    lab: Lab, site: Site, kind: Kind, persons: int, send_time: SendTime, baseline: float | None
) -> Figures:
    await lab.server.level()
    async with peak_of(site.varsel.pids.values()) as peak:
        meter = lab.meter(site.varsel)
        load = await _place(site, kind, range(persons), send_time)
        spent = meter.spent()
    return Figures(
        rate=persons / load.seconds,
        baseline=baseline,
        p50_ms=percentile(load.latencies, 0.50) * 1000,
        p99_ms=percentile(load.latencies, 0.99) * 1000,
        varsel_ms=spent.per_item_ms("varsel", persons),
        postgres_ms=spent.per_item_ms("postgres", persons),
        driver_ms=load.own_cpu * 1000 / persons,
        memory_mb=peak.megabytes,
        calls=await site.calls(),
    )


async def _process(lab: Lab, site: Site, kind: Kind, persons: int, send_time: SendTime, baseline: float) -> Figures:
    """Wait for the send time, then until all is processed and what may be sent is handed over."""
    await send_time.come()
    async with peak_of(site.varsel.pids.values()) as peak:
        meter = lab.meter(site.varsel)
        became = await outcome(site.varsel, kind.sent, SECONDS)
        spent = meter.spent()
    if became.generated != persons or became.handed_over != (persons if kind.sent else 0):
        raise BenchError(f"of {persons:,} notifications there are {became.generated:,}, {became.handed_over:,} sent")
    return Figures(
        rate=_rate(persons, send_time, became.last_generated),
        baseline=baseline,
        handed_over_rate=_rate(persons, send_time, became.last_handed_over),
        varsel_ms=spent.per_item_ms("varsel", persons),
        postgres_ms=spent.per_item_ms("postgres", persons),
        memory_mb=peak.megabytes,
        calls=await site.calls(),
    )


def _rate(persons: int, send_time: SendTime, end: datetime | None) -> float | None:
    return None if end is None else persons / (end - send_time.moment).total_seconds()
