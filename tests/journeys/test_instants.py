"""Instant messages over HTTP: stored before they leave, sent at most once, whatever happens (api.md 3.11 to 3.13,
processing.md W8; checklist 6.3, POST instant)."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.dying_worker import NAME, DyingWorkers
from tests.support.embedded_server import fetch
from tests.support.link_gateway import LinkGateway, messages_in
from tests.support.link_replies import Reply
from tests.support.link_reports import DeliveryReport, post_report
from tests.support.placing import (
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    Placed,
    feed,
    instant_email,
    instant_sms,
    place,
    placed,
    shipment,
)
from tests.support.providers import HeldProvider
from tests.support.raw_http import connected, request
from tests.support.rig import GRACE, NOON, Rig
from tests.support.service import BASE, REPORT_PASSWORD, REPORT_USER, Service, running_service
from tests.support.service_process import Log, varsel_serve
from tests.support.smtp_server import RealServer
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.channels.email_smtp import Security, SmtpProvider, SmtpSettings
from varsel.channels.protocol import Accepted, Outcome, Transient, Unknown
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.results import Result
from varsel.storage.instants import LONGEST_HAND_OVER
from varsel.storage.pool import Pool

NUMBER = "+4799999999"
FIRST_REFERENCE = "984342374"
"""What the scripted gateway calls the first SMS it accepts."""


def sent(gateway: LinkGateway) -> list[dict[str, str]]:
    """Return all messages the gateway was posted."""
    return [message for posted in gateway.posted for message in messages_in(posted.body)]


async def report(service: Service, state: str) -> None:
    """Post a report of the first SMS as the gateway does."""
    url = f"http://127.0.0.1:{service.port}/notifications/sms/api/v1/reports"
    answer = await post_report(url, (REPORT_USER, REPORT_PASSWORD), DeliveryReport(FIRST_REFERENCE, state))
    assert answer.status_code == 200


async def standing(service: Service, order_id: UUID) -> tuple[str, str]:
    """Return the status of an order and of its one notification."""
    found = await shipment(service, order_id)
    (line,) = found["recipients"]
    return found["status"], line["status"]


async def found_by_reference(service: Service, reference: str) -> list[UUID]:
    """Return the ids of orders by reference: how a caller learns of one that was answered 503."""
    found = await service.document("/orders", params={"sendersReference": reference})
    return [UUID(order["id"]) for order in found["orders"]]


def assert_not_handed_over(answer: Any) -> None:
    """Hold an answer to the 503 of api.md 1.8."""
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    assert problem.pop("traceId")
    assert problem == {
        "type": "urn:altinn:error:NOT-00004",
        "title": "A temporary network failure occurred",
        "status": 503,
        "code": "NOT-00004",
        "statusDescription": "Service Unavailable",
    }


async def test_an_instant_sms_is_at_the_gateway_before_the_answer(service: Service, gateway: LinkGateway) -> None:
    """The text as written, the default sender for a blank one, the caller's time to live; `Order_Processed` at once."""
    body = instant_sms("0047 99 99 99 99", seconds=61)
    body["recipientSms"]["smsSettings"] = {"body": "Koden er 123456 \n", "sender": " "}

    told = await placed(service, body, INSTANT_SMS_PATH)

    (message,) = sent(gateway)
    assert (message["RCV"], message["SND"], message["TEXT"]) == ("4799999999", "Altinn", "Koden er 123456 \n")
    assert message["TTL"] == "2"  # whole minutes, rounded up
    assert await standing(service, told.main) == ("Order_Processed", "SMS_Accepted")
    order = await service.document(f"/orders/{told.main}")
    assert order["smsTemplate"] == {"senderNumber": "Altinn", "body": "Koden er 123456 \n"}
    assert (order["requestedSendTime"], order["notificationChannel"]) == (order["created"], "Sms")
    assert (await shipment(service, told.main))["type"] == "Instant"


async def test_an_instant_email_leaves_as_written(service: Service, mail: RealServer) -> None:
    """Newlines of the subject are not replaced in what is stored (api.md 3.12); the night does not matter."""
    service.rig.hand.turn(timedelta(hours=11))
    body = instant_email("kari")
    body["recipientEmail"]["emailSettings"] = {"subject": "Your\ncode", "body": "<b>1</b>", "contentType": "html"}

    told = await placed(service, body, INSTANT_EMAIL_PATH)

    assert [each.rcpt_to for each in mail.received] == ["kari@example.com"]
    assert await standing(service, told.main) == ("Order_Processed", "Email_Succeeded")
    order = await service.document(f"/orders/{told.main}")
    assert order["emailTemplate"] == {
        "fromAddress": "noreply@altinn.cloud",
        "subject": "Your\ncode",
        "body": "<b>1</b>",
        "contentType": "Html",
    }


