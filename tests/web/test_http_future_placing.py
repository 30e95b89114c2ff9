"""Chains and composed e-mails as they are placed, read back and cancelled (api.md 3.9, 3.10; checklist 6.3)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.future_bodies import EMAIL, EXTERNAL, SMS, changed
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.placing import (
    BODIES,
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    Placed,
    organization,
    person,
    place,
    placed,
    shipment,
    to_email,
)
from tests.support.raw_http import connected, request
from tests.support.service import BASE, Service, running_service, write_directory
from tests.support.until import until
from varsel.storage.pool import Pool

KNOWN, RESERVED, STALE, UNKNOWN = "16069412345", "26069412346", "12345678901", "06069412347"
ORGANISATION, THROUGH_USERS = "310123456", "310987654"
DIRECTORY: dict[str, Any] = {
    "persons": [
        {"nationalIdentityNumber": KNOWN, "email": "kari@example.com"},
        {"nationalIdentityNumber": RESERVED, "isReserved": True, "email": "r@example.com"},
        {"nationalIdentityNumber": STALE, "isStale": True, "mobileNumber": "+4799999999"},
    ],
    "organizations": [
        {"organizationNumber": ORGANISATION, "emails": ["a@example.com", "b@example.com"]},
        {"organizationNumber": THROUGH_USERS, "users": [{"userId": 1, "email": "u@example.com"}]},
    ],
    "externalIdentities": [{"externalIdentity": "urn:altinn:party:username:kari", "email": "x@example.com"}],
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    write_directory(tmp_path, DIRECTORY)


async def test_a_chain_is_answered_with_its_ids_in_the_order_of_the_request(service: Service) -> None:
    reminders = [
        {"delayDays": 7, "recipient": EMAIL, "sendersReference": "r1"},
        {"delayDays": 1, "recipient": SMS},
        {"delayDays": 3, "recipient": EMAIL, "sendersReference": " "},
    ]
    answer = await place(service, CHAIN_PATH, CHAIN | {"sendersReference": "main", "reminders": reminders})
    told = Placed.told_by(answer)

    assert answer.status_code == 201
    assert answer.json() == {
        "notificationOrderId": str(told.chain_id),
        "notification": {
            "shipmentId": str(told.main),
            "sendersReference": "main",
            "reminders": [
                {"shipmentId": str(told.reminders[0]), "sendersReference": "r1"},
                {"shipmentId": str(told.reminders[1])},
                {"shipmentId": str(told.reminders[2]), "sendersReference": " "},
            ],
        },
    }
    assert len({told.chain_id, told.main, *told.reminders}) == 5
    assert [(await shipment(service, order_id))["type"] for order_id in told.reminders] == ["Reminder"] * 3


async def test_without_reminders_and_references_neither_is_told(service: Service) -> None:
    ways: list[dict[str, Any]] = [{}, {"reminders": None}, {"reminders": [], "sendersReference": None}]
    for number, none in enumerate(ways):
        body = {"idempotencyId": str(number), "recipient": EMAIL, **none}
        answer = await place(service, CHAIN_PATH, body)
        assert answer.json()["notification"].keys() == {"shipmentId"}


async def test_an_order_of_a_chain_reads_back_with_its_defaults(service: Service) -> None:
    """Trimmed senders, subject on one line, settings of both channels, the URN prefix kept."""
    recipient = person(
        KNOWN,
        "smspreferred",
        resourceId="urn:altinn:resource:app_ttd_letters",
        emailSettings={
            "subject": "a\r\nb\nc",
            "body": "x\ny",
            "senderEmailAddress": " n@example.no ",
            "contentType": 1,
        },
        smsSettings={"body": "Text", "sender": "  "},
    )
    told = await placed(service, CHAIN | {"recipient": recipient, "conditionEndpoint": "http://localhost/c"})

    order = await service.document(f"/orders/{told.main}")

    assert order.pop("links")["self"].endswith(str(told.main))
    assert order == {
        "id": str(told.main),
        "sendersReference": "case-42",
        "requestedSendTime": "2026-06-15T10:00:00Z",
        "creator": "ttd",
        "created": "2026-06-15T10:00:00Z",
        "notificationChannel": "SmsPreferred",
        "ignoreReservation": False,
        "resourceId": "urn:altinn:resource:app_ttd_letters",
        "conditionEndpoint": "http://localhost/c",
        "recipients": [{"nationalIdentityNumber": KNOWN}],
        "emailTemplate": {"fromAddress": "n@example.no", "subject": "a b c", "body": "x\ny", "contentType": "Html"},
        "smsTemplate": {"senderNumber": "Altinn", "body": "Text"},
    }


async def test_other_recipients_read_back_as_they_were_given(service: Service) -> None:
    """An external identity is `{}`, and only a person says whether reservations are ignored."""
    for number, (recipient, shown, channel) in enumerate(
        [
            (to_email("Kari"), {"emailAddress": "Kari@example.com"}, "Email"),
            (changed(SMS, "recipientSms.phoneNumber", "0047 99 99 99 99"), {"mobileNumber": "0047 99 99 99 99"}, "Sms"),
            (organization(ORGANISATION), {"organizationNumber": ORGANISATION}, "EmailPreferred"),
            (EXTERNAL, {}, "EmailAndSms"),
        ]
    ):
        told = await placed(service, CHAIN | {"idempotencyId": str(number), "recipient": recipient})
        order = await service.document(f"/orders/{told.main}")
        assert order["recipients"] == [shown]
        assert order["notificationChannel"] == channel
        assert "ignoreReservation" not in order


async def test_a_composed_order_shows_no_attachments(service: Service) -> None:
    told = await placed(service, COMPOSED, COMPOSED_PATH)
    order = await service.document(f"/orders/{told.main}")
    assert "blob.core.windows.net" not in json.dumps(order)
    assert (order["notificationChannel"], order["emailTemplate"]["subject"]) == ("Email", "New letter")
    assert (await shipment(service, told.main))["type"] == "Composed"
    assert told.reminders == ()


UNREACHABLE = [
    person(UNKNOWN),
    person(STALE),
    person(KNOWN, "Sms"),
    organization(THROUGH_USERS, resourceId="urn:altinn:resource:x"),
    organization(ORGANISATION, "Sms"),
]


async def test_who_cannot_be_reached_is_422_and_nothing_is_stored(service: Service) -> None:
    """For main and for reminder; of organisations only official addresses count (api.md 5, items 19 and 34)."""
    for recipient in UNREACHABLE:
        for body in (
            CHAIN | {"recipient": recipient},
            CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}, {"delayDays": 2, "recipient": recipient}]},
        ):
            assert_missing_contact(await place(service, CHAIN_PATH, body))
    assert await service.stored() == 0
    assert await service.rig.pool.fetchval("SELECT count(*) FROM chains") == 0


def assert_missing_contact(answer: httpx.Response) -> None:
    """Hold an answer to the 422 of api.md 1.8."""
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    assert problem.pop("traceId")
    assert problem == {
        "type": "urn:altinn:error:NOT-00001",
        "title": "Missing contact information for recipient(s)",
        "status": 422,
        "code": "NOT-00001",
        "statusDescription": "Unprocessable Entity",
    }


async def test_an_id_is_free_again_after_422(service: Service, tmp_path: Path) -> None:
    """Replay after 422 -> 201 (api.md 5, item 18)."""
    body = CHAIN | {"recipient": person(UNKNOWN)}
    assert (await place(service, CHAIN_PATH, body)).status_code == 422
    write_directory(tmp_path, {"persons": [{"nationalIdentityNumber": UNKNOWN, "email": "late@example.com"}]})
    assert (await place(service, CHAIN_PATH, body)).status_code == 201


async def test_reserved_is_not_missing(service: Service) -> None:
    told = await placed(service, CHAIN | {"recipient": person(RESERVED)})
    ignored = person(RESERVED, ignoreReservation=True)
    notified = await placed(service, CHAIN | {"idempotencyId": "2", "recipient": ignored})

    await service.rig.work()

    (line,) = (await shipment(service, told.main))["recipients"]
    assert (line["destination"], line["status"]) == ("", "Email_Failed_RecipientReserved")
    (line,) = (await shipment(service, notified.main))["recipients"]
    assert (line["destination"], line["status"]) == ("r@example.com", "Email_Delivered")


async def test_the_tax_authority_uses_stale_contacts_in_all_its_orders(service: Service) -> None:
    """`skd` override (any case): for the main notification and every reminder (api.md 5, item 32)."""
    recipient = person(STALE, "SmsPreferred", useStaleContactInformation=False)
    body = CHAIN | {"recipient": recipient, "reminders": [{"delayDays": 1, "recipient": recipient}]}
    told = {org: await placed(service, body, org=org) for org in ("skd", "SKD", "Skd")}
    assert_missing_contact(await place(service, CHAIN_PATH, body))  # of ttd

    await service.rig.work()
    await service.rig.work(after=timedelta(days=1))

    for org, chain in told.items():
        for order_id in (chain.main, *chain.reminders):
            (line,) = (await shipment(service, order_id, org=org))["recipients"]
            assert (line["destination"], line["status"]) == ("+4799999999", "SMS_Delivered")


async def test_who_asks_for_stale_contacts_gets_them(service: Service) -> None:
    asked = person(STALE, "SmsPreferred", useStaleContactInformation=True)
    body = CHAIN | {"recipient": asked, "reminders": [{"delayDays": 1, "recipient": person(STALE)}]}
    assert (await place(service, CHAIN_PATH, body)).status_code == 422  # the reminder does not ask
    assert (await place(service, CHAIN_PATH, CHAIN | {"recipient": asked})).status_code == 201


async def test_reminder_times_are_multiples_of_24_hours_across_the_change_of_the_clocks(service: Service) -> None:
    """Norway sets its clocks back on 25 October 2026: noon in Oslo becomes 11 o'clock there."""
    reminders = [
        {"delayDays": 1, "recipient": EMAIL},
        {"delayDays": 14, "recipient": EMAIL},
        {"requestedSendTime": "2026-06-15T12:00:00.1234567+02:00", "recipient": EMAIL},  # before the main notification
    ]
    body = CHAIN | {"requestedSendTime": "2026-10-24T12:00:00.0000001+02:00", "reminders": reminders}
    told = await placed(service, body)

    times = [
        (await service.document(f"/orders/{order_id}"))["requestedSendTime"]
        for order_id in (told.main, *told.reminders)
    ]

    assert times == [
        "2026-10-24T10:00:00.0000001Z",
        "2026-10-25T10:00:00.0000001Z",
        "2026-11-07T10:00:00.0000001Z",
        "2026-06-15T10:00:00.1234567Z",
    ]


