"""Examples of the newer interface's requests and answers, as the published description shows them.

The first of several is the usual one. Persons, organisations and signatures are made up.
"""

from typing import Final
from uuid import UUID

from varsel.intake.openapi import Example
from varsel.intake.times import InstantText
from varsel.intake.wire_future.documents import (
    FeedEntry,
    FeedRecipient,
    PlacedDocument,
    PlacedNotification,
    PlacedReminder,
    ShipmentDocument,
    ShipmentRecipient,
)

CHAIN_ID: Final = UUID("3d3f0c2a-4e5b-4b0e-9a39-6a1f8d6c0b77")
SHIPMENT_ID: Final = UUID("6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01")
LOCATION: Final = f"https://varsel.example.no/notifications/api/v1/orders/chain/{CHAIN_ID}"

_REFERENCE: Final = "case-2026-0042"
_CHANGED: Final = InstantText("2035-05-04T09:31:10.004211Z")

CHAIN: Final = {
    "email": Example(
        "An e-mail, and a reminder a week later",
        {
            "idempotencyId": "case-2026-0042-letter",
            "sendersReference": _REFERENCE,
            "recipient": {
                "recipientEmail": {
                    "emailAddress": "kari@example.com",
                    "emailSettings": {"subject": "New letter", "body": "You have a letter."},
                }
            },
            "reminders": [
                {
                    "sendersReference": "case-2026-0042-r1",
                    "delayDays": 7,
                    "recipient": {
                        "recipientEmail": {
                            "emailAddress": "kari@example.com",
                            "emailSettings": {"subject": "Reminder", "body": "Your letter is still unread."},
                        }
                    },
                }
            ],
        },
    ),
    "sms": Example(
        "An SMS, at any time of the day",
        {
            "idempotencyId": "case-2026-0042-sms",
            "recipient": {
                "recipientSms": {
                    "phoneNumber": "+4799999999",
                    "smsSettings": {"sender": "TTD", "body": "You have a letter.", "sendingTimePolicy": "Anytime"},
                }
            },
        },
    ),
    "person": Example(
        "A person by SMS or else e-mail, at a certain time, if a condition is met",
        {
            "idempotencyId": "case-2026-0042-person",
            "sendersReference": _REFERENCE,
            "requestedSendTime": "2035-05-04T11:30:00+02:00",
            "conditionEndpoint": "https://ttd.example.no/check?case=42",
            "dialogportenAssociation": {"dialogId": "0196-aa", "transmissionId": "0196-bb"},
            "recipient": {
                "recipientPerson": {
                    "nationalIdentityNumber": "16069412345",
                    "channelSchema": "SmsPreferred",
                    "resourceId": "urn:altinn:resource:app_ttd_letters",
                    "resourceAction": "read",
                    "ignoreReservation": False,
                    "emailSettings": {
                        "senderEmailAddress": "noreply@ttd.example.no",
                        "subject": "New letter",
                        "body": "<p>You have a letter.</p>",
                        "contentType": "Html",
                        "sendingTimePolicy": "Anytime",
                    },
                    "smsSettings": {"sender": "TTD", "body": "You have a letter.", "sendingTimePolicy": "Daytime"},
                }
            },
        },
    ),
    "organization": Example(
        "An organisation by e-mail and SMS",
        {
            "idempotencyId": "case-2026-0042-organization",
            "recipient": {
                "recipientOrganization": {
                    "orgNumber": "310123456",
                    "channelSchema": "EmailAndSms",
                    "emailSettings": {"subject": "New letter", "body": "You have a letter."},
                    "smsSettings": {"body": "You have a letter."},
                }
            },
        },
    ),
    "external-identity": Example(
        "A user who signs in by e-mail address",
        {
            "idempotencyId": "case-2026-0042-user",
            "recipient": {
                "recipientExternalIdentity": {
                    "externalIdentity": "urn:altinn:person:idporten-email:kari%2Bwork@example.com",
                    "channelSchema": "Email",
                    "emailSettings": {"subject": "New letter", "body": "You have a letter."},
                }
            },
        },
    ),
}

