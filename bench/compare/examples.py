"""One valid request of every endpoint (api.md 3). All people, numbers and addresses are synthetic."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.compare.cases import JSON_HEADERS, Case, Request
from bench.requests import BASE

_EMAIL = {"subject": "New letter", "body": "You have a letter."}
_SMS = {"body": "You have a letter."}
_PERSON = {
    "nationalIdentityNumber": "16069412345",
    "channelSchema": "SmsPreferred",
    "resourceId": "urn:altinn:resource:letters",
    "emailSettings": _EMAIL,
    "smsSettings": _SMS,
}
_ORGANISATION = {
    "orgNumber": "310123456",
    "channelSchema": "EmailPreferred",
    "emailSettings": _EMAIL,
    "smsSettings": _SMS,
}
_ATTACHMENT_ADDRESS = (
    "https://ttdfiles.blob.core.windows.net/out/decision.pdf?sv=2024-11-04&se={end}&sr=b&sp=r&sig=abc%3D"
)

_AFTER_V1 = (f"{BASE}/orders/{{id}}", f"{BASE}/orders/{{id}}/status", f"{BASE}/orders/{{id}}/notifications/email")
_AFTER_FUTURE = (*_AFTER_V1[:2], f"{BASE}/future/shipment/{{id}}")


@dataclass(frozen=True, slots=True)
class Example:
    """A valid request: its body as a value, so that it can be changed, and what is read after it was accepted."""

    endpoint: str
    method: str
    path: str
    body: Any = None
    after: tuple[str, ...] = ()
    cancels: bool = False

    def case(self, change: str, request: Request) -> Case:
        """Return the case that sends `request` in the place of this example's own."""
        reads = tuple(Request("GET", path) for path in self.after)
        cancel = (Request("PUT", f"{BASE}/orders/{{id}}/cancel"),) if self.cancels else ()
        return Case(self.endpoint, change, (request, *reads, *cancel))

    def request(self) -> Request:
        """Return the unchanged request."""
        if self.body is None:
            return Request(self.method, self.path)
        return Request(self.method, self.path, JSON_HEADERS, json.dumps(self.body, ensure_ascii=False).encode())


def examples(now: datetime, run: str) -> Iterator[Example]:
    """Yield the examples. Nothing in them is due before a month has passed; `run` makes their ids new ones."""
    due = (now + timedelta(days=30)).isoformat(timespec="seconds")
    yield from _v1_orders(due)
    yield from _future_orders(due, run, now)
    yield from _reads()


def _v1_orders(due: str) -> Iterator[Example]:
    common = {"sendersReference": "case-42", "requestedSendTime": due}
    email = {**common, **_EMAIL, "contentType": "Plain", "recipients": [{"emailAddress": "kari@example.com"}]}
    yield Example("v1 e-mail order", "POST", f"{BASE}/orders/email", email, _AFTER_V1, cancels=True)
    sms = {**common, "body": "A letter.", "senderNumber": "Example", "recipients": [{"mobileNumber": "+4799999999"}]}
    yield Example("v1 SMS order", "POST", f"{BASE}/orders/sms", sms, _AFTER_V1, cancels=True)
    order = {
        **common,
        "notificationChannel": "EmailPreferred",
        "emailTemplate": {**_EMAIL, "fromAddress": "sender@example.com", "contentType": "Html"},
        "smsTemplate": {"body": "A letter.", "senderNumber": "Example"},
        "recipients": [{"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"}],
        "ignoreReservation": True,
        "resourceId": "urn:altinn:resource:letters",
        "conditionEndpoint": "https://ttd.apps.example.no/check?case=42",
    }
    yield Example("v1 order", "POST", f"{BASE}/orders", order, _AFTER_V1, cancels=True)


def _future_orders(due: str, run: str, now: datetime) -> Iterator[Example]:
    chain = {
        "idempotencyId": f"{run}-chain",
        "sendersReference": "case-42",
        "requestedSendTime": due,
        "conditionEndpoint": "https://ttd.apps.example.no/check?case=42",
        "dialogportenAssociation": {"dialogId": "0196-aa", "transmissionId": "0196-bb"},
        "recipient": {"recipientEmail": {"emailAddress": "kari@example.com", "emailSettings": _EMAIL}},
        "reminders": [
            {
                "sendersReference": "case-42-r1",
                "delayDays": 7,
                "recipient": {"recipientSms": {"phoneNumber": "+4799999999", "smsSettings": _SMS}},
            }
        ],
    }
    yield Example("notification order", "POST", f"{BASE}/future/orders", chain, _AFTER_FUTURE, cancels=True)
    for name, recipient in (("recipientPerson", _PERSON), ("recipientOrganization", _ORGANISATION)):
        order = {"idempotencyId": f"{run}-{name}", "requestedSendTime": due, "recipient": {name: recipient}}
        yield Example(
            f"notification order, {name}", "POST", f"{BASE}/future/orders", order, _AFTER_FUTURE, cancels=True
        )
    end = (now + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    attachment = {
        "filename": "decision.pdf",
        "mimeType": "application/pdf",
        "sasUrl": _ATTACHMENT_ADDRESS.format(end=end),
    }
    composed = {
        "idempotencyId": f"{run}-composed",
        "requestedSendTime": due,
        "recipient": {"emailAddress": "kari@example.com", "emailSettings": {**_EMAIL, "attachments": [attachment]}},
    }
    yield Example("composed e-mail", "POST", f"{BASE}/future/orders/composed-email", composed, _AFTER_FUTURE)


def _reads() -> Iterator[Example]:
    unknown = "00000000-0000-4000-8000-000000000001"
    yield Example("order", "GET", f"{BASE}/orders/{unknown}")
    yield Example("orders by reference", "GET", f"{BASE}/orders?sendersReference=no-such-reference")
    yield Example("status", "GET", f"{BASE}/orders/{unknown}/status")
    yield Example("e-mails of an order", "GET", f"{BASE}/orders/{unknown}/notifications/email")
    yield Example("SMS of an order", "GET", f"{BASE}/orders/{unknown}/notifications/sms")
    yield Example("cancel", "PUT", f"{BASE}/orders/{unknown}/cancel")
    yield Example("shipment", "GET", f"{BASE}/future/shipment/{unknown}")
    yield Example("feed", "GET", f"{BASE}/future/shipment/feed?seq=9000000000000000000&pageSize=10")
