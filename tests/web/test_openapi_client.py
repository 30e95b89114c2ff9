"""A client that openapi-python-client generates from the published document works against the running service."""

import importlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.described import published
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.placing import SAS_URL
from tests.support.rig import NOON
from tests.support.service import Service

PACKAGE = "generated_varsel_client"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The models of the generated package, which can be imported for the time of this module."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(published()), encoding="utf-8")
    (folder / "config.yml").write_text("post_hooks: []\n", encoding="utf-8")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"]
    command += ["--path", "openapi.json", "--config", "config.yml", "--output-path", PACKAGE]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(f"{PACKAGE}.models")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


def operation(tag: str, name: str) -> ModuleType:
    """Return the generated module of an operation."""
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")


class Caller:
    """Calls operations through a generated client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(self, tag: str, name: str, *arguments: Any, **options: Any) -> tuple[int, Any]:
        """Return the status, and the answer as the client reads it."""
        answer = await operation(tag, name).asyncio_detailed(*arguments, client=self._client, **options)
        return answer.status_code.value, answer.parsed


@pytest.fixture
async def caller(service: Service, models: Any) -> AsyncIterator[Caller]:  # noqa: ARG001 - they must have been made
    """A client with a token for every operation, which fails on an answer that is not described."""
    scopes = (CREATE, COMPOSED_SCOPE)
    token = service.issuer.token("ttd", scopes=scopes, expires_in=timedelta(days=2))
    async with importlib.import_module(PACKAGE).AuthenticatedClient(
        base_url=f"http://127.0.0.1:{service.port}",
        token=token,
        raise_on_unexpected_status=True,
        httpx_args={"trust_env": False},
    ) as client:
        yield Caller(client)


def sms_chain(models: Any) -> Any:
    """Return a request for an SMS in which nothing is said that need not be."""
    settings = models.SmsSettings(body="You have a letter.")
    recipient = models.SmsRecipientRequest(phone_number="+4799999999", sms_settings=settings)
    return models.ChainRequest(idempotency_id="case-42", recipient=models.RecipientChoice(recipient_sms=recipient))


async def test_a_generated_client_places_a_chain_and_follows_it(service: Service, caller: Caller, models: Any) -> None:
    status, placed = await caller.call("future_orders", "place_chain", body=sms_chain(models))
    assert status == 201
    again, repeated = await caller.call("future_orders", "place_chain", body=sms_chain(models))
    assert (again, repeated) == (200, placed)

    await service.rig.work()
    service.rig.hand.turn(timedelta(seconds=10))
    await service.rig.work()
    status, shipment = await caller.call("shipments", "read_shipment", placed.notification.shipment_id)
    assert status == 200
    assert shipment.type_ is models.OrderType.NOTIFICATION
    assert [each.destination for each in shipment.recipients] == ["+4799999999"]
    status, entries = await caller.call("shipments", "read_feed", order_by=models.OrderBy.DESC)
    assert status == 200
    assert [entry.shipment_id for entry in entries] == [placed.notification.shipment_id]


async def test_a_generated_client_sends_no_sms_at_night_unasked(service: Service, caller: Caller, models: Any) -> None:
    service.rig.hand.turn(timedelta(hours=12))
    _, placed = await caller.call("future_orders", "place_chain", body=sms_chain(models))
    await service.rig.work()
    _, at_night = await caller.call("shipments", "read_shipment", placed.notification.shipment_id)
    assert [each.status.value for each in at_night.recipients] == ["SMS_New"]
    await service.rig.work(after=timedelta(hours=12))
    _, at_noon = await caller.call("shipments", "read_shipment", placed.notification.shipment_id)
    assert [each.status.value for each in at_noon.recipients] == ["SMS_Delivered"]


async def test_a_generated_client_attaches_a_file_by_the_name_of_its_type(caller: Caller, models: Any) -> None:
    attachment = models.AttachmentRequest(filename="a.pdf", mime_type="application/pdf", sas_url=SAS_URL)
    settings = models.ComposedSettings(subject="s", body="b", attachments=[attachment])
    recipient = models.ComposedRecipient(email_address="kari@example.com", email_settings=settings)
    body = models.ComposedRequest(
        idempotency_id="decision-77", recipient=recipient, requested_send_time=datetime(2026, 6, 15, 10, tzinfo=UTC)
    )
    status, placed = await caller.call("future_orders", "place_composed_email", body=body)
    assert status == 201
    assert isinstance(placed.notification.shipment_id, UUID)


async def test_a_generated_client_sends_at_once(caller: Caller, models: Any) -> None:
    recipient = models.InstantSmsRecipient(
        phone_number="+4799999999", time_to_live_in_seconds=60, sms_settings=models.InstantSmsSettings(body="Code")
    )
    new = models.InstantSmsRequest(idempotency_id="otp-1", recipient_sms=recipient)
    old = models.InstantRequest(idempotency_id="otp-2", recipient=models.InstantRecipient(recipient_sms=recipient))
    email = models.InstantEmailRequest(
        idempotency_id="otp-3",
        recipient_email=models.InstantEmailRecipient(
            email_address="kari@example.com", email_settings=models.InstantEmailSettings(subject="Code", body="1")
        ),
    )
    for name, body in (("send_instant_sms", new), ("send_instant", old), ("send_instant_email", email)):
        status, _ = await caller.call("future_orders", name, body=body)
        assert status == 201, name


async def test_a_generated_client_uses_every_operation_of_the_older_interface(
    service: Service, caller: Caller, models: Any
) -> None:
    recipients = [models.RecipientRequest(email_address="kari@example.com", mobile_number="+4799999999")]
    order = models.OrderRequest(
        notification_channel=models.NotificationChannel.EMAILANDSMS,
        recipients=recipients,
        email_template=models.EmailTemplate(subject="s", body="b"),
        sms_template=models.SmsTemplate(body="b"),
        senders_reference="case-42",
    )
    email = models.EmailOrderRequest(recipients=recipients[:1], subject="s", body="b")
    sms = models.SmsOrderRequest(recipients=recipients[:1], body="b")
    ids = []
    for name, body in (("place_order", order), ("place_email_order", email), ("place_sms_order", sms)):
        status, accepted = await caller.call("orders", name, body=body)
        assert status == 202, name
        ids.append(accepted.order_id)
    await service.rig.work()

    _, found = await caller.call("orders", "find_orders", senders_reference="case-42")
    assert [each.id for each in found.orders] == ids[:1]
    _, read = await caller.call("orders", "read_order", ids[0])
    assert read.email_template.content_type is models.ContentType.PLAIN
    _, status_of = await caller.call("orders", "read_status", ids[0])
    assert status_of.notifications_status_summary.email.generated == 1
    _, emails = await caller.call("orders", "list_emails", ids[0])
    assert [each.recipient.email_address for each in emails.notifications] == ["kari@example.com"]
    _, texts = await caller.call("orders", "list_sms", ids[0])
    assert [each.recipient.mobile_number for each in texts.notifications] == ["+4799999999"]
    status, answered = await caller.call("tests", "answer_send_condition", condition_met="true")
    assert (status, answered.send_notification) == (200, True)


async def test_a_generated_client_understands_refusals(caller: Caller, models: Any) -> None:
    status, problem = await caller.call("shipments", "read_shipment", uuid4())
    assert (status, problem.code) == (404, "NOT-00003")
    assert await caller.call("orders", "read_status", uuid4()) == (404, None)
    status, problem = await caller.call("orders", "cancel_order", uuid4())
    assert (status, problem.title) == (404, "Not Found")
    status, placed = await caller.call("future_orders", "place_chain", body=sms_chain(models))
    status, problem = await caller.call("orders", "cancel_order", placed.notification.shipment_id)
    assert (status, problem.title) == (409, "Conflict")
    status, problem = await caller.call("shipments", "read_feed", seq=-1)
    assert status == 400
    assert list(problem.errors.additional_properties) == ["Seq"]
    late = sms_chain(models)
    late.requested_send_time = NOON - timedelta(days=1)
    late.idempotency_id = "late"
    status, problem = await caller.call("future_orders", "place_chain", body=late)
    assert status == 400
    assert list(problem.errors.additional_properties) == ["RequestedSendTime"]
