"""One large e-mail order from accepted to all handed over to the sandbox, and the worker's memory meanwhile."""

from statistics import median

from bench.figures import Figures, Goal, Row
from bench.follow import send_and_follow
from bench.lab import Lab
from bench.meter import peak_of, resident_bytes
from bench.requests import addresses
from bench.service import Service

GOALS = (Goal("rate", at_least=20_000),)
FLAT = (Goal("growth", at_most=1.15),)
"""Ten times the recipients may cost the worker at most 15 % more memory: allocators wobble, a held order would not."""

WARM_UP_RECIPIENTS = 5_000
SECONDS = 300.0
_MB = 1024 * 1024


async def measure(lab: Lab) -> list[Row]:
    """Measure speed with one process for everything, then memory with the worker in a process of its own."""
    return [await _speed(lab), *await _memory(lab)]


async def _speed(lab: Lab) -> Row:
    size, runs = lab.plan.large_order, []
    async with lab.varsel("expand") as service:
        await send_and_follow(service, addresses(WARM_UP_RECIPIENTS), SECONDS)
        for number in range(lab.plan.rounds):
            lab.say(f"one order of {size:,} recipients, round {number + 1}")
            baseline = await lab.baselines.copy(lab.plan.copy_rows)
            await lab.server.level()
            runs.append(await one_order(lab, service, size, baseline.rate))
    accepting = median(run.accepting_ms or 0.0 for run in runs)
    note = f"rate counts from the 202, which took {accepting:,.0f} ms; processor time counts from the request"
    return Row(f"one order, {size:,} recipients to the sandbox", tuple(runs), GOALS, note)


async def one_order(lab: Lab, service: Service, size: int, baseline: float | None, sink: int | None = None) -> Figures:
    """Send one order to `size` recipients and follow it to the end; `sink` is the process messages are handed to."""
    meter = lab.meter(service, () if sink is None else (sink,))
    followed = await send_and_follow(service, addresses(size), SECONDS)
    spent = meter.spent()
    return Figures(
        rate=size / followed.handing_over_seconds,
        baseline=baseline,
        varsel_ms=spent.per_item_ms("varsel", size),
        postgres_ms=spent.per_item_ms("postgres", size),
        driver_ms=None if sink is None else spent.per_item_ms("driver", size),
        accepting_ms=followed.accepting_seconds * 1000,
    )


async def _memory(lab: Lab) -> list[Row]:
    small, large = lab.plan.memory_orders
    async with lab.varsel("memory", roles=("api", "worker")) as service:
        worker = service.pids["worker"]
        await send_and_follow(service, addresses(WARM_UP_RECIPIENTS), SECONDS)
        idle = resident_bytes([worker]) / _MB
        peaks = []
        for size in (small, large):
            lab.say(f"worker memory, one order of {size:,} recipients")
            async with peak_of([worker]) as peak:
                await send_and_follow(service, addresses(size), SECONDS)
            peaks.append(peak.megabytes)
    note = f"worker alone, peak resident; {idle:,.0f} MB before"
    return [
        Row(f"worker memory, {small:,} recipients", (Figures(memory_mb=peaks[0]),), note=note),
        Row(f"worker memory, {large:,} recipients", (Figures(memory_mb=peaks[1], growth=peaks[1] / peaks[0]),), FLAT),
    ]
