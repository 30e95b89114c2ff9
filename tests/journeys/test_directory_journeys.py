"""Orders while a directory fails, recovers and changes its answers between registration and processing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.directories.asking import AT_ONCE, altinn_directory
from tests.directories.population import CLERK, KARI, OLA, ORG, RESOURCE, populate
from tests.support.altinn import PERSONS, Altinn
from tests.support.future_bodies import EMAIL_SETTINGS
from tests.support.json_server import Reply
from tests.support.rig import NOON, Rig
from tests.support.service import EMAIL_ORDER, Service, running_service
from varsel.contacts.sparing import SparingDirectory, SparingOptions
from varsel.model.clock import HandTurnedClock
from varsel.storage.pool import Pool

DOWN = Reply(500)
DUE = NOON + timedelta(hours=1)
PERSON_ORDER = {
    **EMAIL_ORDER,
    "recipients": [{"nationalIdentityNumber": KARI}, {"emailAddress": "direct@example.com"}],
    "requestedSendTime": DUE.isoformat(),
}

CHAIN = {
    "idempotencyId": "case-42",
    "requestedSendTime": DUE.isoformat(),
    "recipient": {
        "recipientPerson": {
            "nationalIdentityNumber": KARI,
            "channelSchema": "Email",
            "emailSettings": EMAIL_SETTINGS,
        }
    },
}


@pytest.fixture
async def altinn() -> AsyncIterator[Altinn]:
    async with Altinn() as server:
        populate(server)
        yield server


@pytest.fixture
async def service(pool: Pool, tmp_path: Path, altinn: Altinn) -> AsyncIterator[Service]:
    clock = HandTurnedClock(NOON)
    directory = SparingDirectory(altinn_directory(altinn, clock), clock, SparingOptions(gathering=AT_ONCE))
    rig = Rig(pool, directory, clock=clock)
    rig.hand = clock
    async with running_service(pool, tmp_path, rig=rig, directory=directory) as running:
        yield running
    await directory.close()


async def recipients(service: Service) -> set[str]:
    return {kept.recipient for kept in await service.rig.kept()}


async def trails(pool: Pool) -> dict[str, str | None]:
    return {row["address"]: row["trail"] for row in await pool.fetch("SELECT address, trail FROM notifications")}


@pytest.mark.parametrize("path", ["/orders/email", "/future/orders"])
async def test_whoever_places_an_order_while_a_directory_is_down_hears_when_to_come_back(
    service: Service, altinn: Altinn, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    altinn.script.append(DOWN)
    refused = await service.post(path, PERSON_ORDER if path == "/orders/email" else CHAIN)
    assert (refused.status_code, refused.content, refused.headers["Retry-After"]) == (500, b"", "5")
    assert "ProfileClient could not answer" in caplog.text
    assert "Traceback" not in caplog.text, "nobody's defect"
    assert await service.stored() == 0


async def test_an_order_outlives_a_directory_that_fails_and_goes_by_what_it_says_in_the_end(
    service: Service, altinn: Altinn, pool: Pool
) -> None:
    altinn.script.append(DOWN)
    refused = await service.post("/orders/email", PERSON_ORDER)
    assert (refused.status_code, refused.content, refused.headers["Retry-After"]) == (500, b"", "5")
    assert await service.stored() == 0

    answer = await service.post("/orders/email", PERSON_ORDER)
    assert answer.json()["recipientLookup"]["status"] == "Success"

    altinn.persons[KARI] = {"nationalIdentityNumber": KARI, "email": "moved@example.com"}
    altinn.script.extend([DOWN, DOWN])
    await service.rig.work(after=timedelta(hours=1))
    trouble = await pool.fetchval("SELECT trouble FROM orders")
    assert "ProfileClient" in trouble
    assert KARI not in trouble
    assert await recipients(service) == set()
    await service.rig.work(after=timedelta(minutes=2))  # a second failure: put off for longer
    assert await recipients(service) == set()

    await service.rig.work(after=timedelta(minutes=10))
    assert await recipients(service) == {"moved@example.com", "direct@example.com"}
    assert await pool.fetchval("SELECT trouble FROM orders") is None
    assert await trails(pool) == {
        "moved@example.com": "altinn@2026-06-15T11:12Z:email;Email:email",
        "direct@example.com": None,
    }


async def test_an_answer_is_asked_for_once_within_its_age_by_both_sides(service: Service, altinn: Altinn) -> None:
    now = {**PERSON_ORDER, "requestedSendTime": (NOON + timedelta(minutes=10)).isoformat()}
    for _ in range(3):
        await service.accepted("/orders/email", now)
    await service.rig.work(after=timedelta(minutes=10))
    assert len(altinn.asked(PERSONS)) == 1


async def test_a_trail_tells_kinds_and_never_contents(service: Service, pool: Pool) -> None:
    asked = [{"nationalIdentityNumber": OLA}, {"nationalIdentityNumber": KARI}, {"organizationNumber": ORG}]
    order = {**EMAIL_ORDER, "recipients": asked, "resourceId": RESOURCE}
    await service.accepted("/orders/email", order)
    await service.rig.work(after=timedelta(minutes=1))
    told = [trail for trail in (await trails(pool)).values() if trail is not None]
    assert any("reserved" in trail for trail in told)
    assert any("1 emails" in trail and "2 users" in trail for trail in told)
    for content in (OLA, KARI, ORG, "example.com", "99999999", str(CLERK.mobile_number), "Nordmann"):
        assert not any(content in trail for trail in told)
