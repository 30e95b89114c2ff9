"""Look-ups when orders are placed: how they are asked, and whether contacts registered by users count."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.future_bodies import EMAIL
from tests.support.placing import CHAIN, CHAIN_PATH, organization, place
from tests.support.service import EMAIL_ORDER, running_service, write_directory
from tests.support.slow_directory import SlowDirectory, closed_today
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import RECIPIENTS_PER_PART
from varsel.storage.pool import Pool

THROUGH_USERS = "310987654"
RESOURCE, OTHER = "urn:altinn:resource:my-resource", "urn:altinn:resource:other"
DIRECTORY: dict[str, Any] = {
    "organizations": [
        {
            "organizationNumber": THROUGH_USERS,
            "users": [{"userId": 1, "email": "u@example.com", "resources": ["my-resource"]}],
        }
    ]
}


@pytest.mark.parametrize(("count", "status"), [(False, "Failed"), (True, "Success")])
async def test_an_order_s_user_contacts_count_where_the_setting_says_so(
    pool: Pool, tmp_path: Path, count: bool, status: str
) -> None:
    write_directory(tmp_path, DIRECTORY)
    order = {**EMAIL_ORDER, "recipients": [{"organizationNumber": THROUGH_USERS}], "resourceId": RESOURCE}
    async with running_service(pool, tmp_path, count_user_contacts_at_registration=count) as service:
        answer = await service.post("/orders/email", order)
    assert answer.json()["recipientLookup"]["status"] == status


@pytest.mark.parametrize(
    ("count", "resource", "reminded", "status"),
    [
        (False, RESOURCE, RESOURCE, 422),
        (True, RESOURCE, RESOURCE, 201),
        (True, OTHER, RESOURCE, 422),
        (True, RESOURCE, OTHER, 422),
    ],
)
async def test_a_chain_s_user_contacts_count_for_the_resource_of_each_order(
    pool: Pool, tmp_path: Path, count: bool, resource: str, reminded: str, status: int
) -> None:
    write_directory(tmp_path, DIRECTORY)
    reminders = [
        {"delayDays": 1, "recipient": EMAIL},
        {"delayDays": 2, "recipient": organization(THROUGH_USERS, resourceId=reminded)},
    ]
    chain = CHAIN | {"recipient": organization(THROUGH_USERS, resourceId=resource), "reminders": reminders}
    async with running_service(pool, tmp_path, count_user_contacts_at_registration=count) as service:
        assert (await place(service, CHAIN_PATH, chain)).status_code == status


def large_order(parts: int) -> dict[str, Any]:
    persons = [{"nationalIdentityNumber": f"{number:011}"} for number in range(parts * RECIPIENTS_PER_PART)]
    return {**EMAIL_ORDER, "recipients": persons}


async def test_a_large_order_asks_about_four_parts_at_once(pool: Pool, tmp_path: Path) -> None:
    directory = SlowDirectory(FixedDirectory(None))
    directory.hold()
    async with running_service(pool, tmp_path, directory=directory) as service:
        placing = asyncio.create_task(service.post("/orders/email", large_order(6)))
        await directory.wait_for_questions(4)
        assert (directory.in_flight, len(directory.asked)) == (4, 4)
        directory.release()
        answer = await placing
    assert len(directory.asked) == 6
    assert len(answer.json()["recipientLookup"]["missingContact"]) == 6 * RECIPIENTS_PER_PART


async def test_one_part_that_cannot_be_asked_about_fails_the_order_as_a_whole(pool: Pool, tmp_path: Path) -> None:
    directory = SlowDirectory(FixedDirectory(None))
    directory.failures.append(closed_today())
    async with running_service(pool, tmp_path, directory=directory) as service:
        refused = await service.post("/orders/email", large_order(3))
        assert (refused.status_code, refused.headers["Retry-After"]) == (500, "5")
        assert await service.stored() == 0
        assert directory.in_flight == 0