async def test_reminders_inherit_nothing_and_are_found_by_their_own_reference(service: Service) -> None:
    """GET orders by reference; creator and dialog apart (processing.md 1.2)."""
    body = CHAIN | {
        "sendersReference": "main",
        "conditionEndpoint": "https://example.no/",
        "dialogportenAssociation": {"dialogId": "d", "transmissionId": "t"},
        "reminders": [
            {"delayDays": 1, "recipient": EMAIL, "sendersReference": "own"},
            {"delayDays": 2, "recipient": EMAIL},
        ],
    }
    told = await placed(service, body)

    for reference, order_id in (("main", told.main), ("own", told.reminders[0])):
        found = await service.document("/orders", params={"sendersReference": reference})
        assert [order["id"] for order in found["orders"]] == [str(order_id)]
    bare = await service.document(f"/orders/{told.reminders[1]}")
    assert {"sendersReference", "conditionEndpoint"} & bare.keys() == set()
    assert (await service.status(told.reminders[0]))["processingStatus"]["status"] == "Registered"


async def test_every_order_of_the_newer_interface_is_found_by_its_own_reference(service: Service) -> None:
    """6.3 GET orders by reference: chains, composed and instant, on its own and together with others that share it."""
    told = dict[str, UUID]()
    for shared in (False, True):
        for number, path in enumerate(BODIES):
            reference = "shared" if shared else f"own {number}"
            body = BODIES[path] | {"idempotencyId": f"{number} {shared}", "sendersReference": reference}
            told[f"{reference} {number}"] = order_id = (await placed(service, body, path)).main
            found = await service.document("/orders", params={"sendersReference": reference})
            assert found["count"] == (number + 1 if shared else 1)
            assert str(order_id) in {order["id"] for order in found["orders"]}
            assert {order["sendersReference"] for order in found["orders"]} == {reference}
            shown = await service.document(f"/orders/{order_id}")
            assert shown in found["orders"]
    assert len(set(told.values())) == 2 * len(BODIES)
    nobody = await service.document("/orders", org="skd", params={"sendersReference": "shared"})
    assert nobody == {"count": 0, "orders": []}


