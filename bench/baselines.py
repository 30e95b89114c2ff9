"""What PostgreSQL alone can do with such rows: one-row commits, primary-key reads, and COPY."""

import re
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from bench.errors import BenchError
from bench.meter import Meter
from bench.postgres import Server
from bench.processes import output_of
from bench.requests import addresses, email_order
from varsel.model.ids import new_id

DATABASE = "baseline"
READ_ROWS = 20_000
COPY_BATCH = 5_000

_TABLES = f"""
DROP TABLE IF EXISTS one_row, read_row, copy_row;
CREATE TABLE one_row (
    id uuid PRIMARY KEY, created timestamptz NOT NULL, requested timestamptz NOT NULL, document text NOT NULL
);
CREATE TABLE read_row (number integer PRIMARY KEY, id uuid, created timestamptz, requested timestamptz);
INSERT INTO read_row SELECT n, uuidv7(), now(), now() FROM generate_series(1, {READ_ROWS}) AS n;
CREATE TABLE copy_row (
    id uuid PRIMARY KEY, order_id uuid NOT NULL, chunk_id uuid NOT NULL, channel smallint NOT NULL,
    result smallint NOT NULL, result_time timestamptz NOT NULL, expiry timestamptz NOT NULL, address text NOT NULL
);
CREATE INDEX ON copy_row (order_id, id);
CREATE INDEX ON copy_row (chunk_id);
ANALYZE read_row;
"""
_COLUMNS = ("id", "order_id", "chunk_id", "channel", "result", "result_time", "expiry", "address")
_READ = f"\\set n random(1, {READ_ROWS})\nSELECT id, created, requested FROM read_row WHERE number = :n;\n"
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Items per second, and processor milliseconds per item of PostgreSQL and of the client driving it."""

    rate: float
    postgres_ms: float
    client_ms: float


class Baselines:
    """Measures PostgreSQL alone, in a database of its own on the server Varsel uses."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._url = server.url(DATABASE)
        self._insert_script = directory / "insert.sql"
        self._read_script = directory / "read.sql"

    async def prepare(self) -> None:
        """Create the tables and scripts; the database must exist."""
        document = email_order(addresses(1), "00000001").decode().replace("'", "''")
        self._insert_script.write_text(f"INSERT INTO one_row VALUES (uuidv7(), now(), now(), '{document}');\n")
        self._read_script.write_text(_READ)
        await self._server.execute(_TABLES, DATABASE)

    async def one_row_commits(self, clients: int, seconds: int) -> Baseline:
        """Insert one order-like row of about 1 KB per commit from `clients` connections."""
        await self._server.execute("TRUNCATE one_row", DATABASE)
        await self._server.level()
        return await self._pgbench(self._insert_script, clients, seconds)

    async def key_reads(self, clients: int, seconds: int) -> Baseline:
        """Read one row by primary key per query from `clients` connections."""
        return await self._pgbench(self._read_script, clients, seconds)

    async def _pgbench(self, script: Path, clients: int, seconds: int) -> Baseline:
        meter, before = Meter({"postgres": [self._server.pid]}), _children_cpu()
        options = ("-n", "-M", "prepared", "-f", script, "-c", str(clients), "-j", "2", "-T", str(seconds))
        printed = await output_of(self._server.pgbench, *options, self._url, seconds=seconds + 60.0)
        rate, transactions = read_pgbench(printed)
        client = (_children_cpu() - before) * 1000 / transactions
        return Baseline(rate, meter.spent().per_item_ms("postgres", transactions), client)

    async def copy(self, rows: int) -> Baseline:
        """COPY `rows` notification-like rows with three indexes, in batches of one transaction each."""
        records = _notification_rows(rows)
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("TRUNCATE copy_row")
            await connection.execute("CHECKPOINT")
            meter, began, own = Meter({"postgres": [self._server.pid]}), time.perf_counter(), time.process_time()
            for start in range(0, rows, COPY_BATCH):
                batch = records[start : start + COPY_BATCH]
                await connection.copy_records_to_table("copy_row", records=batch, columns=_COLUMNS, timeout=60)
            seconds = time.perf_counter() - began
            own = time.process_time() - own
        finally:
            await connection.close()
        return Baseline(rows / seconds, meter.spent().per_item_ms("postgres", rows), own * 1000 / rows)


def read_pgbench(output: str) -> tuple[float, int]:
    """Return transactions per second (without connecting) and their number from pgbench's summary."""
    rate, done = _TPS.search(output), _DONE.search(output)
    if rate is None or done is None or int(done[1]) == 0:
        raise BenchError(f"pgbench did not say what it measured:\n{output[-2000:]}")
    return float(rate[1]), int(done[1])


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


NotificationRow = tuple[UUID, UUID, UUID, int, int, datetime, datetime, str]


def _notification_rows(rows: int) -> Sequence[NotificationRow]:
    now, order, chunk = datetime.now(UTC), new_id(), new_id()
    expiry = now + timedelta(hours=48)
    made: list[NotificationRow] = []
    for position, address in enumerate(addresses(rows)):
        if position % 500 == 0:
            chunk = new_id()
        made.append((new_id(), order, chunk, 0, 50, now, expiry, address))
    return made