async def test_an_instant_email_lives_as_long_as_the_setting_says(pool: Pool, tmp_path: Path) -> None:
    """The same setting as for ordinary e-mails; the contract's 48 hours are its default."""
    async with running_service(pool, tmp_path, notification_lifetime=timedelta(hours=3)) as service:
        told = await placed(service, instant_email("never-reported"), INSTANT_EMAIL_PATH)
        await service.rig.work(after=timedelta(hours=3) + GRACE - timedelta(seconds=1))
        assert await standing(service, told.main) == ("Order_Processed", "Email_Succeeded")
        await service.rig.work(after=timedelta(seconds=1))
        assert await standing(service, told.main) == ("Order_Completed", "Email_Failed_TTL")


async def test_the_older_form_sends_the_same(service: Service, gateway: LinkGateway) -> None:
    told = await placed(
        service,
        {"idempotencyId": "1", "recipient": {"recipientSms": instant_sms(NUMBER)["recipientSms"]}},
        INSTANT_PATH,
    )
    assert [message["RCV"] for message in sent(gateway)] == ["4799999999"]
    assert (await service.put(f"/orders/{told.main}/cancel")).status_code == 409


async def test_a_report_that_comes_late_completes_the_order(service: Service, gateway: LinkGateway) -> None:
    """Long after the 201, but before its time has run out; then another that comes too late to change anything."""
    told = await placed(service, instant_sms(NUMBER, seconds=172_800), INSTANT_SMS_PATH)
    await service.rig.work(after=timedelta(hours=47))
    assert await feed(service) == []

    await report(service, "DELIVRD")
    await service.rig.work()
    await report(service, "UNDELIV")
    await service.rig.work()

    assert await standing(service, told.main) == ("Order_Completed", "SMS_Delivered")
    (entry,) = await feed(service)
    assert (entry["shipmentId"], entry["shipmentType"], entry["lastUpdate"]) == (
        str(told.main),
        "Instant",
        "2026-06-17T09:00:00Z",
    )
    assert len(sent(gateway)) == 1


async def test_a_report_after_the_time_to_live_shows_in_the_shipment_but_not_in_the_feed(service: Service) -> None:
    told = await placed(service, instant_sms(NUMBER, seconds=60), INSTANT_SMS_PATH)
    await service.rig.work(after=timedelta(seconds=59) + GRACE)
    assert await standing(service, told.main) == ("Order_Processed", "SMS_Accepted")
    await service.rig.work(after=timedelta(seconds=1))
    assert await standing(service, told.main) == ("Order_Completed", "SMS_Failed_TTL")
    before = await feed(service)

    await report(service, "DELIVRD")
    await service.rig.work()

    assert await standing(service, told.main) == ("Order_Completed", "SMS_Delivered")
    assert await feed(service) == before
    assert [entry["recipients"][0]["status"] for entry in before] == ["SMS_Failed_TTL"]


FINAL_REFUSALS = {Reply.INVALID_RCV: "SMS_Failed_InvalidRecipient", Reply.REFUSED: "SMS_Failed"}
MOMENTARY_REFUSALS = [Reply.REDIRECT, Reply.HTTP_404, Reply.HTTP_429, Reply.HTTP_503, Reply.LOGON_FAIL]
LONG_ENOUGH = timedelta(minutes=10)
"""Until a gateway that is left alone after failures is asked again."""


@pytest.mark.parametrize(
    ("path", "form"),
    [(INSTANT_SMS_PATH, "recipientSms"), (INSTANT_PATH, "recipient")],
    ids=["instant/sms", "instant"],
)
@pytest.mark.parametrize("refusal", FINAL_REFUSALS)
async def test_what_the_gateway_refuses_for_good_is_201_and_its_order_says_so(
    service: Service, gateway: LinkGateway, refusal: Reply, path: str, form: str
) -> None:
    """A client that repeats on 503 would never stop; so the refusal is an answer like any other."""
    gateway.script.append(refusal)
    details = instant_sms(NUMBER)["recipientSms"]
    recipient = {form: details if form == "recipientSms" else {"recipientSms": details}}
    body = {"idempotencyId": "1", "sendersReference": "login", **recipient}

    told = await placed(service, body, path)

    assert await standing(service, told.main) == ("Order_Completed", FINAL_REFUSALS[refusal])
    await service.rig.work()
    (entry,) = await feed(service)
    assert entry["recipients"][0]["status"] == FINAL_REFUSALS[refusal]
    again = await place(service, path, body)
    assert (again.status_code, Placed.told_by(again)) == (200, told)
    assert len(sent(gateway)) == 1
    await assert_counters_are_true(service.rig.pool)
    await assert_nothing_is_held(service.rig.pool)


