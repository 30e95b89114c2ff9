"""Finding people: how often a directory is asked for half a million persons, how fast, and what remembering them takes.

The directory is a scripted Altinn in a process of its own, 30 ms away. Askers stand in for requests and orders: each
asks for its persons as the service does, then applies the rules to the answers.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import uvloop

from bench.errors import BenchError
from bench.figures import Figures, Goal, Row
from bench.lab import Lab
from bench.meter import resident_bytes
from bench.processes import child, output_of
from varsel.contacts.altinn import AltinnDirectory, AltinnOptions, Service
from varsel.contacts.ask import ask
from varsel.contacts.protocol import Directory
from varsel.contacts.sparing import SparingDirectory
from varsel.model.clock import SystemClock
from varsel.model.orders import RECIPIENTS_PER_PART, EmailText, NotificationChannel, OrderTexts, Recipient
from varsel.notifications.plan import plan
from varsel.recipients.questions import questions
from varsel.recipients.resolve import resolve

SINGLE = (Goal("rate", at_least=2_000),)
LARGE = (Goal("rate", at_least=20_000),)
MOST_CALLS = 1_000
PERSONS = 500_000
LARGE_ORDER = 10_000
PARTS_AT_ONCE = 4
REQUESTS_AT_ONCE = 1_000
DELAY_MS = 30
SECONDS = 600.0
REPOSITORY = Path(__file__).parent.parent
_MB = 1024 * 1024
_CHANNEL = NotificationChannel.EmailPreferred
_TEXTS = OrderTexts(email=EmailText("noreply@example.com", "A new letter", "Log in to read it."))


class Pass(msgspec.Struct):
    """One pass over all persons: wall and processor seconds, and the memory held at its end."""

    seconds: float
    cpu: float
    memory_mb: float

    def figures(self) -> Figures:
        """Return what the table shows."""
        return Figures(rate=PERSONS / self.seconds, varsel_ms=self.cpu * 1000 / PERSONS, memory_mb=self.memory_mb)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of order: persons that are asked about together, and how many such questions wait at once."""

    name: str
    together: int
    at_once: int
    goals: tuple[Goal, ...]


KINDS = (
    Kind("orders of one person", 1, REQUESTS_AT_ONCE, SINGLE),
    Kind(f"orders of {LARGE_ORDER:,} persons", RECIPIENTS_PER_PART, PARTS_AT_ONCE, LARGE),
)


async def measure(lab: Lab) -> list[Row]:
    """Measure both kinds of orders, each with a fresh directory and a fresh asking process."""
    return [row for number, kind in enumerate(KINDS) for row in await _measured(lab, number, kind)]


async def _measured(lab: Lab, number: int, kind: Kind) -> list[Row]:
    lab.say(f"{PERSONS:,} persons in {kind.name}")
    command = (sys.executable, "-m", "tests.support.altinn", "--delay-ms", str(DELAY_MS))
    async with child(*command, log=lab.directory / f"altinn_{number}.log", cwd=REPOSITORY) as altinn:
        port = await altinn.says("port ", SECONDS)
        printed = await output_of(sys.executable, "-m", "bench.people", str(number), port, seconds=SECONDS)
        calls = int(await altinn.answers("calls ", SECONDS))
    passes = msgspec.json.decode(printed, type=list[Pass])
    if calls > MOST_CALLS:
        raise BenchError(
            f"{calls:,} calls were made for {PERSONS:,} persons in {kind.name}; {MOST_CALLS:,} are the most"
        )
    note = f"{calls:,} calls in all, {DELAY_MS} ms each; memory of the asking process"
    return [
        Row(f"{kind.name}, {step}", (done.figures(),), kind.goals, note)
        for step, done in zip(("registered", "processed"), passes, strict=True)
    ]


async def _ask_for_all(kind: Kind, port: str) -> list[Pass]:
    """Go over everybody twice, as registration and processing do."""
    base, clock = f"http://127.0.0.1:{port}", SystemClock()
    options = AltinnOptions(
        profile=Service(f"{base}/profile/"),
        register=Service(f"{base}/register/"),
        authorization=Service(f"{base}/authorization/"),
        identifiers_per_call=1_000,
    )
    directory = SparingDirectory(AltinnDirectory(options, clock), clock)
    passes = [await _pass(directory, kind) for _ in range(2)]
    await directory.close()
    return passes


async def _pass(directory: Directory, kind: Kind) -> Pass:
    began, cpu = time.perf_counter(), time.process_time()
    waiting = _questions(kind.together)
    async with asyncio.TaskGroup() as askers:
        for _ in range(kind.at_once):
            askers.create_task(_ask_in_turn(directory, waiting))
    return Pass(time.perf_counter() - began, time.process_time() - cpu, resident_bytes([os.getpid()]) / _MB)


async def _ask_in_turn(directory: Directory, waiting: Iterator[list[Recipient]]) -> None:
    """Do for one question after the other what the service does between reading an order and storing it."""
    for recipients in waiting:
        answers = await ask(directory, questions(recipients, _CHANNEL))
        planned = plan(resolve(recipients, _CHANNEL, answers), _CHANNEL, _TEXTS)
        assert len(planned) == len(recipients)
        await asyncio.sleep(0)  # what is remembered is answered without waiting, but others want to be let in


def _questions(together: int) -> Iterator[list[Recipient]]:
    for first in range(0, PERSONS, together):
        yield [Recipient(national_identity_number=f"{number:011}") for number in range(first, first + together)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask a scripted Altinn for everybody and print the figures as JSON.")
    parser.add_argument("kind", type=int, choices=range(len(KINDS)))
    parser.add_argument("port")
    arguments = parser.parse_args()
    gc.set_threshold(50_000, 10, 10)  # as the service has it
    passes = uvloop.run(_ask_for_all(KINDS[arguments.kind], arguments.port))
    print(msgspec.json.encode(passes).decode())


if __name__ == "__main__":
    main()
