"""The pieces every figure rests on: load generator, meter, arithmetic, baselines."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path

import pytest

from bench.baselines import DATABASE, Baselines, read_pgbench
from bench.connection import Connection, connected
from bench.errors import BenchError
from bench.figures import Figures, Goal, Row, percentile
from bench.load import Load, closed_loop, paced
from bench.meter import Meter, cpu_seconds, peak_of, resident_bytes
from bench.postgres import running
from bench.processes import child, free_port, output_of
from bench.requests import email_order, email_orders, get, numbering, status_reads
from bench.table import table, verdicts, write_json
from bench.trivial import Trivial

REQUEST = get("/orders/x/status", "token")


@asynccontextmanager
async def serving(answer_with: bytes, *, close: bool = False) -> AsyncIterator[int]:
    """Answer every request alike, and close afterwards if asked to."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer_with)
                if close:
                    break
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Wire(asyncio.Transport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(data)


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",), 200, b"hello"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length:5\r\nX: y\r\n\r\nhello",), 200, b"hello"),
        ((b"HTTP/1.1 404 Not", b" Found\r\ncontent-len", b"gth: 2\r\n", b"\r\n", b"n", b"o"), 404, b"no"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b""),
        ((b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",), 200, b"abc"),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"A\r\n0123456789\r\n", b"0\r\n\r\n"),
            200,
            b"0123456789",
        ),
    ],
)
def test_answers_are_framed_however_they_arrive(pieces: tuple[bytes, ...], status: int, body: bytes) -> None:
    connection, wire, answers = Connection(), Wire(), list[tuple[int, bytes]]()
    connection.connection_made(wire)
    for number in (1, 2):
        connection.send(REQUEST, lambda status, body: answers.append((status, body)))
        for piece in pieces:
            assert len(answers) == number - 1, "answered before the last piece"
            connection.data_received(piece)
        assert answers == [(status, body)] * number
    assert wire.written == [REQUEST, REQUEST]


async def test_every_connection_is_kept_busy_and_every_answer_counted() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!") as port,
        connected("127.0.0.1", port, 4) as connections,
    ):
        load = await closed_loop(connections, repeat(REQUEST), 0.05, keep=True)
    assert load.require(200) is load
    assert load.count >= len(connections)
    assert load.bodies == [b"!"] * load.count
    assert all(latency > 0 for latency in load.latencies)
    assert load.own_cpu > 0


async def test_a_run_ends_with_its_requests() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as port,
        connected("127.0.0.1", port, 4) as connections,
    ):
        load = await closed_loop(connections, repeat(REQUEST, 7), 60)
        few = await closed_loop(connections, repeat(REQUEST, 2), 60)
    assert (load.require(200).count, few.require(200).count) == (7, 2)


async def test_paced_load_sends_the_number_asked_for() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as port,
        connected("127.0.0.1", port, 2) as connections,
    ):
        load = await paced(connections, repeat(REQUEST), rate=400, seconds=0.05)
    assert load.require(200).count == 20


async def test_a_server_that_closes_stops_the_run() -> None:
    async with (
        serving(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", close=True) as port,
        connected("127.0.0.1", port) as connections,
    ):
        with pytest.raises(ConnectionResetError):
            await closed_loop(connections, repeat(REQUEST), 5)


def test_unexpected_answers_are_no_figures() -> None:
    load = Load(latencies=[0.1, 0.1])
    load.statuses.update([202, 500])
    with pytest.raises(BenchError, match="500: 1"):
        load.require(202)
    with pytest.raises(BenchError):
        Load().require(202)


async def test_orders_differ_and_are_whole_requests() -> None:
    bodies: list[dict[str, object]] = []
    orders = email_orders("token", numbering())
    for request in (next(orders), next(orders)):
        head, body = request.split(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        assert 900 <= len(body) <= 1100
        bodies.append(json.loads(body))
    for member in ("recipients", "subject", "sendersReference"):
        assert bodies[0][member] != bodies[1][member]
    assert json.loads(email_order(["a@example.com"], "x")).keys().isdisjoint({"requestedSendTime"})


async def test_the_trivial_server_answers_an_order() -> None:
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", 0)
    async with server, connected("127.0.0.1", server.sockets[0].getsockname()[1]) as (connection,):
        answer = await connection.ask(next(email_orders("token", numbering())), 5)
    assert (answer.status, json.loads(answer.body)) == (202, {"orderId": "x"})


def test_status_reads_go_round() -> None:
    reads = status_reads("token", ["first", "second"])
    paths = [next(reads).split()[1] for _ in range(3)]
    assert [path.rsplit(b"/", 2)[1] for path in paths] == [b"first", b"second", b"first"]


BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = (
    f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint('burnt', flush=True)\ninput()"
)


def test_the_meter_counts_children_that_have_ended() -> None:
    command = [sys.executable, "-c", PARENT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:  # noqa: S603 - our own words
        meter = Meter({"group": [parent.pid], "nobody": []})
        assert parent.stdout is not None
        assert parent.stdout.readline() == "burnt\n"
        spent = meter.spent()
        assert resident_bytes([parent.pid]) > 1_000_000
        parent.communicate("\n")
    assert spent.cpu["group"] >= 0.25
    assert spent.per_item_ms("group", 100) == pytest.approx(spent.cpu["group"] * 10)
    assert spent.cpu["nobody"] == 0


async def test_the_most_memory_held_is_seen() -> None:
    async with peak_of([os.getpid()]) as peak:
        before = resident_bytes([os.getpid()])
        held = b"x" * 50_000_000
        async with asyncio.timeout(10):
            while peak.resident < before + len(held) * 0.8:  # noqa: ASYNC110 - the watcher looks of its own accord
                await asyncio.sleep(0.01)
    assert peak.megabytes == peak.resident / 2**20


def test_a_process_that_is_gone_has_no_figures() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert cpu_seconds([gone.pid]) == 0
    assert resident_bytes([gone.pid]) == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1), (0.001, 1)])