@pytest.mark.parametrize("refusal", MOMENTARY_REFUSALS)
async def test_what_the_gateway_refuses_for_a_moment_is_201_and_tried_again(
    service: Service, gateway: LinkGateway, refusal: Reply
) -> None:
    gateway.script.append(refusal)

    told = await placed(service, instant_sms(NUMBER, seconds=3_600), INSTANT_SMS_PATH)

    assert await standing(service, told.main) == ("Order_Processed", "SMS_New")
    await service.rig.work(after=LONG_ENOUGH)
    assert await standing(service, told.main) == ("Order_Processed", "SMS_Accepted")
    first, second = sent(gateway)
    assert (first["TTL"], second["TTL"]) == ("60", "50")  # minutes that are left of the caller's hour
    await report(service, "DELIVRD")
    await service.rig.work()
    assert await standing(service, told.main) == ("Order_Completed", "SMS_Delivered")
    await assert_nothing_is_held(service.rig.pool)


async def test_what_is_refused_for_longer_than_it_lives_expires(service: Service, gateway: LinkGateway) -> None:
    gateway.script.extend([Reply.HTTP_503] * 100)

    told = await placed(service, instant_sms(NUMBER, seconds=3_600), INSTANT_SMS_PATH)
    for _ in range(7):
        await service.rig.work(after=LONG_ENOUGH)

    assert await standing(service, told.main) == ("Order_Completed", "SMS_Failed_TTL")
    await assert_nothing_is_held(service.rig.pool)


SMTP_FINAL = {
    ("RCPT", "kari", "550 5.1.1 no such user"): "Email_Failed_Bounced",
    ("RCPT", "kari", "553 5.1.3 bad address"): "Email_Failed_InvalidFormat",
    ("DATA", "kari", "554 5.7.1 spam"): "Email_Failed_FilteredSpam",
    ("DATA", "kari", "552 5.3.4 too large"): "Email_Failed_PayloadTooLarge",
}
SMTP_MOMENTARY = [
    ("MAIL", "noreply", "451 4.3.0 try again later"),
    ("RCPT", "kari", "421 4.3.2 closing"),
    ("RCPT", "kari", "450 4.2.1 mailbox busy"),
    ("DATA", "kari", "452 4.3.1 out of storage"),
]


@pytest.mark.parametrize("refusal", SMTP_FINAL, ids=lambda refusal: f"{refusal[0]} {refusal[2][:3]}")
async def test_what_a_mail_server_refuses_for_good_is_201_and_its_order_says_so(
    service: Service, mail: RealServer, refusal: tuple[str, str, str]
) -> None:
    stage, fragment, reply = refusal
    mail.refusals[stage, fragment] = reply

    told = await placed(service, instant_email("kari"), INSTANT_EMAIL_PATH)

    assert await standing(service, told.main) == ("Order_Completed", SMTP_FINAL[refusal])
    mail.refusals.clear()
    await service.rig.work(after=LONG_ENOUGH)
    assert mail.received == []
    assert (await place(service, INSTANT_EMAIL_PATH, instant_email("kari"))).status_code == 200
    assert mail.received == []


@pytest.mark.parametrize("refusal", SMTP_MOMENTARY, ids=lambda refusal: f"{refusal[0]} {refusal[2][:3]}")
async def test_what_a_mail_server_refuses_for_a_moment_is_201_and_tried_again(
    service: Service, mail: RealServer, refusal: tuple[str, str, str]
) -> None:
    stage, fragment, reply = refusal
    mail.refusals[stage, fragment] = reply

    told = await placed(service, instant_email("kari"), INSTANT_EMAIL_PATH)

    assert await standing(service, told.main) == ("Order_Processed", "Email_New")
    mail.refusals.clear()
    await service.rig.work(after=LONG_ENOUGH)
    assert [each.rcpt_to for each in mail.received] == ["kari@example.com"]
    assert await standing(service, told.main) == ("Order_Processed", "Email_Succeeded")
    await assert_counters_are_true(service.rig.pool)


