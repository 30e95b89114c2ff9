"""Which senders a creator may name: judged by every interface, and everything is allowed unless a setting says so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.future_bodies import INSTANT, INSTANT_EMAIL, INSTANT_SMS, changed
from tests.support.placing import (
    CHAIN,
    CHAIN_PATH,
    COMPOSED,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    person,
    place,
    refused,
    to_email,
    to_sms,
)
from tests.support.service import ORDER, SMS_ORDER, Service, running_service
from varsel.settings import Settings
from varsel.storage.pool import Pool

RULES = {
    "VARSEL_EMAIL_SENDERS": "ttd=noreply@ttd.example.com|*@digdir.example.com, skd=*",
    "VARSEL_SMS_SENDERS": "ttd=TTD|Test Dep, *=Varsel",
}
ADDRESS, NAME = "noreply@ttd.example.com", "TTD"
NUMBER = "+4799999999"


@pytest.fixture
async def strict(pool: Pool, tmp_path: Path) -> AsyncIterator[Service]:
    """A service with rules."""
    settings = Settings.read(RULES)
    changes: dict[str, Any] = {"email_senders": settings.email_senders, "sms_senders": settings.sms_senders}
    async with running_service(pool, tmp_path, **changes) as running:
        yield running


def bodies(address: str, name: str) -> dict[str, tuple[str, Any]]:
    """Return for every place where a sender can be named: where a body that names it is posted, and the body."""
    template = {"subject": "S", "body": "B", "fromAddress": address}
    by_email, by_sms = to_email("kari", senderEmailAddress=address), to_sms(NUMBER, sender=name)
    to_person = person("16069412345", smsSettings={"body": "B", "sender": name})
    email_sender = "emailSettings.senderEmailAddress"
    return {
        "v1 e-mail": ("/orders", {**ORDER} | {"emailTemplate": template}),
        "v1 SMS": ("/orders", {**ORDER} | {"smsTemplate": {"body": "B", "senderNumber": name}}),
        "v1 SMS alone": ("/orders/sms", {**SMS_ORDER} | {"senderNumber": name}),
        "chain, e-mail": (CHAIN_PATH, CHAIN | {"recipient": by_email}),
        "chain, SMS": (CHAIN_PATH, CHAIN | {"recipient": by_sms}),
        "chain, person": (CHAIN_PATH, CHAIN | {"recipient": to_person}),
        "reminder": (CHAIN_PATH, CHAIN | {"reminders": [{"delayDays": 1, "recipient": by_email}]}),
        "composed": (COMPOSED_PATH, changed(COMPOSED, f"recipient.{email_sender}", address)),
        "instant SMS": (INSTANT_SMS_PATH, changed(INSTANT_SMS, "recipientSms.smsSettings.sender", name)),
        "instant, older path": (INSTANT_PATH, changed(INSTANT, "recipient.recipientSms.smsSettings.sender", name)),
        "instant e-mail": (INSTANT_EMAIL_PATH, changed(INSTANT_EMAIL, f"recipientEmail.{email_sender}", address)),
    }


async def test_a_sender_that_is_not_the_creator_s_is_refused_everywhere(strict: Service) -> None:
    for path, body in bodies("spoofed@skd.example.com", "Skatt").values():
        ((key, messages),) = (await refused(strict, path, body)).items()
        assert "sender" in key.lower() or key.endswith("FromAddress")
        assert len(messages) == 1
    assert await strict.stored() == 0


@pytest.mark.parametrize(
    ("address", "name"),
    [(ADDRESS, NAME), ("Any.One@DIGDIR.example.com", "test dep"), ("noreply@altinn.cloud", "Altinn")],
)
async def test_its_own_senders_and_the_default_are_allowed_everywhere(strict: Service, address: str, name: str) -> None:
    for path, body in bodies(address, name).values():
        answer = await place(strict, path, body)
        assert "errors" not in answer.json(), answer.text


@pytest.mark.parametrize(
    ("org", "address", "name", "status"),
    [
        ("skd", "anybody@anywhere.example.com", "Varsel", 202),
        ("skd", "anybody@anywhere.example.com", "TTD", 400),
        ("nav", ADDRESS, "Varsel", 400),
        ("nav", "noreply@altinn.cloud", "Altinn", 202),
        ("nav", "", "", 202),
    ],
)
async def test_others_have_rules_of_their_own(strict: Service, org: str, address: str, name: str, status: int) -> None:
    texts = {
        "emailTemplate": {"subject": "S", "body": "B", "fromAddress": address},
        "smsTemplate": {"body": "B", "senderNumber": name},
    }
    assert (await strict.post("/orders", {**ORDER} | texts, org=org)).status_code == status


async def test_without_rules_everything_is_allowed(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path) as service:
        for path, body in bodies("spoofed@skd.example.com", "Skatt").values():
            answer = await place(service, path, body)
            assert "errors" not in answer.json(), answer.text
