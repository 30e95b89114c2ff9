"""E-mail to a real SMTP server over loopback: a fast one, and one that takes its time over every message."""

import sys
from pathlib import Path

from bench.errors import BenchError
from bench.expand import SECONDS, one_order
from bench.figures import Figures, Goal, Row
from bench.follow import send_and_follow
from bench.lab import Lab
from bench.processes import child, free_port
from bench.requests import addresses
from bench.service import HOST

FAST = (Goal("rate", at_least=3_000),)
SLOW = (Goal("rate", at_least=500),)
SLOW_MS = 100
WARM_UP_RECIPIENTS = 500
SINK_SECONDS = 15.0
REPOSITORY = Path(__file__).parent.parent


async def measure(lab: Lab) -> list[Row]:
    """Measure both sinks."""
    fast = await _sink_runs(lab, "smtp", 0, lab.plan.smtp_recipients)
    slow = await _sink_runs(lab, "smtp_slow", SLOW_MS, lab.plan.slow_smtp_recipients)
    return [
        Row(f"one order, {lab.plan.smtp_recipients:,} e-mails over SMTP", fast, FAST, "the driver is the sink"),
        Row(f"{lab.plan.slow_smtp_recipients:,} e-mails, {SLOW_MS} ms each at the server", slow, SLOW),
    ]


async def _sink_runs(lab: Lab, name: str, delay_ms: int, recipients: int) -> tuple[Figures, ...]:
    port, runs = free_port(), []
    settings = {
        "VARSEL_EMAIL_PROVIDER": "smtp",
        "VARSEL_SMTP_HOST": HOST,
        "VARSEL_SMTP_PORT": str(port),
        "VARSEL_SMTP_TLS": "none",
    }
    command = (sys.executable, "-m", "tests.support.fast_sink", "--port", str(port), "--delay-ms", str(delay_ms))
    async with child(*command, log=lab.directory / f"{name}_sink.log", cwd=REPOSITORY) as sink:
        await sink.listens(port, SINK_SECONDS)
        async with lab.varsel(name, settings=settings) as service:
            await send_and_follow(service, addresses(WARM_UP_RECIPIENTS), SECONDS)
            for number in range(lab.plan.rounds):
                lab.say(f"{name.replace('_', ' ')}, {recipients:,} e-mails, round {number + 1}")
                await lab.server.level()
                runs.append(await one_order(lab, service, recipients, None, sink.pid))
        taken, sent = int(await sink.answers("count ", SINK_SECONDS)), WARM_UP_RECIPIENTS + recipients * len(runs)
        if taken != sent:
            raise BenchError(f"{sent} e-mails were reported as handed over, but the sink took {taken}")
    return tuple(runs)
