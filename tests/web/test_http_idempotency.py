"""One idempotency id, one order: per creator and family, however often, wherever and how at once it comes
(api.md 3.9, step 3, and 5, items 17 and 18; checklist 6.1, column idem). Replays after 422 and 503 are tested where
those are: tests/web/test_http_future_placing.py and tests/journeys/test_instants.py."""

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.future_bodies import EMAIL, changed
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.placing import (
    ATTACHMENT,
    BODIES,
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    SAS_URL,
    Placed,
    feed,
    instant_email,
    instant_sms,
    place,
    placed,
)
from tests.support.raw_http import RawAnswer, request
from tests.support.rig import Rig
from tests.support.service import BASE, Service, running_service
from varsel.contacts.fixed import FixedDirectory
from varsel.storage.pool import Pool, open_pool

ONE_OF_EACH_FAMILY = (CHAIN_PATH, COMPOSED_PATH, INSTANT_SMS_PATH)
TEXT = {CHAIN_PATH: "recipient.recipientEmail.emailSettings.body", COMPOSED_PATH: "recipient.emailSettings.body"}
TEXT |= {INSTANT_SMS_PATH: "recipientSms.smsSettings.body", INSTANT_EMAIL_PATH: "recipientEmail.emailSettings.body"}
TEXT |= {INSTANT_PATH: "recipient.recipientSms.smsSettings.body"}


async def at_once(service: Service, path: str, body: Any, times: int) -> list[RawAnswer]:
    """Post the same request so many times at once, each on a connection of its own."""
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE]) | {"Content-Type": "application/json"}
    sent = request("POST", BASE + path, headers, json.dumps(body).encode())
    return await asyncio.gather(*(service.raw(sent) for _ in range(times)))


def told(answers: list[RawAnswer]) -> Placed:
    """Return the ids that all answers tell."""
    assert Counter(answer.status for answer in answers) == {201: 1, 200: len(answers) - 1}
    assert [answer.headers["varsel-replay"] for answer in answers if answer.status == 200] == ["same"] * (
        len(answers) - 1
    )
    (document,) = {answer.body for answer in answers}
    notification = json.loads(document)["notification"]
    reminders = tuple(reminder["shipmentId"] for reminder in notification.get("reminders", []))
    return Placed(json.loads(document)["notificationOrderId"], notification["shipmentId"], reminders)


@pytest.mark.parametrize("path", BODIES)
async def test_a_hundred_simultaneous_equal_requests_make_one_order_and_one_message(
    service: Service, path: str
) -> None:
    """Simultaneous first requests: one 201, ninety-nine 200 with the same ids."""
    body = BODIES[path] | ({"reminders": [{"delayDays": 1, "recipient": EMAIL}]} if path == CHAIN_PATH else {})

    first = told(await at_once(service, path, body, 100))
    await service.rig.work()

    assert len(await service.rig.kept()) == 1
    assert [entry["shipmentId"] for entry in await feed(service)] == [first.main]
    assert await service.rig.pool.fetchval("SELECT count(*) FROM orders") == 1 + len(first.reminders)


