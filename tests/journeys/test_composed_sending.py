"""Composed e-mails from the stored order to a real mail server, their files fetched when they are sent."""

import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage as StdlibMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.support.blob_store import SIGNATURE, BlobStore, Does, loopback_fetching
from tests.support.condition_endpoint import NO, ConditionEndpoint, Says
from tests.support.orders import emails, make_order
from tests.support.placing import COMPOSED_PATH, placed, shipment
from tests.support.placing import feed as read_feed
from tests.support.rig import NOON, Rig, crew_options, send_options
from tests.support.service import Service, running_service
from tests.support.smtp_sending import smtp_provider
from tests.support.smtp_server import RealServer, real_server
from varsel.channels.attachments import AttachingProvider
from varsel.contacts.fixed import FixedDirectory
from varsel.model.orders import Attachment, ContentType, EmailText, Order, OrderStatus, OrderTexts, OrderType
from varsel.model.results import Channel, Result
from varsel.storage import feed, orders
from varsel.storage.orders import Cancellation
from varsel.storage.pool import Pool
from varsel.storage.sandbox import KeptFile

LARGEST_FILES = 180_000
LARGEST_MESSAGE = 200_000
AN_HOUR = timedelta(hours=1)
A_RETRY = timedelta(minutes=10)
"""More than any pause between attempts."""


def composed(*attachments: Attachment, due: datetime = NOON, to: str = "kari") -> Order:
    """Make a composed order; it is registered at noon."""
    text = EmailText("noreply@example.no", "Vedtak på søknad", "Vedtaket ligger ved.", ContentType.Plain)
    texts = OrderTexts(email=text, attachments=attachments)
    return make_order(emails(to), NOON, type=OrderType.Composed, send_at=due, texts=texts)


@dataclass(frozen=True)
class Composing:
    """A crew that sends composed e-mails through a real server, with files out of a store of blobs."""

    rig: Rig
    store: BlobStore
    server: RealServer

    async def result(self, order: UUID) -> Result:
        """Read the result of an order's one notification."""
        (line,) = await self.rig.listed(order)
        return line.result

    async def detail(self, order: UUID) -> str:
        """Read what operators are told about it."""
        return str(await self.rig.pool.fetchval("SELECT detail FROM notifications WHERE order_id = $1", order))

    def arrived(self) -> list[StdlibMessage]:
        """Read what the server took."""
        return [email.message_from_bytes(each.content, policy=email.policy.SMTP) for each in self.server.received]


async def stored_texts(pool: Pool, order: UUID) -> OrderTexts:
    """Read what is stored of an order's texts."""
    return msgspec.json.decode(
        await pool.fetchval("SELECT texts::text FROM order_parts WHERE order_id = $1", order), type=OrderTexts
    )


@pytest.fixture
async def composing(pool: Pool) -> AsyncIterator[Composing]:
    delivered_when_taken = crew_options({Channel.Email: send_options(assume=timedelta(0)), Channel.Sms: send_options()})
    fetching = loopback_fetching(limit=LARGEST_FILES)
    async with (
        BlobStore() as store,
        real_server(data_size_limit=LARGEST_MESSAGE) as server,
        smtp_provider(server.port) as smtp,
    ):
        attaching = AttachingProvider(smtp, fetching)
        rig = Rig(pool, FixedDirectory(None), email=smtp, composed=attaching, options=delivered_when_taken)
        yield Composing(rig, store, server)


async def test_the_files_go_out_with_the_email(composing: Composing) -> None:
    contents = {"vedtak.pdf": b"%PDF" + bytes(range(256)) * 20, "blåbær på tå.pdf": b"kort"}
    files = [composing.store.attachment(name, content) for name, content in contents.items()]
    order = await composing.rig.store(composed(*files, due=NOON + AN_HOUR))

    await composing.rig.work()
    assert not composing.store.received, "nothing is fetched before it is due"
    await composing.rig.work(after=AN_HOUR)

    (arrived,) = composing.arrived()
    text, *enclosed = arrived.iter_parts()
    assert (arrived["To"], arrived["Subject"]) == ("kari@example.com", "Vedtak på søknad")
    assert text.get_content().strip() == "Vedtaket ligger ved."
    assert {part.get_filename(): part.get_payload(decode=True) for part in enclosed} == contents
    assert await composing.result(order) is Result.EMAIL_DELIVERED


async def test_the_addresses_are_forgotten_once_the_order_has_ended(composing: Composing, pool: Pool) -> None:
    file = composing.store.attachment()
    order = composed(file, due=NOON + AN_HOUR)
    await composing.rig.store(order)
    assert (await stored_texts(pool, order.id)).attachments == (file,)

    await composing.rig.work(after=AN_HOUR)

    kept = await stored_texts(pool, order.id)
    assert (await composing.rig.state(order.id)).status is OrderStatus.Completed
    assert kept == OrderTexts(email=order.texts.email, attachments=(Attachment(file.filename, file.mime_type),))