async def test_main_and_reminders_are_cancelled_one_by_one(service: Service) -> None:
    """api.md 3.4 and 5, items 15 and 21: an order without a send time can never be cancelled, its reminder can."""
    at_once = await placed(service, CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}] * 2})
    later = {"idempotencyId": "2", "requestedSendTime": "2026-06-15T10:06:00Z"}
    in_six = await placed(service, CHAIN | later | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]})
    composed = await placed(service, COMPOSED | {"requestedSendTime": "2026-06-15T10:04:59Z"}, COMPOSED_PATH)

    for order_id, status in [
        (at_once.main, 409),
        (at_once.reminders[0], 200),
        (in_six.main, 200),
        (in_six.main, 200),
        (composed.main, 409),
        (at_once.chain_id, 404),
    ]:
        assert (await service.put(f"/orders/{order_id}/cancel")).status_code == status

    assert await statuses(service, at_once) == ["Order_Registered", "Order_Cancelled", "Order_Registered"]
    assert await statuses(service, in_six) == ["Order_Cancelled", "Order_Registered"]
    assert (await service.put(f"/orders/{in_six.reminders[0]}/cancel", org="skd")).status_code == 404


async def statuses(service: Service, told: Placed) -> list[str]:
    """Read the statuses of all orders of a chain."""
    return [(await shipment(service, order_id))["status"] for order_id in (told.main, *told.reminders)]


