"""HTTP load, cheap enough to share two cores with what it measures: as fast as answers come, or at a set pace."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, process_time

from bench.connection import ANSWER_SECONDS, Connection
from bench.errors import BenchError


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from adding its pauses to the latencies measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(slots=True)
class Load:
    """What a run of requests gave: latencies in seconds, one per answer, and the generator's own processor seconds."""

    seconds: float = 0.0
    own_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of answers."""
        return len(self.latencies)

    def require(self, status: int) -> "Load":
        """Return itself, or raise `BenchError` when any answer had another status or none came at all."""
        if self.count == 0 or set(self.statuses) != {status}:
            raise BenchError(f"expected only {status} answers, got {dict(self.statuses)}")
        return self


class _Lane:
    """Keeps one connection busy until the run's time is over, or nothing is left to be asked."""

    __slots__ = ("_connection", "_deadline", "_finished", "_keep", "_load", "_requests", "_sent")

    def __init__(
        self, connection: Connection, requests: Iterator[bytes], deadline: float, load: Load, *, keep: bool
    ) -> None:
        self._connection = connection
        self._requests = requests
        self._deadline = deadline
        self._load = load
        self._keep = keep
        self._sent = 0.0
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> asyncio.Future[None]:
        """Send the first request; the future ends with the last answer."""
        self._connection.lost = self._lost
        self._send_next(perf_counter())
        return self._finished

    def _answered(self, status: int, body: bytes) -> None:
        now = perf_counter()
        load = self._load
        load.latencies.append(now - self._sent)
        load.statuses[status] += 1
        if self._keep:
            load.bodies.append(body)
        if now < self._deadline:
            self._send_next(now)
        elif not self._finished.done():
            self._finished.set_result(None)

    def _send_next(self, now: float) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._sent = now
            self._connection.send(request, self._answered)
        elif not self._finished.done():
            self._finished.set_result(None)

    def _lost(self, reason: Exception) -> None:
        if not self._finished.done():
            self._finished.set_exception(reason)


async def closed_loop(
    connections: Sequence[Connection], requests: Iterator[bytes], seconds: float, *, keep: bool = False
) -> Load:
    """Keep every connection busy for `seconds`, or until the requests end; `keep` keeps the bodies.

    Each connection sends as soon as it was answered.
    """
    load = Load()
    began, cpu = perf_counter(), process_time()
    lanes = [_Lane(connection, requests, began + seconds, load, keep=keep) for connection in connections]
    with collector_paused():
        await asyncio.wait_for(asyncio.gather(*(lane.start() for lane in lanes)), seconds + ANSWER_SECONDS)
    load.seconds, load.own_cpu = perf_counter() - began, process_time() - cpu
    return load


async def paced(connections: Sequence[Connection], requests: Iterator[bytes], rate: float, seconds: float) -> Load:
    """Send `rate` requests a second whatever the answers take; latency counts from the moment a request was due.

    Counting from the due moment keeps a slow server from hiding its own delay (coordinated omission).
    """
    load, idle = Load(), asyncio.Queue[Connection]()
    for connection in connections:
        idle.put_nowait(connection)

    async def one(due: float) -> None:
        connection = await idle.get()
        answer = await connection.ask(next(requests))
        load.latencies.append(perf_counter() - due)
        load.statuses[answer.status] += 1
        load.bodies.append(answer.body)
        idle.put_nowait(connection)

    began, cpu = perf_counter(), process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - perf_counter()))
            group.create_task(one(due))
    load.seconds, load.own_cpu = perf_counter() - began, process_time() - cpu
    return load