async def test_where_nobody_is_reached_the_answer_is_503_and_nothing_is_left(pool: Pool, tmp_path: Path) -> None:
    """The id is free, and neither lists, status nor feed know of an order that no caller was told of."""
    clock = HandTurnedClock(NOON)
    nobody = SmtpProvider(SmtpSettings(host="127.0.0.1", port=closed_port(), security=Security.NONE), clock)
    rig = Rig(pool, FixedDirectory(None), clock=clock, email=nobody)
    async with running_service(pool, tmp_path, rig=rig) as service:
        body = instant_email("kari") | {"sendersReference": "login"}
        for _ in range(3):
            assert_not_handed_over(await place(service, INSTANT_EMAIL_PATH, body))
        await service.rig.work(after=timedelta(days=3))
        assert await found_by_reference(service, "login") == []
        assert await feed(service) == []
        assert await service.stored() == 0
        for table in ("chains", "chunks", "notifications", "notification_log", "feed_waiting"):
            assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table
    await nobody.close()


def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


UNKNOWN = [Reply.DROP, Reply.JUNK, Reply.MISSING_MSG, Reply.HTTP_500, Reply.HTTP_502, Reply.HTTP_504]


@pytest.mark.parametrize("unheard", UNKNOWN)
async def test_an_unknown_outcome_is_503_once_and_then_200_with_the_first_ids(
    service: Service, gateway: LinkGateway, unheard: Reply
) -> None:
    """Nobody knows whether it went out: never sent again, decided by a report or by its time."""
    gateway.script.append(unheard)
    body = instant_sms(NUMBER, seconds=3_600) | {"sendersReference": "login"}

    assert_not_handed_over(await place(service, INSTANT_SMS_PATH, body))
    replayed = await place(service, INSTANT_SMS_PATH, body)

    assert replayed.status_code == 200
    assert [Placed.told_by(replayed).main] == await found_by_reference(service, "login")
    order_id = Placed.told_by(replayed).main
    await service.rig.work(after=timedelta(minutes=59))
    assert await standing(service, order_id) == ("Order_Processed", "SMS_Sending")
    await service.rig.work(after=timedelta(minutes=1) + GRACE)
    assert await standing(service, order_id) == ("Order_Completed", "SMS_Failed_TTL")
    assert len(sent(gateway)) == 1
    await assert_nothing_is_held(service.rig.pool)


@pytest.fixture
def held() -> HeldProvider:
    return HeldProvider()


@pytest.fixture
async def waiting(pool: Pool, tmp_path: Path, held: HeldProvider) -> AsyncIterator[Service]:
    """A service whose provider of e-mail answers when a test says so."""
    rig = Rig(pool, FixedDirectory(None), email=held)
    async with running_service(pool, tmp_path, rig=rig) as running:
        yield running


async def test_the_order_is_stored_before_it_is_dispatched(waiting: Service, held: HeldProvider) -> None:
    """While the provider takes its time the order is there to be read, and an equal request waits for its answer."""
    body = instant_email("kari") | {"sendersReference": "login"}
    first = asyncio.create_task(place(waiting, INSTANT_EMAIL_PATH, body))
    await held.called()

    (order_id,) = await found_by_reference(waiting, "login")
    assert await standing(waiting, order_id) == ("Order_Processed", "Email_Sending")
    equal = asyncio.create_task(place(waiting, INSTANT_EMAIL_PATH, body))
    await waiting.rig.work(after=timedelta(minutes=1))
    assert not equal.done()
    held.answer(Accepted())
    answer = await first
    assert ((await equal).status_code, Placed.told_by(await equal).main) == (200, order_id)

    assert (answer.status_code, Placed.told_by(answer).main) == (201, order_id)
    assert await standing(waiting, order_id) == ("Order_Processed", "Email_Succeeded")
    assert len(held.taken) == 1


async def test_a_caller_who_gives_up_loses_only_the_answer_499(waiting: Service, held: HeldProvider) -> None:
    """The socket is closed while the provider hangs: the message is recorded, and never sent twice."""
    body = instant_email("kari")
    headers = {"Content-Type": "application/json", **waiting.bearer()}
    async with connected(waiting.port) as connection:
        connection.send(request("POST", BASE + INSTANT_EMAIL_PATH, headers, json.dumps(body).encode()))
        await held.called()
    held.answer(Accepted())

    replayed = await place(waiting, INSTANT_EMAIL_PATH, body)
    order_id = Placed.told_by(replayed).main

    assert replayed.status_code == 200
    await until(lambda: is_standing(waiting, order_id, ("Order_Processed", "Email_Succeeded")))
    await waiting.rig.work(after=timedelta(hours=24))
    assert len(held.taken) == 1


