"""A database that is read-only or refuses logins between the provider's answer and its record."""

import asyncio
from pathlib import Path

import pytest

from tests.support.chains import instant
from tests.support.database_states import closed_to_logins, make_read_only, make_writable
from tests.support.orders import emails, make_order
from tests.support.providers import HeldProvider
from tests.support.rig import LEASE, NOON, Rig, instant_options
from tests.support.until import until
from varsel.channels.protocol import Accepted
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import OrderStatus
from varsel.model.results import Result
from varsel.storage.pool import Pool
from varsel.workers.instant import Dispatched, DispatchInstant


@pytest.fixture
def provider() -> HeldProvider:
    return HeldProvider()


@pytest.fixture
def rig(pool: Pool, tmp_path: Path, provider: HeldProvider) -> Rig:
    return Rig(pool, FixedDirectory(tmp_path / "directory.json"), email=provider)


async def test_an_answer_is_recorded_once_the_database_takes_writes_and_nothing_goes_out_twice(
    rig: Rig, provider: HeldProvider, database_server: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    order_id = await rig.store(make_order(emails("kari"), NOON))
    working = asyncio.create_task(rig.work())
    await provider.called()
    await make_read_only(database_server, database_url, rig.pool)
    provider.answer(Accepted("ref-1"))
    await until(lambda: said(caplog, "the database is away"))

    await make_writable(database_server, database_url)
    await working
    await rig.work(after=2 * LEASE)

    assert len(provider.taken) == 1
    assert [line.result for line in await rig.listed(order_id)] == [Result.EMAIL_SUCCEEDED]


async def test_an_instant_answer_is_recorded_once_logins_are_allowed(
    rig: Rig, provider: HeldProvider, database_server: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch = DispatchInstant(rig.pool, rig.clock, rig.email, rig.sms, instant_options())
    chain = instant(emails("kari")[0], NOON)
    dispatching = asyncio.create_task(dispatch(chain))
    await provider.called()
    async with closed_to_logins(database_server, database_url, rig.pool):
        provider.answer(Accepted("ref-1"))
        await until(lambda: said(caplog, "the database is away"))

    assert await dispatching is Dispatched.Accepted
    assert (await rig.state(chain.main.id)).status is OrderStatus.Processed
    assert [line.result for line in await rig.listed(chain.main.id)] == [Result.EMAIL_SUCCEEDED]


async def said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text
