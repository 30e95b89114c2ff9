"""From what an order says to what is sent: directories, conditions and placeholders, end to end."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.directories import FragileDirectory, HeldDirectory
from tests.support.lanes import processor
from tests.support.orders import emails, make_order, many
from tests.support.rig import LEASE, NOON, Rig, crew_options
from tests.support.slow_directory import SlowDirectory
from tests.support.truths import assert_counters_are_true, assert_nothing_is_held
from tests.support.until import until
from varsel.contacts.sparing import Gathering, SparingDirectory, SparingOptions
from varsel.model.clock import HandTurnedClock, SystemClock
from varsel.model.orders import (
    EmailText,
    NotificationChannel,
    OrderStatus,
    OrderTexts,
    Recipient,
    SendingTimePolicy,
    SmsText,
)
from varsel.model.results import Channel, Result
from varsel.outgoing.verdict import Inconclusive, Met, NotMet, Verdict
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool
from varsel.workers.loop import Hint

KARI, OLA, PER, STRANGER, COMPANY = "16069412345", "10987654321", "12345678901", "00000000000", "310123456"
SELF = "urn:altinn:person:idporten-email:self@example.com"
DIRECTORY = {
    "persons": [
        {
            "nationalIdentityNumber": KARI,
            "name": "Kari Nordmann",
            "email": "kari@example.com",
            "mobileNumber": "99999991",
        },
        {
            "nationalIdentityNumber": OLA,
            "name": "Ola Nordmann",
            "isReserved": True,
            "email": "ola@example.com",
            "mobileNumber": "+4799999992",
        },
        {"nationalIdentityNumber": PER, "mobileNumber": "+4799999993"},
    ],
    "externalIdentities": [{"externalIdentity": SELF, "email": "self@example.com", "mobileNumber": "+4799999994"}],
    "organizations": [
        {
            "organizationNumber": COMPANY,
            "name": "Eksempel AS",
            "emails": ["post@example.com"],
            "mobileNumbers": ["+4740000001"],
            "users": [
                {"userId": 1, "email": "leder@example.com", "resources": ["my-resource"]},
                {"userId": 2, "mobileNumber": "+4740000000", "resources": ["my-resource"]},
                {"userId": 3, "email": "other@example.com", "resources": ["other-resource"]},
            ],
        }
    ],
}

Email, Sms, EmailPreferred, SmsPreferred, EmailAndSms = NotificationChannel
SENT, RESERVED, UNKNOWN = "Delivered", "Failed_RecipientReserved", "Failed_RecipientNotIdentified"
kari_mail, kari_sms = ("kari@example.com", SENT), ("+4799999991", SENT)
self_mail, self_sms = ("self@example.com", SENT), ("+4799999994", SENT)
per_sms = ("+4799999993", SENT)
post, leder = ("post@example.com", SENT), ("leder@example.com", SENT)
switchboard, user_sms = ("+4740000001", SENT), ("+4740000000", SENT)
reserved, unknown = ("", RESERVED), ("", UNKNOWN)

kari, ola, per = (Recipient(national_identity_number=number) for number in (KARI, OLA, PER))
stranger, company = Recipient(national_identity_number=STRANGER), Recipient(organization_number=COMPANY)
self_identified = Recipient(external_identity=SELF)


@pytest.fixture
def directory(tmp_path: Path) -> FragileDirectory:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(DIRECTORY), encoding="utf-8")
    return FragileDirectory(path)


@pytest.fixture
def rig(pool: Pool, directory: FragileDirectory) -> Rig:
    return Rig(pool, directory)


# --- who is reached, and how


@pytest.mark.parametrize(
    ("scheme", "recipient", "by_email", "by_sms"),
    [
        (Email, kari, [kari_mail], []),
        (Email, per, [unknown], []),
        (Email, ola, [reserved], []),
        (Email, stranger, [unknown], []),
        (Email, company, [post, leder], []),
        (Email, self_identified, [self_mail], []),
        (Sms, kari, [], [kari_sms]),
        (Sms, per, [], [per_sms]),
        (Sms, ola, [], [reserved]),
        (Sms, stranger, [], [unknown]),
        (Sms, company, [], [switchboard, user_sms]),
        (Sms, self_identified, [], [self_sms]),
        (EmailPreferred, kari, [kari_mail], []),
        (EmailPreferred, per, [], [per_sms]),
        (EmailPreferred, ola, [reserved], []),
        (EmailPreferred, stranger, [unknown], []),
        (EmailPreferred, company, [post, leder], [user_sms]),
        (EmailPreferred, self_identified, [self_mail], []),
        (SmsPreferred, kari, [], [kari_sms]),
        (SmsPreferred, per, [], [per_sms]),
        (SmsPreferred, ola, [], [reserved]),
        (SmsPreferred, stranger, [], [unknown]),
        (SmsPreferred, company, [leder], [switchboard, user_sms]),
        (SmsPreferred, self_identified, [], [self_sms]),
        (EmailAndSms, kari, [kari_mail], [kari_sms]),
        (EmailAndSms, per, [unknown], [per_sms]),
        (EmailAndSms, ola, [reserved], [reserved]),
        (EmailAndSms, stranger, [unknown], [unknown]),
        (EmailAndSms, company, [post, leder], [switchboard, user_sms]),
        (EmailAndSms, self_identified, [self_mail], [self_sms]),
    ],
)
async def test_recipients_are_reached_as_the_scheme_says(
    rig: Rig,
    scheme: NotificationChannel,
    recipient: Recipient,
    by_email: list[tuple[str, str]],
    by_sms: list[tuple[str, str]],
) -> None:
    order = make_order([recipient], NOON, channel=scheme, resource_id="urn:altinn:resource:my-resource")
    await rig.store(order)

    await rig.work()

    for channel, expected in ((Channel.Email, by_email), (Channel.Sms, by_sms)):
        listed = await rig.listed(order.id, channel)
        assert [(line.address, line.result.facts.name) for line in listed] == expected
    sent = [address for address, result in (*by_email, *by_sms) if result == SENT]
    assert sorted(message.recipient for message in await rig.kept()) == sorted(sent)
    assert (await rig.state(order.id)).status is OrderStatus.Completed
    await assert_counters_are_true(rig.pool)
    await assert_nothing_is_held(rig.pool)


async def test_lists_name_whom_the_order_was_addressed_to(rig: Rig) -> None:
    order = await rig.store(make_order([kari, company, self_identified], NOON))
    await rig.work()
    named = [(line.national_identity_number, line.organization_number) for line in await rig.listed(order)]
    assert named == [(KARI, None), (None, COMPANY), (None, None)]


async def test_without_a_resource_users_of_an_organisation_are_left_alone(rig: Rig) -> None:
    order = await rig.store(make_order([company], NOON))
    await rig.work()
    assert [line.address for line in await rig.listed(order)] == ["post@example.com"]


async def test_an_order_with_nobody_to_write_to_is_completed_at_once(rig: Rig, directory: FragileDirectory) -> None:
    order = make_order([ola, stranger], NOON)
    await rig.store(order)

    worker = processor(rig.pool, rig.hand, directory=directory)
    assert await worker.run_once()
    await worker.settle_down()

    state = await rig.state(order.id)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 2, 0)
    assert await rig.pool.fetchval("SELECT count(*) FROM chunks") == 0


async def test_a_reservation_may_be_ignored(rig: Rig) -> None:
    order = await rig.store(make_order([ola], NOON, ignore_reservation=True))
    await rig.work()
    assert [line.address for line in await rig.listed(order)] == ["ola@example.com"]
    assert (await rig.state(order)).email_succeeded == 1


async def test_only_the_last_occurrence_counts_where_schemes_key_by_identifier(rig: Rig) -> None:
    """Positions count through the whole order, across its parts (processing.md 2.6)."""
    order = make_order(many(502), NOON, channel=EmailPreferred, superseded=frozenset({0, 501}))
    await rig.store(order)
    await rig.work()
    addresses = {line.address for line in await rig.listed(order.id)}
    assert len(addresses) == 500
    assert not addresses & {"user0@example.com", "user501@example.com"}


async def test_other_schemes_send_one_for_each_occurrence(rig: Rig) -> None:
    await rig.store(make_order([kari, kari], NOON))
    await rig.work()
    assert [message.recipient for message in await rig.kept()] == ["kari@example.com"] * 2


# --- placeholders

TEMPLATES = OrderTexts(
    email=EmailText("noreply@example.no", "To $recipientName$", "Number: $recipientNumber$."),
    sms=SmsText("Varsel", "To $recipientName$ ($recipientNumber$)"),
)


@pytest.mark.parametrize(
    ("recipient", "subject", "body", "sms"),
    [
        (kari, "To Kari Nordmann", "Number: .", "To Kari Nordmann ()"),
        (company, "To Eksempel AS", f"Number: {COMPANY}.", f"To Eksempel AS ({COMPANY})"),
        (self_identified, "To $recipientName$", "Number: $recipientNumber$.", "To $recipientName$ ($recipientNumber$)"),
    ],
)
async def test_placeholders_are_filled_for_each_recipient(
    rig: Rig, recipient: Recipient, subject: str, body: str, sms: str
) -> None:
    await rig.store(make_order([recipient], NOON, channel=EmailAndSms, texts=TEMPLATES))
    await rig.work()
    kept = {message.channel: message for message in await rig.kept()}
    assert (kept[Channel.Email].subject, kept[Channel.Email].body, kept[Channel.Sms].body) == (subject, body, sms)


async def test_only_texts_that_differ_are_stored_beside_the_notification(rig: Rig) -> None:
    texts = OrderTexts(email=EmailText("noreply@example.no", "To $recipientName$", "The same for all"))
    await rig.store(make_order([kari], NOON, texts=texts))
    await rig.work()
    (row,) = await rig.pool.fetch("SELECT subject, body FROM notifications")
    assert tuple(row) == ("To Kari Nordmann", None)


# --- trouble


async def test_an_order_waits_for_its_directory_and_holds_up_nobody(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI}
    waiting = await rig.store(make_order([kari], NOON))
    lucky = [await rig.store(make_order([recipient], NOON)) for recipient in (*emails("direct"), self_identified)]

    await rig.work()

    assert {(await rig.state(order)).status for order in lucky} == {OrderStatus.Completed}
    assert (await rig.state(waiting)).status is OrderStatus.Processing
    assert await trouble(rig) == "fragile could not answer persons: it answered 503"
    directory.broken_for = set()
    await rig.work(after=timedelta(seconds=59))
    assert (await rig.state(waiting)).status is OrderStatus.Processing
    await rig.work(after=timedelta(seconds=13))
    assert (await rig.state(waiting)).status is OrderStatus.Completed
    assert await trouble(rig) is None
    assert len(await rig.kept()) == 3


async def trouble(rig: Rig) -> str | None:
    """Read the one reason that is given for a delay, if there is any."""
    text: str | None = await rig.pool.fetchval("SELECT max(trouble) FROM orders")
    return text


async def test_the_pauses_grow_up_to_the_longest(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI}
    await rig.store(make_order([kari], NOON))
    pauses = []
    for _ in range(8):
        await rig.work()
        due = await rig.pool.fetchval("SELECT due FROM orders")
        pauses.append((due - rig.hand.now()).total_seconds())
        rig.hand.turn(due - rig.hand.now())

    for pause, least in zip(pauses, (60, 120, 240, 480, 960, 1_920, 3_600, 3_600), strict=True):
        assert least <= pause <= least * 1.2


async def test_an_outage_is_recorded_in_one_statement_and_told_once(
    rig: Rig, directory: FragileDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    """One transaction puts all orders of a claim off, however many there are."""
    directory.broken_for = {KARI}
    for _ in range(5):
        await rig.store(make_order([kari], NOON))

    await rig.work()

    assert await rig.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM orders") == 1
    assert await rig.pool.fetchval("SELECT count(DISTINCT due) FROM orders") == 5
    told = [record.getMessage() for record in caplog.records if "put off" in record.getMessage()]
    assert told == ["5 orders are put off: fragile could not answer persons: it answered 503"]


async def test_names_that_cannot_be_had_put_the_order_off_too(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {COMPANY}
    order = await rig.store(make_order([company], NOON, texts=TEMPLATES))
    await rig.work()
    assert (await rig.state(order)).status is OrderStatus.Processing
    directory.broken_for = set()
    await rig.work(after=timedelta(minutes=2))
    assert [message.subject for message in await rig.kept()] == ["To Eksempel AS"]


async def test_a_defect_met_by_one_order_holds_up_nobody(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for, directory.failure = {KARI}, KeyError("contactPointsList")
    waiting = await rig.store(make_order([kari], NOON))
    lucky = await rig.store(make_order(emails("direct"), NOON))

    await rig.work()

    assert (await rig.state(lucky)).status is OrderStatus.Completed
    assert (await rig.state(waiting)).status is OrderStatus.Processing
    assert await trouble(rig) == "KeyError while expanding it; the log says more"


async def test_a_large_order_goes_on_where_its_directory_failed(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI}
    order = await rig.store(make_order([*many(2_100), kari], NOON))

    await rig.work()

    state = await rig.state(order)
    assert (state.status, state.email_generated) == (OrderStatus.Processing, 2_000)
    await assert_counters_are_true(rig.pool)
    directory.broken_for = set()
    await rig.work(after=timedelta(minutes=2))
    state = await rig.state(order)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 2_101, 2_101)
    assert len({message.recipient for message in await rig.kept()}) == len(await rig.kept()) == 2_101


async def test_a_large_order_does_not_hold_up_the_next(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(DIRECTORY), encoding="utf-8")
    directory, stopping = HeldDirectory(path), asyncio.Event()
    rig = Rig(pool, directory)
    slow = await rig.store(make_order([kari, *many(600)], NOON))
    quick = await rig.store(make_order(many(600), NOON))

    async def is_through() -> bool:
        return (await rig.state(quick)).email_succeeded == 600

    async with asyncio.TaskGroup() as working:
        working.create_task(rig.crew.run(stopping))
        await directory.asked.wait()
        await until(is_through)
        assert (await rig.state(slow)).email_generated == 0
        directory.released.set()
        stopping.set()


async def test_an_order_delayed_past_its_expiry_ends_unsent(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI}
    order = await rig.store(make_order([kari], NOON))
    await rig.work()
    directory.broken_for = set()

    await rig.work(after=timedelta(hours=48, seconds=1))

    assert [line.result for line in await rig.listed(order)] == [Result.EMAIL_FAILED_TTL]
    assert (await rig.state(order)).status is OrderStatus.Completed
    assert await rig.kept() == []


async def test_a_slow_directory_does_not_cost_the_lease(pool: Pool, tmp_path: Path) -> None:
    """Renewal runs by real time, hence the real clock; the other worker looks at the very end of the first lease."""
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(DIRECTORY), encoding="utf-8")
    directory, clock = HeldDirectory(path), SystemClock()
    options = replace(crew_options().process, lease=timedelta(milliseconds=150))
    rig = Rig(pool, directory, clock=clock)
    order = await rig.store(make_order([kari], clock.now()))
    holder = processor(pool, clock, directory=directory, options=options)
    assert await holder.run_once()
    await directory.asked.wait()
    first_end = await pool.fetchval("SELECT due FROM orders")

    async def is_renewed() -> bool:
        return bool(await pool.fetchval("SELECT due > $1 FROM orders", first_end))

    await until(is_renewed)
    assert not await processor(pool, HandTurnedClock(first_end), directory=directory, options=options).run_once()
    directory.released.set()
    await holder.settle_down()
    assert (await rig.state(order)).email_generated == 1


# --- refused, or never answered


@pytest.fixture
def refusing(directory: FragileDirectory) -> SlowDirectory:
    """Refuse whoever is in its `guilty`."""
    return SlowDirectory(directory)


def sparingly(refusing: SlowDirectory) -> SparingDirectory:
    return SparingDirectory(refusing, HandTurnedClock(NOON), SparingOptions(Gathering(quiet=timedelta(0))))


async def trails(rig: Rig) -> list[str | None]:
    """Read the trails of all notifications in the order they were made."""
    return [row["trail"] for row in await rig.pool.fetch("SELECT trail FROM notifications ORDER BY id")]


async def test_who_is_refused_for_himself_is_unknown_and_holds_up_nobody(pool: Pool, refusing: SlowDirectory) -> None:
    rig = Rig(pool, sparingly(refusing))
    refusing.guilty = {STRANGER}
    orders = [await rig.store(make_order([*many(600), kari, recipient], NOON)) for recipient in (stranger, per)]
    alone = await rig.store(make_order([stranger], NOON))

    await rig.work()

    for order in (*orders, alone):
        assert (await rig.state(order)).status is OrderStatus.Completed
    assert (await rig.state(orders[0])).email_succeeded == 601
    assert [line.result for line in await rig.listed(alone)] == [Result.EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED]
    refused = "slow@2026-06-15T10:00Z:refused;Email:nothing"
    assert Counter(await trails(rig))[refused] == 2
    await assert_counters_are_true(pool)


async def test_a_directory_that_refuses_everybody_puts_the_orders_off(pool: Pool, refusing: SlowDirectory) -> None:
    rig = Rig(pool, sparingly(refusing))
    refusing.guilty = {KARI, PER}
    orders = [await rig.store(make_order([recipient], NOON, channel=Sms)) for recipient in (kari, per)]
    await rig.work()
    assert {(await rig.state(order)).status for order in orders} == {OrderStatus.Processing}
    assert await trouble(rig) == "slow could not answer a question: it answered status 400, whoever was asked about"

    refusing.guilty = set()
    await rig.work(after=timedelta(minutes=2))
    assert {(await rig.state(order)).status for order in orders} == {OrderStatus.Completed}
    assert len(await rig.kept()) == 2


@pytest.mark.parametrize("failure", [None, KeyError("contactPointsList")])
async def test_an_order_undecided_past_its_expiry_ends_with_the_reason(
    rig: Rig, directory: FragileDirectory, failure: Exception | None
) -> None:
    directory.broken_for = {KARI}
    directory.failure = failure or directory.failure
    order = await rig.store(make_order([kari, company], NOON))
    await rig.work(after=timedelta(hours=48, seconds=-1))
    assert (await rig.state(order)).status is OrderStatus.Processing

    await rig.work(after=timedelta(hours=2))

    unknown = Result.EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED
    assert [line.result for line in await rig.listed(order)] == [unknown] * 2
    why = "KeyError while expanding it; the log says more" if failure else str(directory.failure)
    assert await trails(rig) == [f"{why};Email:nothing"] * 2
    assert (await rig.state(order)).status is OrderStatus.Completed
    assert await trouble(rig) is None
    await assert_counters_are_true(rig.pool)
    await assert_nothing_is_held(rig.pool)


async def test_past_the_expiry_a_given_address_is_late_and_not_unknown(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI}
    order = await rig.store(make_order([kari, *emails("direct")], NOON))
    await rig.work(after=timedelta(hours=49))
    assert sorted(line.result.facts.name for line in await rig.listed(order)) == [
        "Failed_RecipientNotIdentified",
        "Failed_TTL",
    ]
    assert (await rig.state(order)).status is OrderStatus.Completed
    assert await rig.kept() == []


async def test_daytime_sms_are_given_up_when_they_would_have_expired(rig: Rig, directory: FragileDirectory) -> None:
    """At 18 in Oslo the window is closed: they live until 9 in the morning two days after the next."""
    directory.broken_for = {KARI}
    evening = NOON + timedelta(hours=6)
    order = await rig.store(make_order([kari], evening, channel=Sms, sending_time_policy=SendingTimePolicy.Daytime))
    await rig.work(after=timedelta(hours=6 + 49))
    assert (await rig.state(order)).status is OrderStatus.Processing
    await rig.work(after=timedelta(hours=24))
    assert (await rig.state(order)).status is OrderStatus.Completed


async def test_every_part_of_a_large_order_ends(rig: Rig, directory: FragileDirectory) -> None:
    directory.broken_for = {KARI, PER}
    order = await rig.store(make_order([kari, *many(2_100), per], NOON))
    await rig.work(after=timedelta(hours=49))
    state = await rig.state(order)
    assert (state.status, state.email_generated, state.email_succeeded) == (OrderStatus.Completed, 2_102, 0)


# --- a directory that is slow


@pytest.fixture
def held(tmp_path: Path) -> HeldDirectory:
    path = tmp_path / "held.json"
    path.write_text(json.dumps(DIRECTORY), encoding="utf-8")
    return HeldDirectory(path)


async def test_who_needs_nobody_looked_up_waits_for_nobodys_look_up(pool: Pool, held: HeldDirectory) -> None:
    """Neither in the claim of the slow one nor in later ones."""
    rig, worker = Rig(pool, held), processor(pool, HandTurnedClock(NOON), directory=held)
    slow = await rig.store(make_order([kari], NOON))
    direct = [await rig.store(make_order(emails("same-claim"), NOON))]
    assert await worker.run_once()
    await held.asked.wait()
    direct.append(await rig.store(make_order(emails("next-claim"), NOON)))
    assert await worker.run_once()

    assert {(await rig.state(order)).status for order in direct} == {OrderStatus.Processed}
    assert (await rig.state(slow)).status is OrderStatus.Processing
    held.released.set()
    await worker.settle_down()
    assert (await rig.state(slow)).status is OrderStatus.Processed


async def test_a_large_order_does_not_wait_for_another_ones_look_up(pool: Pool, held: HeldDirectory) -> None:
    rig, worker = Rig(pool, held), processor(pool, HandTurnedClock(NOON), directory=held, queue=Queue.Large)
    slow = await rig.store(make_order([*many(501), kari], NOON))
    direct = await rig.store(make_order(many(501), NOON))
    assert await worker.run_once()
    await held.asked.wait()
    assert await worker.run_once()

    assert (await rig.state(direct)).status is OrderStatus.Processed
    assert (await rig.state(slow)).status is OrderStatus.Processing
    held.released.set()
    await worker.settle_down()
    assert (await rig.state(slow)).email_generated == 502


async def test_look_ups_of_several_claims_share_a_batch(pool: Pool, directory: FragileDirectory) -> None:
    slow = SlowDirectory(directory)
    gathering = Gathering(size=3, quiet=timedelta(hours=1), longest=timedelta(hours=1))
    sparing = SparingDirectory(slow, HandTurnedClock(NOON), SparingOptions(gathering))
    rig, worker = Rig(pool, sparing), processor(pool, HandTurnedClock(NOON), directory=sparing)
    for recipients in ([kari], [ola], [per]):
        await rig.store(make_order(recipients, NOON))
        assert await worker.run_once()
    await worker.settle_down()
    assert slow.asked == [sorted([KARI, OLA, PER])]
    await sparing.close()


async def test_only_so_many_orders_wait_for_directories_at_once(pool: Pool, held: HeldDirectory) -> None:
    """The next is taken up when one has ended, and the worker is nudged to do so."""
    room = Hint()
    rig, worker = Rig(pool, held), processor(pool, HandTurnedClock(NOON), directory=held, queue=Queue.Large, room=room)
    for _ in range(5):
        await rig.store(make_order([*many(501), kari], NOON))
    assert [await worker.run_once() for _ in range(5)] == [True] * 4 + [False]
    nudged = asyncio.create_task(room.wait(timedelta(minutes=1)))
    held.released.set()
    async with asyncio.timeout(10):
        await nudged
    await worker.settle_down()
    assert await worker.run_once()
    await worker.settle_down()
    assert await pool.fetchval("SELECT count(*) FROM orders WHERE status = $1", OrderStatus.Processed) == 5


async def test_orders_whose_expansion_broke_off_are_taken_up_again(
    pool: Pool, directory: FragileDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    rig, clock = Rig(pool, directory), HandTurnedClock(NOON)
    worker = processor(pool, clock, directory=directory)
    order = await rig.store(make_order([kari], NOON))
    await pool.execute("ALTER TABLE notifications RENAME TO elsewhere")
    assert await worker.run_once()
    await worker.settle_down()
    await pool.execute("ALTER TABLE elsewhere RENAME TO notifications")

    clock.turn(LEASE)
    assert await worker.run_once()
    await worker.settle_down()

    assert "processing orders broke off" in caplog.text
    assert (await rig.state(order)).status is OrderStatus.Processed


# --- conditions


class Conditions:
    """Answers send conditions as told, and counts the questions."""

    def __init__(self, *answers: Verdict | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, _url: str, _creator: str) -> Verdict:
        self.asked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


ENDPOINT = "https://example.no/condition"


def conditional(pool: Pool, directory: FragileDirectory, *answers: Verdict | Exception) -> tuple[Rig, Conditions]:
    conditions = Conditions(*answers)
    return Rig(pool, directory, ask_condition=conditions), conditions


async def test_a_condition_that_is_met_lets_the_order_go(pool: Pool, directory: FragileDirectory) -> None:
    rig, conditions = conditional(pool, directory, Met())
    order = await rig.store(make_order(many(2_100), NOON, condition_endpoint=ENDPOINT))
    await rig.work()
    assert (await rig.state(order)).email_succeeded == 2_100
    assert conditions.asked == 1  # once for the order, not for each of its parts


async def test_a_condition_that_is_not_met_ends_the_order(pool: Pool, directory: FragileDirectory) -> None:
    rig, _ = conditional(pool, directory, NotMet())
    order = await rig.store(make_order(emails("kari"), NOON, condition_endpoint=ENDPOINT))
    await rig.work(after=timedelta(minutes=1))
    state = await rig.state(order)
    assert (state.status, state.email_generated) == (OrderStatus.SendConditionNotMet, 0)
    assert state.last_update == NOON + timedelta(minutes=1)
    assert await rig.listed(order) == []
    await assert_nothing_is_held(pool)


@pytest.mark.parametrize("trouble", [Inconclusive("it answered 500"), OSError("a defect of whoever asks")])
async def test_an_undecided_condition_holds_its_order_back_and_no_other(
    pool: Pool, directory: FragileDirectory, trouble: Verdict | Exception
) -> None:
    rig, conditions = conditional(pool, directory, trouble, Met())
    waiting = await rig.store(make_order(emails("kari"), NOON, condition_endpoint=ENDPOINT))
    lucky = await rig.store(make_order(emails("ola"), NOON))

    await rig.work()

    assert (await rig.state(waiting)).status is OrderStatus.Processing
    assert (await rig.state(lucky)).status is OrderStatus.Completed
    assert await pool.fetchval("SELECT trouble FROM orders WHERE id = $1", waiting)
    await rig.work(after=timedelta(minutes=2))
    assert (await rig.state(waiting)).status is OrderStatus.Completed
    assert conditions.asked == 2