async def is_standing(service: Service, order_id: UUID, wanted: tuple[str, str]) -> bool:
    """Tell whether an order and its notification stand so."""
    return await standing(service, order_id) == wanted


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        (Accepted(), ("Order_Processed", "Email_Succeeded")),
        (Transient("450 busy"), ("Order_Processed", "Email_New")),
        (Unknown("lost"), ("Order_Processed", "Email_Sending")),
    ],
)
async def test_a_provider_that_takes_too_long_is_503_and_its_answer_still_counts(
    pool: Pool, tmp_path: Path, held: HeldProvider, outcome: Outcome, wanted: tuple[str, str]
) -> None:
    """Whoever asks before the provider has answered is promised nothing; what it says afterwards is recorded."""
    rig = Rig(pool, FixedDirectory(None), email=held)
    async with running_service(pool, tmp_path, rig=rig, instant_wait=timedelta(milliseconds=500)) as service:
        body = instant_email("kari") | {"sendersReference": "login"}
        assert_not_handed_over(await place(service, INSTANT_EMAIL_PATH, body))
        await held.called()
        (order_id,) = await found_by_reference(service, "login")
        assert await standing(service, order_id) == ("Order_Processed", "Email_Sending")
        assert_not_handed_over(await place(service, INSTANT_EMAIL_PATH, body))

        held.answer(outcome)
        await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM notifications WHERE attempts = 1)"))

        assert await standing(service, order_id) == wanted
        again = await place(service, INSTANT_EMAIL_PATH, body)
        assert (again.status_code, Placed.told_by(again).main) == (200, order_id)
        assert len(held.taken) == 1


async def test_a_request_that_waited_takes_its_turn_when_nobody_was_reached(
    waiting: Service, held: HeldProvider
) -> None:
    first = asyncio.create_task(place(waiting, INSTANT_EMAIL_PATH, instant_email("kari")))
    await held.called()
    second = asyncio.create_task(place(waiting, INSTANT_EMAIL_PATH, instant_email("kari")))

    held.answer(Transient("no connection", reached=False))
    await held.called(2)
    held.answer(Accepted())

    assert_not_handed_over(await first)
    assert (await second).status_code == 201
    assert len(await waiting.rig.pool.fetch("SELECT FROM orders")) == 1


@pytest.fixture(scope="module")
def workers() -> Iterator[DyingWorkers]:
    with DyingWorkers() as started:
        yield started


async def test_sudden_death_at_any_point_never_sends_twice(
    workers: DyingWorkers, pool: Pool, database_url: str, tmp_path: Path
) -> None:
    """`kill -9` after each statement, the sandbox's own (which is the provider's call) among them."""
    told = list[tuple[int, int, str]]()
    survived = False
    rig = Rig(pool, FixedDirectory(None))
    async with running_service(pool, tmp_path, rig=rig, instant_wait=timedelta(milliseconds=500)) as service:
        while not survived:
            await pool.execute("TRUNCATE chains, orders, order_parts, notifications, chunks, sandbox_messages, feed")
            service.rig.hand.turn_to(NOON)
            survived = workers.survives(database_url, NOON, dies_after=len(told) + 1, dispatches=True)
            await until(lambda: nobody_is_connected(pool))
            before = len(await service.rig.kept())

            answer = await place(service, INSTANT_EMAIL_PATH, instant_email("kari", "otp"))
            if answer.status_code == 503:  # for all that anybody knows the hand-over is still open
                service.rig.hand.turn(LONGEST_HAND_OVER)
                answer = await place(service, INSTANT_EMAIL_PATH, instant_email("kari", "otp"))
            await service.rig.work()
            await service.rig.work(after=timedelta(hours=48) + GRACE)

            status, result = await standing(service, Placed.told_by(answer).main)
            after = len(await service.rig.kept())
            assert status == "Order_Completed"
            assert after - before == (1 if answer.status_code == 201 else 0)
            await assert_counters_are_true(pool)
            await assert_nothing_is_held(pool)
            told.append((answer.status_code, after, result))
    assert set(told) == {
        (201, 1, "Email_Delivered"),  # died before anything was stored: the second attempt is the first
        (200, 0, "Email_Failed_TTL"),  # stored, and certainly or not certainly not sent: nobody can tell
        (200, 1, "Email_Failed_TTL"),  # sent, and not recorded
        (200, 1, "Email_Delivered"),
    }
    assert told == sorted(told, key=lambda one: (-one[0], one[1], one[2] != "Email_Failed_TTL"))


