"""Processor time and memory of whole process trees, read from /proc (proc(5)).

A tree's processor time counts living processes and the exited ones their parents have collected, so that neither
PostgreSQL's short-lived backends nor a worker's helpers go missing.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MB = 1024 * 1024
_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its parent, its processor seconds with those of collected children, its resident bytes."""

    parent: int
    cpu: float
    resident: int


def _read(stat: str) -> Process:
    # The name in parentheses may hold anything, so fields are counted from the last one.
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(parent=int(fields[1]), cpu=sum(map(int, fields[11:15])) * _TICK, resident=int(fields[21]) * _PAGE)


def processes() -> dict[int, Process]:
    """Read every process of the machine."""
    found: dict[int, Process] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = _read((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we were looking; its parent has its time
    return found


def tree(root: int, among: Mapping[int, Process]) -> list[Process]:
    """Return `root` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for pid, process in among.items():
        children.setdefault(process.parent, []).append(pid)
    members, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in among:
            members.append(among[pid])
        waiting += children.get(pid, ())
    return members


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the processor seconds the trees under `roots` have used so far."""
    among = processes()
    return sum(process.cpu for root in roots for process in tree(root, among))


def resident_bytes(roots: Iterable[int]) -> int:
    """Return the memory the trees under `roots` hold now; pages shared between them count more than once."""
    among = processes()
    return sum(process.resident for root in roots for process in tree(root, among))


@dataclass(slots=True)
class Peak:
    """The most memory one of the watched trees has held so far."""

    resident: int = 0

    @property
    def megabytes(self) -> float:
        """The same in MB."""
        return self.resident / _MB


@asynccontextmanager
async def peak_of(roots: Collection[int]) -> AsyncIterator[Peak]:
    """Watch the memory of each of the trees under `roots` for the time of the block."""
    peak = Peak()

    async def watch() -> None:
        while True:
            peak.resident = max(peak.resident, *(resident_bytes([root]) for root in roots))
            await asyncio.sleep(_SAMPLE_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds used between two readings, and the wall seconds between them."""

    cpu: dict[str, float]
    seconds: float

    def per_item_ms(self, group: str, items: int) -> float:
        """Return the milliseconds of processor time `group` used for each of `items`."""
        return self.cpu.get(group, 0.0) * 1000.0 / items


class Meter:
    """Reads named groups of process trees from now on; `groups` maps a name to the roots of its trees."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._groups = {name: tuple(roots) for name, roots in groups.items()}
        self._began = time.perf_counter()
        self._start = self._sample()

    def _sample(self) -> dict[str, float]:
        return {name: cpu_seconds(roots) for name, roots in self._groups.items()}

    def spent(self) -> Spent:
        """Return what each group used since the meter was made."""
        now = self._sample()
        cpu = {name: now[name] - self._start[name] for name in now}
        return Spent(cpu, time.perf_counter() - self._began)
