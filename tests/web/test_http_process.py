"""`varsel serve` as a whole process: ready, shared, stopped, killed, and given more than it can hold at once."""

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from tests.conftest import memory_or_disk
from tests.support.embedded_server import fetch, pid_file, pid_in
from tests.support.raw_http import connected, exchange, request
from tests.support.service import BASE, EMAIL_ORDER, write_key
from tests.support.service_process import Log, ServiceProcess, serve_in_vain, varsel_serve
from tests.support.until import until
from varsel.intake.credentials import LocalIssuer

_RECIPIENTS = 500_000


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that whoever runs the embedded server can pass through."""
    directory = Path(tempfile.mkdtemp(prefix="varsel-serve-", dir=memory_or_disk()))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


async def place(service: ServiceProcess) -> UUID:
    """Place a small order that must be accepted."""
    answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER)
    assert answer.status_code == 202
    return UUID(answer.json()["orderId"])


async def test_two_instances_share_the_embedded_database_and_the_last_one_stops_it(data_dir: Path) -> None:
    async with varsel_serve(data_dir) as first:
        order_id = await place(first)
        async with varsel_serve(data_dir) as second:
            seen = await second.client.get(f"{BASE}/orders/{order_id}")
            assert seen.status_code == 200
            assert await first.ended(signal.SIGTERM) == 0
            await place(second)
            assert pid_file(data_dir).exists()
            assert await second.ended(signal.SIGTERM) == 0
    assert not pid_file(data_dir).exists()


async def test_an_embedded_database_that_crashes_is_started_again(data_dir: Path) -> None:
    async with varsel_serve(data_dir) as service:
        order_id = await place(service)
        os.kill(pid_in(pid_file(data_dir)), signal.SIGKILL)
        await until(lambda: is_read(service, order_id))
        await place(service)


async def test_a_process_whose_embedded_database_cannot_be_started_again_ends(data_dir: Path) -> None:
    async with varsel_serve(data_dir, Log.KEPT) as service:
        control = data_dir / "postgres" / "global" / "pg_control"
        control.rename(control.with_suffix(".lost"))
        os.kill(pid_in(pid_file(data_dir)), signal.SIGKILL)
        await service.logs("varsel: The embedded PostgreSQL in")
        async with asyncio.timeout(60):
            assert await service.process.wait() == 1


async def is_read(service: ServiceProcess, order_id: UUID) -> bool:
    """Tell whether an order can be read again; 503 until then."""
    answer = await service.client.get(f"{BASE}/orders/{order_id}")
    assert answer.status_code in {200, 503}
    return answer.status_code == 200


async def test_two_processes_share_an_address_and_either_answers_without_the_other(
    database_url: str, tmp_path: Path
) -> None:
    async with varsel_serve(tmp_path, database_url=database_url, share_port="yes") as first:
        port = str(first.client.base_url.port)
        async with varsel_serve(tmp_path, database_url=database_url, share_port="yes", port=port) as second:
            order_id = await place(first)
            assert await first.ended(signal.SIGTERM) == 0
            seen = await second.client.get(f"{BASE}/orders/{order_id}")
            assert seen.status_code == 200
            exit_code, told = await serve_in_vain(tmp_path, port=port)

    assert exit_code == 2
    assert "nobody can listen" in told


async def test_orders_posted_after_the_signal_to_stop_are_taken(database_url: str, tmp_path: Path) -> None:
    async with varsel_serve(tmp_path, database_url=database_url, roles="api", http_linger="10s") as service:
        port, token = service.client.base_url.port, service.client.headers["authorization"]
        assert port is not None
        headers = {"Authorization": token, "Content-Type": "application/json"}
        order = request("POST", f"{BASE}/orders/email", headers, json.dumps(EMAIL_ORDER).encode())
        async with AsyncExitStack() as stack:
            idle = [await stack.enter_async_context(connected(port)) for _ in range(20)]
            for each in idle:
                each.send(order)
                assert (await each.answer()).status == 202

            service.process.send_signal(signal.SIGTERM)
            await until(lambda: _closes(port))
            for each in idle:
                each.send(order)
                answer = await each.answer()
                assert (answer.status, answer.headers["connection"]) == (202, "close")
                assert await each.ended()
        await service.client.aclose()
        assert await service.process.wait() == 0
    assert await fetch(database_url, "SELECT count(*) FROM orders") == [(40,)]


async def _closes(port: int) -> bool:
    """Whether the service answers that it closes the connection: it was told to stop."""
    return (await exchange(port, request("GET", "/health"))).headers["connection"] == "close"


async def test_whoever_follows_the_discovery_document_finds_the_keys_on_any_port(
    database_url: str, tmp_path: Path
) -> None:
    async with varsel_serve(tmp_path, database_url=database_url) as service:
        port = service.client.base_url.port
        discovery = (await service.client.get("/dev/openid/.well-known/openid-configuration")).json()
        assert discovery["issuer"] == f"http://localhost:{port}/dev/openid/"
        jwks = discovery["jwks_uri"].removeprefix(f"http://localhost:{port}")
        assert (await service.client.get(jwks)).json()["keys"]
        order_id = await place(service)
        links = (await service.client.get(f"{BASE}/orders/{order_id}")).json()["links"]
        assert links["self"].startswith(f"http://localhost:{port}/")


@pytest.mark.parametrize(("met", "ends_as"), [("true", "Completed"), ("false", "SendConditionNotMet")])
async def test_a_send_condition_can_be_rehearsed_on_one_machine(
    database_url: str, tmp_path: Path, met: str, ends_as: str
) -> None:
    async with varsel_serve(tmp_path, database_url=database_url) as service:
        endpoint = (
            f"http://varsel.localhost:{service.client.base_url.port}{BASE}/tests/sendcondition?conditionMet={met}"
        )
        placed = await service.client.post(f"{BASE}/orders/email", json={**EMAIL_ORDER, "conditionEndpoint": endpoint})
        assert placed.status_code == 202, placed.text

        async def has_ended() -> bool:
            status = (await service.client.get(f"{BASE}/orders/{placed.json()['orderId']}/status")).json()
            return bool(status["processingStatus"]["status"] == ends_as)

        await until(has_ended)


_PRODUCTION = {
    "environment": "production",
    "openid_address": "https://issuer.example.com",
    "sandbox_in_production": "yes",
}


async def test_production_trusts_nothing_that_development_left(database_url: str, tmp_path: Path) -> None:
    write_key(tmp_path)
    issuer = LocalIssuer(tmp_path / "issuer", service="http://localhost:5090")
    issuer.platform_token("ttd")
    code, told = await serve_in_vain(tmp_path, database_url=database_url, **_PRODUCTION)
    assert code == 2
    assert "with which anybody could place orders: remove ttd-access-token-public-cert.pem, or set" in told
    assert "Traceback" not in told

    (tmp_path / "platform-keys" / "ttd-access-token-public-cert.pem").unlink()
    code, told = await serve_in_vain(tmp_path, **_PRODUCTION)
    assert code == 2
    assert "its database may hold orders placed with tokens that anybody could make" in told
    assert not (tmp_path / "postgres").exists(), "nothing was started"

    async with varsel_serve(tmp_path, database_url=database_url, **_PRODUCTION) as service:
        # Registered by somebody with a forgotten terminal while production runs.
        headers = {"PlatformAccessToken": issuer.platform_token("ttd")}
        answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER, headers=headers)
        assert answer.status_code in {401, 503}
        assert await fetch(database_url, "SELECT FROM orders") == []


async def test_an_order_that_was_accepted_survives_sudden_death(database_url: str, tmp_path: Path) -> None:
    """Durable before answered: killed among a hundred requests, the service has stored every one it answered."""
    async with varsel_serve(tmp_path, database_url=database_url, roles="api") as service:
        placing = [asyncio.create_task(place(service)) for _ in range(100)]
        await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
        assert await service.ended(signal.SIGKILL) == -signal.SIGKILL
        outcomes = await asyncio.gather(*placing, return_exceptions=True)

    answered = {order_id for order_id in outcomes if isinstance(order_id, UUID)}
    assert answered
    assert answered <= {row[0] for row in await fetch(database_url, "SELECT id FROM orders")}


async def test_an_address_in_use_is_told_before_anything_is_started(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        exit_code, told = await serve_in_vain(data_dir, port=str(taken.getsockname()[1]))

    assert exit_code == 2
    assert "choose another VARSEL_HOST or VARSEL_PORT" in told
    assert not (data_dir / "postgres").exists()


async def test_half_a_million_recipients_are_taken_while_others_are_answered(database_url: str, tmp_path: Path) -> None:
    body = _huge_order()
    async with varsel_serve(tmp_path, database_url=database_url, roles="api") as service:
        order_id = await place(service)
        before = service.peak_memory()
        begun = monotonic()
        huge = asyncio.create_task(
            service.client.post(f"{BASE}/orders/email", content=body, headers={"Content-Type": "application/json"})
        )
        waits = [wait async for wait in _waits_for_others(service, order_id, huge)]
        took = monotonic() - begun

        assert (await huge).status_code == 202
        assert len(waits) > 20
        assert max(waits) < took / 4
        assert service.peak_memory() - before < 3 * len(body)

    counted = "SELECT sum(json_array_length(recipients::json)) FROM order_parts WHERE order_id = $1"
    assert await fetch(database_url, counted, UUID((await huge).json()["orderId"])) == [(_RECIPIENTS,)]


async def _waits_for_others(
    service: ServiceProcess, order_id: UUID, huge: asyncio.Task[object]
) -> AsyncIterator[float]:
    """Read an order's status again and again while the huge order is being taken, and tell how long each took."""
    while not huge.done():
        asked = monotonic()
        answer = await service.client.get(f"{BASE}/orders/{order_id}/status")
        assert answer.status_code == 200
        yield monotonic() - asked


def _huge_order() -> bytes:
    """Write an order that just fits into 30,000,000 bytes."""
    recipients = [{"emailAddress": f"person{number:06d}@communication.example.com"} for number in range(_RECIPIENTS)]
    body = json.dumps({**EMAIL_ORDER, "recipients": recipients}, separators=(",", ":")).encode()
    assert 29_000_000 < len(body) <= 30_000_000
    return body