COMPOSED: Final = {
    "attachment": Example(
        "An e-mail with a file",
        {
            "idempotencyId": "decision-77",
            "sendersReference": "decision-77",
            "recipient": {
                "emailAddress": "kari@example.com",
                "emailSettings": {
                    "senderEmailAddress": "noreply@ttd.example.no",
                    "subject": "Decision",
                    "body": "The decision is attached.",
                    "contentType": "Plain",
                    "attachments": [
                        {
                            "filename": "decision.pdf",
                            "mimeType": "application/pdf",
                            "sasUrl": "https://ttdfiles.blob.core.windows.net/out/decision.pdf?sv=2024-11-04"
                            "&se=2035-05-05T12%3A00%3A00Z&sr=b&sp=r&sig=abc%3D",
                        }
                    ],
                },
            },
        },
    )
}

INSTANT_SMS: Final = {
    "code": Example(
        "A code that is worth nothing after five minutes",
        {
            "idempotencyId": "otp-9c1e",
            "sendersReference": "login-9c1e",
            "recipientSms": {
                "phoneNumber": "+4799999999",
                "timeToLiveInSeconds": 300,
                "smsSettings": {"sender": "TTD", "body": "Your code is 123456"},
            },
        },
    )
}

INSTANT_EMAIL: Final = {
    "code": Example(
        "A code",
        {
            "idempotencyId": "otp-77aa",
            "recipientEmail": {
                "emailAddress": "kari@example.com",
                "emailSettings": {"subject": "Your code", "body": "Your code is 123456"},
            },
        },
    )
}

INSTANT: Final = {
    "code": Example(
        "A code that is worth nothing after five minutes",
        {
            "idempotencyId": "otp-9c1f",
            "recipient": {
                "recipientSms": {
                    "phoneNumber": "+4799999999",
                    "timeToLiveInSeconds": 300,
                    "smsSettings": {"body": "Your code is 123456"},
                }
            },
        },
    )
}

_PLACED: Final = PlacedDocument(
    notification_order_id=CHAIN_ID,
    notification=PlacedNotification(shipment_id=SHIPMENT_ID, senders_reference=_REFERENCE),
)

PLACED: Final = {"placed": Example("One shipment", _PLACED)}

PLACED_CHAIN: Final = {
    "reminded": Example(
        "A shipment, and its reminder",
        PlacedDocument(
            notification_order_id=CHAIN_ID,
            notification=PlacedNotification(
                shipment_id=SHIPMENT_ID,
                senders_reference=_REFERENCE,
                reminders=(
                    PlacedReminder(
                        shipment_id=UUID("8a4b7f1e-0c52-4f0e-8c1b-5d2f9e7a6b10"),
                        senders_reference="case-2026-0042-r1",
                    ),
                ),
            ),
        ),
    ),
    **PLACED,
}

SHIPMENT: Final = {
    "processed": Example(
        "The e-mail was delivered, the report on the SMS has not come yet",
        ShipmentDocument(
            shipment_id=SHIPMENT_ID,
            senders_reference=_REFERENCE,
            type="Notification",
            status="Order_Processed",
            last_update=InstantText("2035-05-04T09:30:04.118271Z"),
            recipients=(
                ShipmentRecipient(
                    type="Email", destination="kari@example.com", status="Email_Delivered", last_update=_CHANGED
                ),
                ShipmentRecipient(
                    type="SMS",
                    destination="+4799999999",
                    status="SMS_Accepted",
                    last_update=InstantText("2035-05-04T09:30:42.71Z"),
                ),
            ),
        ),
    )
}

FEED: Final = {
    "entries": Example(
        "One was sent, the send condition of another was not met",
        (
            FeedEntry(
                sequence_number=104_217,
                shipment_id=SHIPMENT_ID,
                senders_reference=_REFERENCE,
                shipment_type="Notification",
                status="Order_Completed",
                last_update=InstantText("2035-05-04T09:33:00.120033Z"),
                recipients=(
                    FeedRecipient(destination="kari@example.com", status="Email_Delivered", last_update=_CHANGED),
                ),
            ),
            FeedEntry(
                sequence_number=104_220,
                shipment_id=UUID("8a4b7f1e-0c52-4f0e-8c1b-5d2f9e7a6b10"),
                shipment_type="Reminder",
                status="Order_SendConditionNotMet",
                last_update=InstantText("2035-05-11T09:30:02.5Z"),
                recipients=(),
            ),
        ),
    ),
    "none": Example("Nothing has ended since", ()),
}
