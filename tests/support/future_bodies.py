"""Bodies of the newer interface in tests: valid ones, ways to change them, and reading without an event loop."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from tests.support.reading import as_body, finish
from varsel.intake.shapes import Invalid
from varsel.intake.wire_future import (
    AZURE_BLOBS,
    ChainRequest,
    ComposedRequest,
    FutureRequest,
    InstantEmailRequest,
    InstantRequest,
    InstantSmsRequest,
    fingerprint,
    read_request,
    to_chain,
)
from varsel.model.chains import Chain
from varsel.model.ids import new_ids
from varsel.orders.texts import Defaults

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
DEFAULTS = Defaults(from_address="noreply@altinn.cloud", sms_sender="Altinn")

EMAIL_SETTINGS: Final[dict[str, Any]] = {"subject": "New letter", "body": "You have a letter."}
SMS_SETTINGS: Final[dict[str, Any]] = {"body": "You have a letter."}
BOTH_SETTINGS: Final[dict[str, Any]] = {"emailSettings": EMAIL_SETTINGS, "smsSettings": SMS_SETTINGS}

EMAIL: Final[dict[str, Any]] = {"recipientEmail": {"emailAddress": "kari@example.com", "emailSettings": EMAIL_SETTINGS}}
SMS: Final[dict[str, Any]] = {"recipientSms": {"phoneNumber": "+4799999999", "smsSettings": SMS_SETTINGS}}
PERSON: Final[dict[str, Any]] = {
    "recipientPerson": {
        "nationalIdentityNumber": "16069412345",
        "channelSchema": "SmsPreferred",
        "resourceId": "urn:altinn:resource:app_ttd_letters",
        "resourceAction": "read",
        **BOTH_SETTINGS,
    }
}
ORGANIZATION: Final[dict[str, Any]] = {
    "recipientOrganization": {"orgNumber": "310123456", "channelSchema": "EmailPreferred", **BOTH_SETTINGS}
}
EXTERNAL: Final[dict[str, Any]] = {
    "recipientExternalIdentity": {
        "externalIdentity": "urn:altinn:party:username:kari",
        "channelSchema": "EmailAndSms",
        **BOTH_SETTINGS,
    }
}
RECIPIENTS: Final = (EMAIL, SMS, PERSON, ORGANIZATION, EXTERNAL)

CHAIN: Final[dict[str, Any]] = {
    "idempotencyId": "case-42",
    "sendersReference": "case-2026-0042",
    "requestedSendTime": "2026-05-04T11:30:00+02:00",
    "conditionEndpoint": "https://ttd.apps.example.no/check?case=42",
    "dialogportenAssociation": {"dialogId": "0196-aa", "transmissionId": "0196-bb"},
    "recipient": PERSON,
    "reminders": [{"sendersReference": "case-2026-0042-r1", "delayDays": 7, "recipient": EMAIL}],
}

SAS_URL: Final = (
    "https://ttdfiles.blob.core.windows.net/out/decision.pdf"
    "?sv=2024-11-04&se=2026-05-05T12%3A00%3A00Z&sr=b&sp=r&sig=abc%3D"
)
ATTACHMENT: Final[dict[str, Any]] = {"filename": "decision.pdf", "mimeType": "application/pdf", "sasUrl": SAS_URL}
COMPOSED: Final[dict[str, Any]] = {
    "idempotencyId": "decision-77",
    "requestedSendTime": "2026-05-04T12:00:00Z",
    "recipient": {
        "emailAddress": "kari@example.com",
        "emailSettings": {**EMAIL_SETTINGS, "attachments": [ATTACHMENT]},
    },
}

INSTANT_SMS: Final[dict[str, Any]] = {
    "idempotencyId": "otp-9c1e",
    "recipientSms": {
        "phoneNumber": "+4799999999",
        "timeToLiveInSeconds": 300,
        "smsSettings": {"sender": "TTD", "body": "Your code is 123456"},
    },
}
INSTANT: Final[dict[str, Any]] = {
    "idempotencyId": "otp-9c1e",
    "recipient": {"recipientSms": INSTANT_SMS["recipientSms"]},
}
INSTANT_EMAIL: Final[dict[str, Any]] = {
    "idempotencyId": "otp-77aa",
    "recipientEmail": {"emailAddress": "kari@example.com", "emailSettings": EMAIL_SETTINGS},
}

BODIES: Final[dict[type[FutureRequest], dict[str, Any]]] = {
    ChainRequest: CHAIN,
    ComposedRequest: COMPOSED,
    InstantSmsRequest: INSTANT_SMS,
    InstantEmailRequest: INSTANT_EMAIL,
    InstantRequest: INSTANT,
}

Mint: TypeAlias = Callable[[int], Sequence[UUID]]
R = TypeVar("R", bound=FutureRequest)

_step = re.compile(r"[^.\[\]]+")


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `document` with `value` at `path`, such as `reminders[0].recipient`."""
    fresh, holder, last = _holder(document, path)
    holder[last] = value
    return fresh


def lacking(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a copy of `document` without the member at `path`."""
    fresh, holder, last = _holder(document, path)
    del holder[last]
    return fresh


def _holder(document: dict[str, Any], path: str) -> tuple[dict[str, Any], Any, Any]:
    fresh = json.loads(json.dumps(document))  # unlike a deep copy it also separates what two places share
    holder: Any = fresh
    *steps, last = [int(step) if step.isdecimal() else step for step in _step.findall(path)]
    for step in steps:
        holder = holder[step]
    return fresh, holder, last


def read_future(shape: type[R], document: Any, now: datetime = NOW, attachment_hosts: Sequence[str] = AZURE_BLOBS) -> R:
    """Read a body and judge it: phases A and B."""
    return finish(read_request(shape, as_body(document), now, attachment_hosts=attachment_hosts))


def future_errors(
    shape: type[FutureRequest], document: Any, now: datetime = NOW, attachment_hosts: Sequence[str] = AZURE_BLOBS
) -> dict[str, list[str]]:
    """Return the errors of a body, none if it is accepted."""
    try:
        read_future(shape, document, now, attachment_hosts)
    except Invalid as invalid:
        return invalid.errors
    return {}


def keys(shape: type[FutureRequest], document: Any) -> set[str]:
    """Return the keys under which a body's errors are told."""
    return set(future_errors(shape, document))


def chain_from(shape: type[FutureRequest], document: Any, creator: str = "ttd") -> Chain:
    """Return the chain a body becomes."""
    return chain_of(read_future(shape, document), creator)


def chain_of(request: FutureRequest, creator: str = "ttd", mint: Mint = new_ids) -> Chain:
    """Return the chain a request becomes."""
    today = request.today
    digest = finish(fingerprint(today))
    return finish(to_chain(today, creator=creator, now=NOW, defaults=DEFAULTS, request_hash=digest, mint=mint))