async def test_two_processes_at_once_make_one_order_and_one_message(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    other_pool = await open_pool(database_url, min_size=1, max_size=10)
    rig = Rig(pool, FixedDirectory(None))
    async with (
        running_service(pool, tmp_path, rig=rig) as one,
        running_service(other_pool, tmp_path, rig=Rig(other_pool, FixedDirectory(None))) as other,
    ):
        for path in ONE_OF_EACH_FAMILY:
            halves = await asyncio.gather(*(at_once(each, path, BODIES[path], 40) for each in (one, other)))
            told([*halves[0], *halves[1]])
    await rig.work()
    assert len(await rig.kept()) == len(ONE_OF_EACH_FAMILY)
    await other_pool.close()


async def test_chains_with_different_ids_at_once_are_kept_apart(service: Service) -> None:
    """What waits together shares a commit; among it are several of the same id."""
    bodies = [CHAIN | {"idempotencyId": str(number % 20), "sendersReference": str(number % 20)} for number in range(60)]
    answers = await asyncio.gather(*(place(service, CHAIN_PATH, body) for body in bodies))
    assert Counter(answer.status_code for answer in answers) == {201: 20, 200: 40}
    for body, answer in zip(bodies, answers, strict=True):
        assert answer.json()["notification"]["sendersReference"] == body["sendersReference"]
    assert len({answer.json()["notificationOrderId"] for answer in answers}) == 20


async def test_an_id_counts_per_creator_and_family(service: Service) -> None:
    """Same id on composed and instant -> separate; other creator, same id -> separate."""
    told = set[Placed]()
    for org in ("ttd", "skd", "TTD"):
        for path in ONE_OF_EACH_FAMILY:
            told.add(await placed(service, BODIES[path] | {"idempotencyId": "one"}, path, org=org))
    assert len(told) == 9
    for exact in ("ONE", " one", "one "):  # compared exactly
        await placed(service, CHAIN | {"idempotencyId": exact})


@pytest.mark.parametrize("path", BODIES)
async def test_a_replay_tells_the_first_ids_without_location_and_changes_nothing(service: Service, path: str) -> None:
    first = await placed(service, BODIES[path], path)
    before = await service.document(f"/orders/{first.main}")
    await service.rig.work()
    told = len(await service.rig.kept())

    same = await place(service, path, BODIES[path])
    differing = await place(service, path, changed(BODIES[path], TEXT[path], "Something else"))

    for answer, comparison in ((same, "same"), (differing, "differs")):
        assert (answer.status_code, Placed.told_by(answer)) == (200, first)
        assert "location" not in answer.headers
        assert answer.headers["varsel-replay"] == comparison
    assert await service.document(f"/orders/{first.main}") == before
    await service.rig.work()
    assert len(await service.rig.kept()) == told


async def test_the_ids_of_reminders_are_told_as_at_first_whatever_the_replay_says(service: Service) -> None:
    body = CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL, "sendersReference": "r"}]}
    first = await place(service, CHAIN_PATH, body)
    replayed = await place(service, CHAIN_PATH, CHAIN | {"sendersReference": "another"})
    assert replayed.json() == first.json()
    assert replayed.headers["varsel-replay"] == "differs"


async def test_ways_of_writing_make_no_difference(service: Service) -> None:
    """Member order and case, white space, spelt-out defaults, nulls and time zones are the same request."""
    body = CHAIN | {"requestedSendTime": "2026-06-15T12:00:00Z"}
    await placed(service, body)
    spelt = {"sendersREFERENCE": "case-42", **body, "requestedSendTime": "2026-06-15T14:00+02:00", "reminders": None}
    replayed = await place(service, CHAIN_PATH, spelt)
    assert (replayed.status_code, replayed.headers["varsel-replay"]) == (200, "same")


async def test_a_replay_whose_time_has_passed_is_400(service: Service) -> None:
    """Validation comes first (api.md 3.9, Steps)."""
    body = CHAIN | {"requestedSendTime": "2026-06-15T10:00:00Z"}
    first = await placed(service, body)
    service.rig.hand.turn(timedelta(microseconds=1))
    late = await place(service, CHAIN_PATH, body)
    assert (late.status_code, late.json()["errors"].keys()) == (400, {"RequestedSendTime"})
    timeless = await place(service, CHAIN_PATH, CHAIN)
    assert (timeless.status_code, Placed.told_by(timeless)) == (200, first)


async def test_retries_are_answered_alike_until_the_first_of_their_times_has_passed(service: Service) -> None:
    """What is remembered of a request is forgotten as soon as validation would refuse it."""
    reminder = {"requestedSendTime": "2026-06-15T11:00:00Z", "recipient": EMAIL}
    body = CHAIN | {"requestedSendTime": "2026-06-15T12:00:00Z", "reminders": [reminder]}
    first = await placed(service, body)
    other = changed(body, TEXT[CHAIN_PATH], "Something else")
    for retried, comparison in ((body, "same"), (other, "differs"), (other, "differs"), (body, "same")):
        answer = await place(service, CHAIN_PATH, retried)
        assert (answer.status_code, Placed.told_by(answer)) == (200, first)
        assert answer.headers["varsel-replay"] == comparison

    service.rig.hand.turn(timedelta(hours=1))
    assert (await place(service, CHAIN_PATH, body)).status_code == 200
    service.rig.hand.turn(timedelta(microseconds=1))
    late = await place(service, CHAIN_PATH, body)
    assert (late.status_code, late.json()["errors"].keys()) == (400, {"Reminders[0].RequestedSendTime"})


