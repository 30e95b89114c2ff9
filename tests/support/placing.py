"""The newer interface over HTTP: bodies that are due at the service's noon, and what tests do with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx

from tests.support import future_bodies
from tests.support.future_bodies import EMAIL, INSTANT, INSTANT_EMAIL, INSTANT_SMS, changed
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.service import BASE, Service

CHAIN_PATH: Final = "/future/orders"
COMPOSED_PATH: Final = f"{CHAIN_PATH}/composed-email"
INSTANT_SMS_PATH: Final = f"{CHAIN_PATH}/instant/sms"
INSTANT_EMAIL_PATH: Final = f"{CHAIN_PATH}/instant/email"
INSTANT_PATH: Final = f"{CHAIN_PATH}/instant"

SAS_URL: Final = future_bodies.SAS_URL.replace("se=2026-05-05", "se=2026-06-20")
ATTACHMENT: Final[dict[str, Any]] = future_bodies.ATTACHMENT | {"sasUrl": SAS_URL}
CHAIN: Final[dict[str, Any]] = {"idempotencyId": "case-42", "sendersReference": "case-42", "recipient": EMAIL}
COMPOSED: Final[dict[str, Any]] = changed(
    future_bodies.COMPOSED | {"requestedSendTime": "2026-06-15T10:00:00Z"},
    "recipient.emailSettings.attachments",
    [ATTACHMENT],
)

BODIES: Final[Mapping[str, dict[str, Any]]] = {
    CHAIN_PATH: CHAIN,
    COMPOSED_PATH: COMPOSED,
    INSTANT_SMS_PATH: INSTANT_SMS,
    INSTANT_EMAIL_PATH: INSTANT_EMAIL,
    INSTANT_PATH: INSTANT,
}
"""A body that is accepted, for every endpoint that takes one."""


def person(number: str, scheme: str = "EmailPreferred", **members: Any) -> dict[str, Any]:
    """Return a recipient that is a person, with texts for both channels."""
    party = {"nationalIdentityNumber": number, "channelSchema": scheme, **future_bodies.BOTH_SETTINGS, **members}
    return {"recipientPerson": party}


def organization(number: str, scheme: str = "EmailPreferred", **members: Any) -> dict[str, Any]:
    """Return a recipient that is an organisation, with texts for both channels."""
    return {
        "recipientOrganization": {
            "orgNumber": number,
            "channelSchema": scheme,
            **future_bodies.BOTH_SETTINGS,
            **members,
        }
    }


def to_email(local_part: str, **settings: Any) -> dict[str, Any]:
    """Return a recipient at example.com, such as the sandbox's magic ones."""
    return {
        "recipientEmail": {
            "emailAddress": f"{local_part}@example.com",
            "emailSettings": {**future_bodies.EMAIL_SETTINGS, **settings},
        }
    }


def to_sms(number: str, **settings: Any) -> dict[str, Any]:
    """Return a recipient with a mobile number."""
    return {"recipientSms": {"phoneNumber": number, "smsSettings": {**future_bodies.SMS_SETTINGS, **settings}}}


def instant_email(local_part: str, idempotency_id: str = "otp-77aa") -> dict[str, Any]:
    """Return an instant e-mail to example.com."""
    body = changed(INSTANT_EMAIL, "recipientEmail.emailAddress", f"{local_part}@example.com")
    return body | {"idempotencyId": idempotency_id}


def instant_sms(number: str, idempotency_id: str = "otp-9c1e", seconds: int = 300) -> dict[str, Any]:
    """Return an instant SMS."""
    body = changed(INSTANT_SMS, "recipientSms.phoneNumber", number)
    return changed(body, "recipientSms.timeToLiveInSeconds", seconds) | {"idempotencyId": idempotency_id}


@dataclass(frozen=True, slots=True)
class Placed:
    """The ids a caller was told."""

    chain_id: UUID
    main: UUID
    reminders: tuple[UUID, ...]

    @classmethod
    def told_by(cls, answer: httpx.Response) -> "Placed":
        """Read the ids from a 201 or 200."""
        assert answer.status_code in (200, 201), answer.text
        document = answer.json()
        told = document["notification"]
        reminders = tuple(UUID(reminder["shipmentId"]) for reminder in told.get("reminders", []))
        return cls(UUID(document["notificationOrderId"]), UUID(told["shipmentId"]), reminders)


async def place(service: Service, path: str, body: Any, *, org: str = "ttd") -> httpx.Response:
    """Post as `org`, with the scopes that every endpoint wants."""
    return await service.post(path, body, headers=service.bearer(org, scopes=[CREATE, COMPOSED_SCOPE]))


async def placed(service: Service, body: Any, path: str = CHAIN_PATH, *, org: str = "ttd") -> Placed:
    """Post what must be accepted for the first time, and return its ids."""
    answer = await place(service, path, body, org=org)
    assert answer.status_code == 201, answer.text
    return Placed.told_by(answer)


async def refused(service: Service, path: str, body: Any) -> dict[str, list[str]]:
    """Post what must be refused in the form of every 400 (C7), and return its errors."""
    headers = service.bearer(scopes=[CREATE, COMPOSED_SCOPE])
    if isinstance(body, bytes):
        headers |= {"Content-Type": "application/json"}
        answer = await service.client.post(BASE + path, content=body, headers=headers)
    else:
        answer = await service.client.post(BASE + path, json=body, headers=headers)
    assert answer.status_code == 400, (body, answer.text)
    return errors_of(answer)


def errors_of(answer: httpx.Response) -> dict[str, list[str]]:
    """Hold an answer to the form of every 400 (C7), and return its errors."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    errors: dict[str, list[str]] = problem.pop("errors")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", problem.pop("traceId"))
    assert problem == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
    }
    assert all(messages and all(messages) for messages in errors.values())
    return errors


async def shipment(service: Service, order_id: UUID, *, org: str = "ttd") -> dict[str, Any]:
    """Read a shipment that must be there."""
    return await service.document(f"/future/shipment/{order_id}", org=org)


async def feed(service: Service, *, org: str = "ttd", **query: Any) -> list[dict[str, Any]]:
    """Read a page of the status feed."""
    answer = await service.get("/future/shipment/feed", org=org, params=query)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()
    return entries
