"""The contact register as the command line works on it: a file read, checked and stored in sets; a look at entries."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from time import monotonic
from typing import Protocol
from uuid import UUID

from varsel.assembly.database import open_database
from varsel.contacts.import_file import ReadLine
from varsel.model.clock import SystemClock
from varsel.model.register import ListedLine, RefusedLine, RegisterEntry, RegisterKind, Tally
from varsel.settings import Settings
from varsel.storage import contact_imports
from varsel.storage.contacts import ContactRegister
from varsel.storage.migrate import check as check_schema
from varsel.storage.pool import Pool

LINES_AT_ONCE = 1000


class Removal(Enum):
    """What became of entries the file does not list."""

    NOT_ASKED = auto()
    DONE = auto()
    WITHHELD = auto()  # of some refused lines nobody can tell whom they are about


@dataclass(slots=True)
class ImportReport:
    """How far an import is, and in the end what it did."""

    lines: int = 0
    refused: int = 0
    unidentified: int = 0
    tallies: dict[RegisterKind, Tally] = field(default_factory=lambda: dict.fromkeys(RegisterKind, Tally()))
    removal: Removal = Removal.NOT_ASKED
    seconds: float = 0.0

    def count(self, kind: RegisterKind, more: Tally) -> None:
        """Add `more` to the tally of `kind`."""
        self.tallies[kind] = self.tallies[kind].plus(more)


class ImportWatcher(Protocol):
    """Is told how an import goes."""

    def refused(self, line: RefusedLine) -> None:
        """Take notice of a line that was not used; they come in the order of the file within a set."""
        ...

    def progress(self, report: ImportReport) -> None:
        """Take notice of how far the import is, after each set."""
        ...


async def import_contacts(
    settings: Settings, lines: Iterable[ReadLine], watcher: ImportWatcher, *, replace: bool
) -> ImportReport:
    """Store what `lines` say in the register; with `replace` remove what the file does not list of its kinds."""
    async with open_database(settings, connections=2, name="varsel contacts import") as pool:
        await check_schema(pool)
        return await run_import(pool, lines, watcher, replace=replace)


async def run_import(pool: Pool, lines: Iterable[ReadLine], watcher: ImportWatcher, *, replace: bool) -> ImportReport:
    """Do the same on an open pool."""
    import_id = await contact_imports.begin(pool, now=SystemClock().now())
    report = ImportReport()
    started = monotonic()
    keys = 0
    async with aclosing(_sets(lines)) as sets:
        async for some in sets:
            keys += await _store_set(pool, import_id, some, report, watcher)
            report.seconds = monotonic() - started
            watcher.progress(report)
    if replace:
        await _remove_unlisted(pool, import_id, report, keys)
    await contact_imports.end(pool, import_id)
    return report


async def _sets(lines: Iterable[ReadLine]) -> AsyncGenerator[Sequence[ReadLine], None]:
    """Cut lines into sets, reading the next set while one is worked on."""
    source = iter(lines)

    def read() -> list[ReadLine]:
        return list(islice(source, LINES_AT_ONCE))

    following = asyncio.create_task(asyncio.to_thread(read))
    try:
        while some := await following:
            following = asyncio.create_task(asyncio.to_thread(read))
            yield some
    finally:
        following.cancel()


async def _store_set(
    pool: Pool, import_id: UUID, lines: Sequence[ReadLine], report: ImportReport, watcher: ImportWatcher
) -> int:
    """Store a set, report on it, and return how many new keys it met."""
    listed = [line for line in lines if isinstance(line, ListedLine)]
    refused = [line for line in lines if isinstance(line, RefusedLine)]
    outcome = await contact_imports.store(pool, import_id, listed, refused)
    report.unidentified += sum(not line.keys for line in refused)
    repeated = [RefusedLine(n, f"line {first} is about the same already") for n, first in outcome.repeated.items()]
    for line in sorted([*refused, *repeated]):
        watcher.refused(line)
    report.lines = lines[-1].number
    report.refused += len(refused) + len(repeated)
    for kind, tally in outcome.tallies.items():
        report.count(kind, tally)
    return outcome.keys


async def _remove_unlisted(pool: Pool, import_id: UUID, report: ImportReport, keys: int) -> None:
    """Remove what is not listed, but of the kinds the file lists only, and nothing while it is not known who is."""
    if report.unidentified:
        report.removal = Removal.WITHHELD
        return
    kinds = [kind for kind, tally in report.tallies.items() if tally.listed]
    removed = await contact_imports.remove_unlisted(pool, import_id, kinds, keys=keys)
    for kind, count in removed.items():
        report.count(kind, Tally(removed=count))
    report.removal = Removal.DONE


async def kept_contacts(settings: Settings, identifiers: Sequence[str]) -> list[RegisterEntry]:
    """Return what the register keeps under these identifiers."""
    async with open_database(settings, connections=2, name="varsel contacts show") as pool:
        await check_schema(pool)
        return await ContactRegister(pool).entries(identifiers)