async def nobody_is_connected(pool: Pool) -> bool:
    """Tell whether the server has noticed the end of the dead."""
    connected = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"
    return not await pool.fetchval(connected, NAME)


def through(gateway: LinkGateway, database_url: str) -> dict[str, str]:
    """Return the settings of a process that sends SMS through the gateway."""
    return {
        "database_url": database_url,
        "sms_provider": "link",
        "link_endpoint": gateway.url.rstrip("/"),
        "link_username": "varsel",
        "link_password": "synthetic",
    }


async def test_a_service_killed_while_the_gateway_holds_the_message_does_not_send_it_again(
    database_url: str, tmp_path: Path, gateway: LinkGateway
) -> None:
    """The whole process, from outside. For all that the restarted one knows the hand-over is still open."""
    settings = through(gateway, database_url) | {"INSTANT_WAIT": "1s"}
    body = instant_sms(NUMBER) | {"sendersReference": "login"}
    gateway.script.append(Reply.HOLD)
    async with varsel_serve(tmp_path, **settings) as service:
        posting = asyncio.create_task(service.client.post(BASE + INSTANT_SMS_PATH, json=body))
        await gateway.wait_for(lambda: gateway.in_flight == 1)
        assert await service.ended(signal.SIGKILL) == -signal.SIGKILL
        await asyncio.gather(posting, return_exceptions=True)

    async with varsel_serve(tmp_path, **settings) as service:
        replayed = await service.client.post(BASE + INSTANT_SMS_PATH, json=body)
        found = await service.client.get(f"{BASE}/orders?sendersReference=login")
        (order,) = found.json()["orders"]
        shipment = await service.client.get(f"{BASE}/future/shipment/{order['id']}")
        fresh = await service.client.post(BASE + INSTANT_SMS_PATH, json=instant_sms(NUMBER, "another"))
    assert_not_handed_over(replayed)
    assert shipment.json()["recipients"][0]["status"] == "SMS_Sending"
    assert fresh.status_code == 201
    assert len(sent(gateway)) == 2


STANDING = "SELECT result, reference, attempts FROM notifications"


async def test_a_service_told_to_stop_waits_for_the_word_of_a_slow_gateway(
    database_url: str, tmp_path: Path, gateway: LinkGateway
) -> None:
    """The caller has given up long ago and nobody is let in any more; what the gateway says then is recorded."""
    gateway.script.append(Reply.HOLD)
    settings = through(gateway, database_url) | {"roles": "api", "instant_wait": "1s"}
    async with varsel_serve(tmp_path, Log.KEPT, **settings) as service:
        assert_not_handed_over(await service.client.post(BASE + INSTANT_SMS_PATH, json=instant_sms(NUMBER)))
        service.process.send_signal(signal.SIGTERM)
        await service.logs("waiting for the outcomes of 1 instant messages")
        assert await nobody_listens(service.client.base_url.port)
        gateway.release()
        assert await service.process.wait() == 0

    assert await fetch(database_url, STANDING) == [(Result.SMS_ACCEPTED, FIRST_REFERENCE, 1)]


async def test_a_service_told_to_stop_does_not_wait_for_ever(
    database_url: str, tmp_path: Path, gateway: LinkGateway
) -> None:
    """A gateway that says nothing is given up; the message stays under way until its time has run out."""
    gateway.script.append(Reply.HANG)
    settings = through(gateway, database_url) | {"roles": "api", "instant_wait": "1s", "shutdown_wait": "0s"}
    async with varsel_serve(tmp_path, Log.KEPT, **settings) as service:
        assert_not_handed_over(await service.client.post(BASE + INSTANT_SMS_PATH, json=instant_sms(NUMBER)))
        service.process.send_signal(signal.SIGTERM)
        await service.logs("1 instant messages were still under way at the end")
        assert await service.process.wait() == 0

    assert await fetch(database_url, STANDING) == [(Result.SMS_NEW, None, 0)]


async def nobody_listens(port: int | None) -> bool:
    """Tell whether a server has closed its door."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
