"""The page at `/` and the inbox it leads to, in development."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.service import EMAIL_ORDER, Service, running_service
from varsel.storage.pool import Pool


async def test_every_link_of_the_start_page_leads_somewhere(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path, swagger=True) as service:
        page = await service.client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        paths = re.findall(r'href="([^"]+)"', page.text)
        assert {"/dev/inbox", "/swagger"} <= set(paths)
        for path in paths:
            assert (await service.client.get(path)).status_code == 200, path


async def test_without_the_description_there_is_no_start_page(service: Service) -> None:
    assert (await service.client.get("/")).status_code == 404


async def test_the_inbox_waits_for_a_message(service: Service) -> None:
    waiting = asyncio.create_task(service.client.get("/dev/inbox?wait=30"))
    await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    (message,) = (await waiting).json()["messages"]
    assert message["channel"] == "Email"


@pytest.mark.parametrize("wait", ["31", "-1", "x", "1.5", "9" * 5000])
async def test_a_wait_that_is_no_short_time_is_refused(service: Service, wait: str) -> None:
    answer = await service.client.get("/dev/inbox", params={"wait": wait})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["wait"])