async def test_other_orders_keep_their_texts(composing: Composing, pool: Pool) -> None:
    plain, bare = make_order(emails("ola"), NOON), composed()
    for order in (plain, bare):
        await composing.rig.store(order)
    await composing.rig.work()
    assert [await stored_texts(pool, order.id) for order in (plain, bare)] == [plain.texts, bare.texts]
    assert len(composing.server.received) == 2


async def test_a_cancelled_order_forgets_them_too(composing: Composing, pool: Pool) -> None:
    order = await composing.rig.store(composed(composing.store.attachment(), due=NOON + AN_HOUR))
    closes = timedelta(minutes=5)
    assert await orders.cancel(pool, order, "ttd", now=NOON, closes_before=closes) is Cancellation.Done
    assert [file.sas_url for file in (await stored_texts(pool, order)).attachments] == [""]


async def test_a_file_that_vanishes_before_sending_ends_the_email(composing: Composing, pool: Pool) -> None:
    files = [composing.store.attachment("vedtak.pdf"), composing.store.attachment("borte.pdf")]
    order = await composing.rig.store(composed(*files, due=NOON + AN_HOUR))
    composing.store.remove("borte.pdf")

    await composing.rig.work(after=AN_HOUR)

    (entry,) = await feed.after(pool, "ttd", 0, limit=10)
    assert await composing.result(order) is Result.EMAIL_FAILED_INVALID_SAS_URL
    assert (entry.status, entry.recipients[0].result) == (OrderStatus.Completed, Result.EMAIL_FAILED_INVALID_SAS_URL)
    assert await composing.detail(order) == "an attachment's address answered 404"
    assert composing.server.connections == 0
    assert SIGNATURE not in str(await stored_texts(pool, order))


@pytest.mark.parametrize("trouble", [Says(500), Says(429), Does.DROP], ids=["500", "429", "dropped"])
async def test_a_store_in_trouble_is_asked_again(composing: Composing, trouble: Says | Does) -> None:
    order = await composing.rig.store(composed(composing.store.attachment("vedtak.pdf", b"vedtak", trouble)))

    await composing.rig.work()
    assert await composing.result(order) is Result.EMAIL_NEW
    assert not composing.server.received
    await composing.rig.work(after=A_RETRY)

    assert await composing.result(order) is Result.EMAIL_DELIVERED
    assert len(composing.server.received) == 1


async def test_a_store_that_stays_in_trouble_lets_the_email_expire(composing: Composing) -> None:
    order = await composing.rig.store(composed(composing.store.attachment("vedtak.pdf", b"", *[Says(503)] * 20)))
    for _ in range(8):
        await composing.rig.work(after=timedelta(hours=7))
    assert await composing.result(order) is Result.EMAIL_FAILED_TTL
    assert composing.server.connections == 0