async def test_a_retry_is_answered_without_the_database_and_any_other_replay_by_it(service: Service) -> None:
    first = await placed(service, CHAIN)
    await service.rig.pool.execute("ALTER TABLE chains RENAME TO away")
    retried = await place(service, CHAIN_PATH, CHAIN)
    assert (retried.status_code, Placed.told_by(retried)) == (200, first)
    assert (await place(service, CHAIN_PATH, dict(reversed(CHAIN.items())))).status_code == 500

    await service.rig.pool.execute("ALTER TABLE away RENAME TO chains")
    assert (await place(service, CHAIN_PATH, dict(reversed(CHAIN.items())))).status_code == 200


async def test_the_replay_of_an_old_chain_is_not_remembered(service: Service) -> None:
    """It may be removed, and its id used anew, any moment."""
    await placed(service, CHAIN)
    service.rig.hand.turn(timedelta(days=1, seconds=1))
    assert (await place(service, CHAIN_PATH, CHAIN)).status_code == 200
    await service.rig.pool.execute("DELETE FROM chains")
    assert (await place(service, CHAIN_PATH, CHAIN)).status_code == 201


async def test_a_retried_composed_email_is_judged_by_the_present_time(service: Service) -> None:
    """Its attachments must stay valid for a while after it is sent, which is now."""
    expiring = ATTACHMENT | {"sasUrl": re.sub(r"\bse=[^&]*", "se=2026-06-15T10%3A16%3A00Z", SAS_URL)}
    body = changed(COMPOSED, "recipient.emailSettings.attachments", [expiring])
    del body["requestedSendTime"]
    first = await placed(service, body, COMPOSED_PATH)
    again = await place(service, COMPOSED_PATH, body)
    assert (again.status_code, Placed.told_by(again)) == (200, first)

    service.rig.hand.turn(timedelta(minutes=1, seconds=1))
    late = await place(service, COMPOSED_PATH, body)
    assert (late.status_code, list(late.json()["errors"])) == (400, ["Recipient.Settings.Attachments[0]"])


async def test_a_retry_by_someone_else_is_a_request_of_its_own(service: Service) -> None:
    first = await placed(service, CHAIN)
    assert (await place(service, CHAIN_PATH, CHAIN)).status_code == 200
    assert await placed(service, CHAIN, org="skd") != first
    nobody = await service.client.post(BASE + CHAIN_PATH, json=CHAIN, headers=service.bearer(None))
    assert nobody.status_code == 403


async def test_an_instant_id_counts_for_all_three_endpoints(service: Service) -> None:
    """Replay across variants returns first ids and sends nothing (api.md 3.13, step 3)."""
    paths = [(INSTANT_SMS_PATH, instant_sms("+4799999999", "otp")), (INSTANT_EMAIL_PATH, instant_email("kari", "otp"))]
    paths.append((INSTANT_PATH, BODIES[INSTANT_PATH] | {"idempotencyId": "otp"}))
    first = await placed(service, paths[0][1], INSTANT_SMS_PATH)
    for path, body in paths:
        replayed = await place(service, path, body)
        assert (replayed.status_code, Placed.told_by(replayed)) == (200, first)
    assert [kept.recipient for kept in await service.rig.kept()] == ["+4799999999"]


async def test_the_older_form_of_an_instant_sms_is_the_same_request(service: Service) -> None:
    await placed(service, BODIES[INSTANT_SMS_PATH], INSTANT_SMS_PATH)
    replayed = await place(service, INSTANT_PATH, BODIES[INSTANT_PATH])
    assert replayed.headers["varsel-replay"] == "same"