async def test_a_chain_of_very_many_reminders_is_stored_whole(service: Service) -> None:
    """There is no maximum number; recipients that are alike are looked up once."""
    reminders = [{"delayDays": day, "recipient": person(KNOWN)} for day in range(1, 1_201)]
    told = await placed(service, CHAIN | {"recipient": person(KNOWN), "reminders": reminders})
    assert len(set(told.reminders)) == 1_200
    last = await service.document(f"/orders/{told.reminders[-1]}")
    assert last["requestedSendTime"] == "2029-09-27T10:00:00Z"
    replayed = await place(service, CHAIN_PATH, CHAIN | {"recipient": person(KNOWN), "reminders": reminders})
    assert (replayed.status_code, Placed.told_by(replayed)) == (200, told)
    lacking_one = [*reminders, {"delayDays": 1, "recipient": person(UNKNOWN)}]
    other = CHAIN | {"idempotencyId": "2", "recipient": person(KNOWN), "reminders": lacking_one}
    assert (await place(service, CHAIN_PATH, other)).status_code == 422


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """Send a body bit by bit, so that its size is not announced."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


async def test_bodies_of_unannounced_size_are_taken_small_and_large(service: Service) -> None:
    """Many callers announce no size (RFC 9112, section 7.1); only a large body then waits for a place."""
    reminders = [{"delayDays": 1, "recipient": EMAIL}] * 1_000

    headers = service.bearer() | {"Content-Type": "application/json"}
    for number, more in enumerate(({}, {"reminders": reminders})):
        body = json.dumps(CHAIN | {"idempotencyId": str(number)} | more).encode()
        answer = await service.client.post(BASE + CHAIN_PATH, content=pieces(body), headers=headers)
        assert answer.status_code == 201
        assert len(Placed.told_by(answer).reminders) == len(more.get("reminders", []))


async def test_small_bodies_pass_while_a_large_one_takes_its_time(pool: Pool, tmp_path: Path) -> None:
    """Few large bodies are read at once; who announces no size waits only if much comes."""
    json_type = {"Content-Type": "application/json"}
    async with running_service(pool, tmp_path, http_big_body=40_000, http_max_big_bodies=1) as service:
        headers = json_type | service.bearer()
        async with connected(service.port) as slow:
            slow.send(request("POST", BASE + CHAIN_PATH, headers | {"Content-Length": "50000"}), b"{")
            await slow.sent()
            assert (await place(service, CHAIN_PATH, CHAIN)).status_code == 201
            small = pieces(json.dumps(CHAIN).encode())
            assert (await service.client.post(BASE + CHAIN_PATH, content=small, headers=headers)).status_code == 200
            large = pieces(json.dumps(CHAIN | {"idempotencyId": "large", "unknown": "x" * 40_000}).encode())
            waiting = asyncio.create_task(service.client.post(BASE + CHAIN_PATH, content=large, headers=headers))
            assert (await place(service, CHAIN_PATH, CHAIN)).status_code == 200
            assert not waiting.done()
        assert (await waiting).status_code == 201


async def test_a_body_that_does_not_arrive_whole_stores_nothing_499(service: Service) -> None:
    """What came would do, but more was announced. Nobody is left to read a 499 (api.md 1.8)."""
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE]) | {"Content-Type": "application/json"}
    for path in BODIES:
        body = json.dumps(BODIES[path] | {"idempotencyId": path}).encode()
        async with connected(service.port) as connection:
            announced = {"Content-Length": str(len(body) + 1)}
            connection.send(request("POST", BASE + path, headers | announced, body, counted=False))
            await connection.sent()
    for path in BODIES:
        assert (await place(service, path, BODIES[path] | {"idempotencyId": path})).status_code == 201


async def test_a_caller_who_leaves_while_a_chain_is_stored_finds_it_whole_or_not_at_all_499(service: Service) -> None:
    body = CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}] * 3}
    written = json.dumps(body).encode()
    pool = service.rig.pool
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE orders IN EXCLUSIVE MODE")
        async with connected(service.port) as connection:
            connection.send(
                request("POST", BASE + CHAIN_PATH, {"Content-Type": "application/json"} | service.bearer(), written)
            )
            await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
    await until(lambda: pool.fetchval("SELECT EXISTS (SELECT FROM chains)"))

    replayed = await place(service, CHAIN_PATH, body)

    assert replayed.status_code == 200
    assert await statuses(service, Placed.told_by(replayed)) == ["Order_Registered"] * 4


async def test_orders_of_others_are_shipments_of_nobody(service: Service) -> None:
    told = await placed(service, CHAIN | {"reminders": [{"delayDays": 1, "recipient": EMAIL}]}, org="skd")
    answers = await asyncio.gather(
        *(service.get(path) for order_id in (told.main, *told.reminders) for path in paths_of(order_id))
    )
    assert {answer.status_code for answer in answers} == {404}


def paths_of(order_id: UUID) -> list[str]:
    """Return every path at which an order can be read."""
    lists = [f"/orders/{order_id}/notifications/{channel}" for channel in ("email", "sms")]
    return [f"/future/shipment/{order_id}", f"/orders/{order_id}", f"/orders/{order_id}/status", *lists]