async def test_files_above_the_limit_are_too_large_without_asking_the_server(composing: Composing) -> None:
    halves = [composing.store.attachment(name, b"x" * (LARGEST_FILES // 2 + 1)) for name in ("one.pdf", "two.pdf")]
    order = await composing.rig.store(composed(*halves))
    await composing.rig.work()
    assert await composing.result(order) is Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE
    assert composing.server.connections == 0


async def test_a_message_above_the_servers_size_is_too_large(composing: Composing) -> None:
    order = await composing.rig.store(composed(composing.store.attachment("vedtak.pdf", b"x" * 170_000)))
    await composing.rig.work()
    assert await composing.result(order) is Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE
    assert not composing.server.received


async def test_each_of_many_gets_its_own_files_once(composing: Composing) -> None:
    for number in range(25):
        file = composing.store.attachment(f"{number}.pdf", b"%d" % number)
        await composing.rig.store(composed(file, to=f"user{number}"))

    await composing.rig.work()

    arrived = {str(each["To"]): next(each.iter_attachments()).get_payload(decode=True) for each in composing.arrived()}
    assert arrived == {f"user{number}@example.com": b"%d" % number for number in range(25)}
    assert len(composing.server.received) == len(composing.store.received) == 25


async def test_the_sandbox_shows_what_was_attached(pool: Pool, tmp_path: Path) -> None:
    async with BlobStore() as store:
        sandbox = Rig(pool, FixedDirectory(None)).email
        composed_sandbox = AttachingProvider(sandbox, loopback_fetching())
        rig = Rig(pool, FixedDirectory(None), email=sandbox, composed=composed_sandbox)
        await rig.store(composed(store.attachment("<b>.pdf", b"x" * 1234)))
        await rig.store(make_order(emails("ola"), NOON))
        await rig.work()

        async with running_service(pool, tmp_path, rig=rig) as service:
            shown = (await service.client.get("/dev/inbox", params={"to": "kari@example.com"})).json()["messages"]
            plain = (await service.client.get("/dev/inbox", params={"to": "ola@example.com"})).json()["messages"]
            page = (await service.client.get("/dev/inbox", headers={"Accept": "text/html"})).text

    assert {kept.recipient: kept.attachments for kept in await rig.kept()} == {
        "kari@example.com": (KeptFile("<b>.pdf", "application/pdf", 1234),),
        "ola@example.com": (),
    }
    assert [each["attachments"] for each in shown] == [
        [{"filename": "<b>.pdf", "mimeType": "application/pdf", "size": 1234}]
    ]
    assert "attachments" not in plain[0]
    assert "&lt;b&gt;.pdf" in page
    assert "1234 bytes" in page


def body_of(*files: Attachment, **members: Any) -> dict[str, Any]:
    """Write a request for a composed e-mail an hour from noon that encloses these files."""
    attachments = [{"filename": file.filename, "mimeType": file.mime_type, "sasUrl": file.sas_url} for file in files]
    settings = {"subject": "Vedtak", "body": "Vedtaket ligger ved.", "attachments": attachments}
    recipient = {"emailAddress": "kari@example.com", "emailSettings": settings}
    due = "2026-06-15T11:00:00Z"
    return {"idempotencyId": "decision-77", "requestedSendTime": due, "recipient": recipient, **members}


@asynccontextmanager
async def service_of(composing: Composing, tmp_path: Path) -> AsyncIterator[Service]:
    """Run a service that accepts the store's addresses."""
    async with running_service(
        composing.rig.pool, tmp_path, rig=composing.rig, attachment_hosts=("127.0.0.1",)
    ) as service:
        yield service


async def test_from_the_request_to_the_mail_server_and_back_in_the_shipment(
    composing: Composing, tmp_path: Path
) -> None:
    file = composing.store.attachment("vedtak.pdf", b"%PDF vedtak")
    async with service_of(composing, tmp_path) as service:
        told = await placed(service, body_of(file), COMPOSED_PATH)
        await composing.rig.work(after=AN_HOUR)
        found = await shipment(service, told.main)

    (arrived,) = composing.arrived()
    (enclosed,) = arrived.iter_attachments()
    assert (enclosed.get_filename(), enclosed.get_payload(decode=True)) == ("vedtak.pdf", b"%PDF vedtak")
    assert (found["type"], found["recipients"][0]["status"]) == ("Composed", "Email_Delivered")
    assert "sasUrl" not in str(found)


def vanish(store: BlobStore) -> None:
    """Let a file be gone when it is to be fetched."""
    store.remove("vedtak.pdf")


def outgrow(store: BlobStore) -> None:
    """Let a file be too large when it is to be fetched."""
    store.put("vedtak.pdf", b"x" * (LARGEST_FILES + 1))


@pytest.mark.parametrize(
    ("spoil", "status"), [(vanish, "Email_Failed_InvalidSasUrl"), (outgrow, "Email_Failed_PayloadTooLarge")]
)
async def test_a_file_that_cannot_be_enclosed_from_the_request_to_shipment_and_feed(
    composing: Composing, tmp_path: Path, spoil: Callable[[BlobStore], None], status: str
) -> None:
    """6.3 POST composed-email, GET shipment, GET feed: accepted, for nothing is downloaded then; failed when due."""
    file = composing.store.attachment("vedtak.pdf")
    async with service_of(composing, tmp_path) as service:
        told = await placed(service, body_of(file, sendersReference="decision-77"), COMPOSED_PATH)
        spoil(composing.store)
        await composing.rig.work()
        assert (await shipment(service, told.main))["status"] == "Order_Registered"
        assert not composing.store.received
        await composing.rig.work(after=AN_HOUR)
        found, entries = await shipment(service, told.main), await read_feed(service)
        summary = (await service.status(told.main))["notificationsStatusSummary"]["email"]

    line = {"destination": "kari@example.com", "status": status, "lastUpdate": "2026-06-15T11:00:00Z"}
    common = {
        "shipmentId": str(told.main),
        "sendersReference": "decision-77",
        "status": "Order_Completed",
        "lastUpdate": "2026-06-15T11:00:00Z",
    }
    assert found == common | {"type": "Composed", "recipients": [{"type": "Email", **line}]}
    assert entries == [common | {"sequenceNumber": 1, "shipmentType": "Composed", "recipients": [line]}]
    assert (summary["generated"], summary["succeeded"]) == (1, 0)
    assert composing.server.received == []
    assert SIGNATURE not in str(await stored_texts(composing.rig.pool, told.main))


async def test_an_order_stopped_by_its_condition_forgets_the_addresses(composing: Composing, tmp_path: Path) -> None:
    """Nobody will fetch the file any more, so nobody need be able to (processing.md W19)."""
    file = composing.store.attachment("vedtak.pdf")
    async with ConditionEndpoint(otherwise=NO) as endpoint, service_of(composing, tmp_path) as service:
        condition = endpoint.url("/check", host="asked.example.com")
        told = await placed(service, body_of(file, conditionEndpoint=condition), COMPOSED_PATH)
        before = await stored_texts(composing.rig.pool, told.main)
        await composing.rig.work(after=AN_HOUR)
        found, (entry,) = await shipment(service, told.main), await read_feed(service)

    assert (found["status"], found["recipients"]) == ("Order_SendConditionNotMet", [])
    assert (entry["status"], entry["shipmentType"]) == ("Order_SendConditionNotMet", "Composed")
    assert before.attachments == (file,)
    after = await stored_texts(composing.rig.pool, told.main)
    assert after.attachments == (Attachment(file.filename, file.mime_type),)
    assert after.email == before.email
    assert composing.store.received == []