def test_percentiles_are_nearest_ranks(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected
    assert percentile([7.0], share) == 7.0


def test_rows_show_medians_and_hold_them_against_goals() -> None:
    runs = (
        Figures(rate=50, baseline=100, varsel_ms=0.1, postgres_ms=0.2, p99_ms=30),
        Figures(rate=10, baseline=100, varsel_ms=0.1, postgres_ms=0.1, p99_ms=20),
        Figures(rate=40, baseline=50, varsel_ms=0.1, postgres_ms=0.05, p99_ms=10),
    )
    row = Row("accept", runs, (Goal("ratio", at_least=0.5), Goal("sum_ms", at_most=0.2)), note="as told")
    assert (row.medians.rate, row.medians.p99_ms) == (40, 20)
    assert row.value("ratio") == 0.5
    assert row.verdict == "met"
    assert not Goal("ratio", at_least=0.51).met(row)
    assert not Goal("p99_ms", at_most=19.9).met(row)
    assert not Goal("growth", at_most=9).met(row), "what was not measured is not met"


def test_reports_for_people_and_programs(tmp_path: Path) -> None:
    rows = [
        Row("quick", (Figures(rate=12_345, baseline=10_000, p99_ms=3),), (Goal("p99_ms", at_most=2),), note="as told"),
        Row("memory", (Figures(memory_mb=70),)),
    ]
    heading, quick, memory = table(rows).splitlines()
    assert heading.split("  ")[0] == "measured"
    assert {"12,345", "1.23", "MISSED"} <= set(quick.split())
    assert "70" in memory.split()
    assert "MISSED  quick: at most 2 ms at p99; measured 3 ms at p99" in verdicts(rows)
    assert "as told" in verdicts(rows)
    write_json(tmp_path / "found.json", {"processors": "2"}, rows)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["rows"][0]["goals"] == [{"goal": "at most 2 ms at p99", "measured": 3, "met": False}]
    assert found["rows"][0]["runs"][0]["rate"] == 12_345


async def test_a_child_is_heard_asked_and_ended(tmp_path: Path) -> None:
    program = "print('ready at 7', flush=True)\nfor count in 3, 4: input(); print('count', count, flush=True)\ninput()"
    async with child(sys.executable, "-c", program, log=tmp_path / "log") as started:
        assert await started.says("ready at ", 10) == "7"
        assert await started.answers("count ", 10) == "3"
        assert await started.answers("count ", 10) == "4"
    assert started.process.returncode is not None


async def test_a_child_that_fails_says_why(tmp_path: Path) -> None:
    async with child(sys.executable, "-c", "raise SystemExit('no such thing')", log=tmp_path / "log") as failing:
        with pytest.raises(BenchError, match="no such thing"):
            await failing.listens(free_port(), 10)
    with pytest.raises(BenchError, match="broken"):
        await output_of(sys.executable, "-c", "raise SystemExit('broken')", seconds=10)


def test_pgbench_is_read() -> None:
    summary = "number of transactions actually processed: 41013\nlatency average = 1 ms\ntps = 20512.5 (without)\n"
    assert read_pgbench(summary) == (20512.5, 41013)
    with pytest.raises(BenchError, match="did not say"):
        read_pgbench("tps = 0")


async def test_baselines_measure_a_real_server(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.database(DATABASE):
        baselines = Baselines(server, tmp_path)
        await baselines.prepare()
        commits = await baselines.one_row_commits(clients=2, seconds=1)
        copy = await baselines.copy(2_000)
    assert commits.rate > 0
    assert copy.rate > 0
    # Processor time comes in ticks of 10 ms, which a short run on a busy machine may not fill on every side.
    assert commits.client_ms + commits.postgres_ms > 0
