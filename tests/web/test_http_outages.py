"""What callers meet while the database is read-only, refuses logins or is silent: 503 with `Retry-After`."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.database_states import closed_to_logins, make_read_only, make_writable
from tests.support.future_bodies import INSTANT, INSTANT_EMAIL, INSTANT_SMS
from tests.support.link_reports import DeliveryReport, report_body
from tests.support.placing import CHAIN, CHAIN_PATH, INSTANT_EMAIL_PATH, INSTANT_PATH, INSTANT_SMS_PATH
from tests.support.service import (
    BASE,
    EMAIL_ORDER,
    ORDER,
    REPORT_PASSWORD,
    REPORT_USER,
    SMS_ORDER,
    Service,
    running_service,
)
from tests.support.severable_proxy import severable
from varsel.storage.pool import open_pool

PLACED = [
    ("/orders/email", EMAIL_ORDER),
    ("/orders/sms", SMS_ORDER),
    ("/orders", ORDER),
    (CHAIN_PATH, CHAIN),
    (INSTANT_PATH, INSTANT),
    (INSTANT_SMS_PATH, INSTANT_SMS),
    (INSTANT_EMAIL_PATH, INSTANT_EMAIL),
]
READ = [
    "/orders/{id}",
    "/orders/{id}/status",
    "/orders?sendersReference=x",
    "/orders/{id}/notifications/email",
    "/orders/{id}/notifications/sms",
    "/future/shipment/{id}",
    "/future/shipment/feed",
]


def is_told_to_return(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(("path", "body"), PLACED, ids=[path for path, _ in PLACED])
async def test_an_order_meets_a_read_only_database(
    service: Service, database_server: str, database_url: str, path: str, body: object
) -> None:
    await make_read_only(database_server, database_url, service.rig.pool)
    for _ in range(2):
        answer = await service.post(path, body)
        assert is_told_to_return(answer), answer.text
    await make_writable(database_server, database_url)

    answers = [await service.post(path, body) for _ in range(2)]

    assert answers[-1].is_success  # the first may meet a session that began read-only
    assert len(await service.rig.kept()) <= 1


async def test_a_cancellation_and_a_report_meet_a_read_only_database(
    service: Service, database_server: str, database_url: str
) -> None:
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "requestedSendTime": "2027-01-01T00:00:00Z"})
    await make_read_only(database_server, database_url, service.rig.pool)

    assert is_told_to_return(await service.put(f"/orders/{order_id}/cancel"))
    answer = await service.client.post(
        "/notifications/sms/api/v1/reports",
        content=report_body(DeliveryReport("gw-ref-1")),
        headers={"Content-Type": "application/xml"},
        auth=(REPORT_USER, REPORT_PASSWORD),
    )
    assert is_told_to_return(answer)
    assert (await service.get(f"/orders/{order_id}/status")).status_code == 200  # reading goes on


async def test_whoever_reads_meets_a_database_that_refuses_logins(
    service: Service, database_server: str, database_url: str
) -> None:
    async with closed_to_logins(database_server, database_url, service.rig.pool):
        for path in READ:
            answer = await service.get(path.format(id=uuid4()))
            assert is_told_to_return(answer), (path, answer.status_code)
        for path, body in PLACED:
            answer = await service.post(path, body)
            assert is_told_to_return(answer), (path, answer.status_code)
    assert (await service.post("/orders/email", EMAIL_ORDER)).status_code == 202


async def test_an_order_meets_a_silent_database(database_url: str, tmp_path: Path) -> None:
    async with severable(database_url) as (proxy, url):
        pool = await open_pool(url, min_size=1, max_size=5, command_timeout=1.0)
        try:
            async with running_service(pool, tmp_path) as service:
                await service.accepted("/orders/email", EMAIL_ORDER)
                proxy.sever()
                assert is_told_to_return(await service.post("/orders/email", EMAIL_ORDER))
                await service.accepted("/orders/email", EMAIL_ORDER)
                proxy.sever()
                answer = await service.client.get(f"{BASE}/orders/{uuid4()}/status", headers=service.bearer("ttd"))
                assert is_told_to_return(answer)
        finally:
            pool.terminate()


async def test_a_chain_that_a_restore_has_lost_is_placed_again_by_its_retry(service: Service) -> None:
    first = await service.post(CHAIN_PATH, CHAIN)
    assert first.status_code == 201
    assert (await service.post(CHAIN_PATH, CHAIN)).status_code == 200

    await service.rig.pool.execute("TRUNCATE chains, orders, order_parts CASCADE")  # as a restore does before it loads
    await service.watch.look()

    again = await service.post(CHAIN_PATH, CHAIN)
    assert again.status_code == 201
    shipment = again.json()["notification"]["shipmentId"]
    assert (await service.get(f"/future/shipment/{shipment}")).status_code == 200
