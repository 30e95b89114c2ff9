"""Imports into the contact register: lines come in sets, each set in one transaction.

An import keeps the keys of the lines it has met in a table, not in memory: files may have millions of lines.
Everything here raises `StorageError`, without personal data, when the database cannot do it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from varsel.errors import StorageError
from varsel.model.ids import lowest_id, new_id
from varsel.model.register import ListedLine, RefusedLine, RegisterEntry, RegisterKind, Tally
from varsel.storage import queries
from varsel.storage.contacts import without_values
from varsel.storage.pool import Connection, Pool
from varsel.storage.transactions import Outcome, Work, in_transaction

_SQL = queries.load("contact_imports")
_NOUNS = {
    RegisterKind.PERSON: "persons",
    RegisterKind.EXTERNAL_IDENTITY: "external_identities",
    RegisterKind.ORGANIZATION: "organizations",
    RegisterKind.USER: "users",
}
_ABANDONED_AFTER = timedelta(days=7)
_LONGEST_STEP = 3600.0
"""Seconds the steps over whole tables may take; they would outlast the time-outs of ordinary statements."""


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """What became of a set: tallies by kind, lines that repeat an earlier one (and which), and new keys met."""

    tallies: Mapping[RegisterKind, Tally]
    repeated: Mapping[int, int]
    keys: int


async def begin(pool: Pool, *, now: datetime) -> UUID:
    """Return the id of a new import, and forget the keys of imports that were broken off long ago."""
    await _at_length(pool, "forget_keys", lowest_id=lowest_id(now - _ABANDONED_AFTER))
    return new_id()


async def store(
    pool: Pool, import_id: UUID, listed: Sequence[ListedLine], refused: Sequence[RefusedLine] = ()
) -> SetOutcome:
    """Store the entries of `listed`, whole lines or none of a line, and note whom `refused` lines are about.

    A line that says something about a key met on an earlier line of this import is not stored.
    """

    async def work(connection: Connection) -> SetOutcome:
        keys = [(entry.key, line.number) for line in listed for entry in line.entries]
        refused_keys = [(key, line.number) for line in refused for key in line.keys]
        noted = await _note(connection, import_id, [*keys, *refused_keys])
        repeated = {} if noted == len(keys) + len(refused_keys) else await _repeated(connection, import_id, keys)
        fresh = [entry for line in listed if line.number not in repeated for entry in line.entries]
        return SetOutcome(await _store(connection, fresh), repeated, noted)

    return await _in_transaction(pool, work)


async def _note(connection: Connection, import_id: UUID, keys: Sequence[tuple[str, int]]) -> int:
    return _count(await connection.execute(*_about_keys("note_keys", import_id, keys)))


async def _repeated(connection: Connection, import_id: UUID, keys: Sequence[tuple[str, int]]) -> dict[int, int]:
    rows = await connection.fetch(*_about_keys("repeated_lines", import_id, keys))
    return {row["line"]: row["first_line"] for row in rows}


def _about_keys(statement: str, import_id: UUID, keys: Sequence[tuple[str, int]]) -> tuple[Any, ...]:
    return _SQL[statement].of(import_id=import_id, keys=[key for key, _ in keys], lines=[line for _, line in keys])


async def _store(connection: Connection, entries: Sequence[RegisterEntry]) -> dict[RegisterKind, Tally]:
    tallies = {}
    for kind in RegisterKind:
        alike = [entry for entry in entries if entry.kind is kind]
        if alike:
            statement = _SQL[f"store_{_NOUNS[kind]}"].of(entries=msgspec.json.encode(alike).decode())
            row = await connection.fetchrow(*statement)
            added, updated = row or (0, 0)
            tallies[kind] = Tally(added, updated, unchanged=len(alike) - added - updated)
    return tallies


async def remove_unlisted(
    pool: Pool, import_id: UUID, kinds: Sequence[RegisterKind], *, keys: int
) -> Mapping[RegisterKind, int]:
    """Remove, in one transaction, the entries of `kinds` that no line of this import is about; return how many.

    `keys` is how many keys the import has met. Raises `StorageError`, with nothing removed, when they are not all
    there.
    """

    async def work(connection: Connection) -> dict[RegisterKind, int]:
        await _whole_tables(connection)
        if await connection.fetchval(*_SQL["count_keys"].of(import_id=import_id), timeout=_LONGEST_STEP) != keys:
            raise StorageError(
                "Nothing was removed: what this import had met was lost, probably because PostgreSQL was restarted "
                "after a crash. Everything the file lists is stored. Run the import again."
            )
        removed = {}
        for kind in kinds:
            tag = await connection.execute(
                *_SQL[f"remove_{_NOUNS[kind]}"].of(import_id=import_id), timeout=_LONGEST_STEP
            )
            removed[kind] = _count(tag)
        return removed

    return await _in_transaction(pool, work)


async def end(pool: Pool, import_id: UUID) -> None:
    """Forget the keys of a finished import."""
    await _at_length(pool, "drop_keys", import_id=import_id)


async def _at_length(pool: Pool, statement: str, **values: object) -> None:
    async def work(connection: Connection) -> None:
        await _whole_tables(connection)
        await connection.execute(*_SQL[statement].of(**values), timeout=_LONGEST_STEP)

    await _in_transaction(pool, work)


async def _in_transaction(pool: Pool, work: Work[Outcome]) -> Outcome:
    async with without_values("written"):
        return await in_transaction(pool, work)


async def _whole_tables(connection: Connection) -> None:
    """Allow this transaction the plans and the time that statements over whole tables need."""
    await connection.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on"
    )


def _count(command_tag: str) -> int:
    """Read the number of rows off PostgreSQL's answer, such as `INSERT 0 42`."""
    return int(command_tag.rpartition(" ")[2])
