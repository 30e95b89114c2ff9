"""Examples of v1 requests and answers, as the published description shows them. The first of several is the usual one.

Persons and organisations are made up.
"""

from typing import Any, Final
from uuid import UUID

from varsel.intake.openapi import Example
from varsel.intake.times import InstantText
from varsel.intake.wire_v1.documents import (
    AcceptedDocument,
    ChannelSummary,
    EmailNotificationDocument,
    EmailNotificationList,
    EmailRecipientDocument,
    EmailTemplateDocument,
    OrderDocument,
    OrderLinks,
    OrderList,
    ProcessingStatus,
    RecipientDocument,
    RecipientLookupDocument,
    SelfLink,
    SendStatus,
    SmsNotificationDocument,
    SmsNotificationList,
    SmsRecipientDocument,
    SmsTemplateDocument,
    StatusDocument,
    StatusSummary,
)
from varsel.model.results import FACTS, Result

ORDER_ID: Final = UUID("6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01")
REFERENCE: Final = "case-2026-0042"
ADDRESS: Final = f"https://varsel.example.no/notifications/api/v1/orders/{ORDER_ID}"

_LATER: Final = "2035-05-04T11:30:00+02:00"
_SEND_TIME: Final = InstantText("2035-05-04T09:30:00Z")
_CREATED: Final = InstantText("2035-05-03T09:12:44.5518342Z")
_CHANGED: Final = InstantText("2035-05-04T09:31:10.004211Z")

PLACE: Final = {
    "email": Example(
        "An e-mail, as soon as possible",
        {
            "sendersReference": REFERENCE,
            "notificationChannel": "Email",
            "recipients": [{"emailAddress": "kari@example.com"}],
            "emailTemplate": {"subject": "New letter", "body": "You have a letter."},
        },
    ),
    "preferred": Example(
        "SMS or else e-mail, at a certain time, if a condition is met",
        {
            "sendersReference": REFERENCE,
            "requestedSendTime": _LATER,
            "notificationChannel": "SmsPreferred",
            "ignoreReservation": False,
            "resourceId": "urn:altinn:resource:app_ttd_letters",
            "resourceAction": "read",
            "conditionEndpoint": "https://ttd.example.no/check?case=42",
            "recipients": [
                {"nationalIdentityNumber": "16069412345"},
                {"organizationNumber": "310123456"},
                {"emailAddress": "kari@example.com", "mobileNumber": "+4799999999"},
            ],
            "emailTemplate": {
                "fromAddress": "noreply@ttd.example.no",
                "subject": "New letter",
                "body": "<p>You have a letter.</p>",
                "contentType": "Html",
            },
            "smsTemplate": {"senderNumber": "TTD", "body": "You have a letter."},
        },
    ),
}

PLACE_EMAIL: Final = {
    "email": Example(
        "An e-mail, as soon as possible",
        {
            "sendersReference": "case-2026-0043",
            "recipients": [{"emailAddress": "kari@example.com"}],
            "subject": "Reminder",
            "body": "<p>Please answer.</p>",
            "contentType": "Html",
        },
    )
}

PLACE_SMS: Final = {
    "sms": Example(
        "An SMS, in the next daytime window",
        {
            "sendersReference": "case-2026-0044",
            "recipients": [{"mobileNumber": "+4799999999"}],
            "senderNumber": "TTD",
            "body": "Please answer.",
        },
    )
}

ACCEPTED: Final = {
    "accepted": Example("Every address was given", AcceptedDocument(order_id=ORDER_ID)),
    "looked-up": Example(
        "Addresses were looked up; one person is reserved",
        AcceptedDocument(
            order_id=ORDER_ID,
            recipient_lookup=RecipientLookupDocument(
                status="PartialSuccess", is_reserved=("16069412345",), missing_contact=()
            ),
        ),
    ),
}

_BASICS: Final[dict[str, Any]] = {
    "id": ORDER_ID,
    "senders_reference": REFERENCE,
    "requested_send_time": _SEND_TIME,
    "creator": "ttd",
    "created": _CREATED,
    "notification_channel": "SmsPreferred",
    "ignore_reservation": False,
    "resource_id": "urn:altinn:resource:app_ttd_letters",
    "condition_endpoint": "https://ttd.example.no/check?case=42",
}

_ORDER: Final = OrderDocument(
    **_BASICS,
    recipients=(RecipientDocument(national_identity_number="16069412345"),),
    email_template=EmailTemplateDocument(
        from_address="noreply@ttd.example.no", subject="New letter", body="You have a letter.", content_type="Plain"
    ),
    sms_template=SmsTemplateDocument(sender_number="TTD", body="You have a letter."),
    links=OrderLinks(self=ADDRESS, status=f"{ADDRESS}/status"),
)

ORDER: Final = {"order": Example("An order with two templates", _ORDER)}
ORDERS: Final = {
    "found": Example("One order has this reference", OrderList(count=1, orders=(_ORDER,))),
    "none": Example("No order has it", OrderList(count=0, orders=())),
}

STATUS: Final = {
    "completed": Example(
        "Every e-mail has its result",
        StatusDocument(
            **_BASICS,
            processing_status=ProcessingStatus(
                status="Completed",
                description="Order processing is completed. All notifications have a final status.",
                last_update=_CHANGED,
            ),
            notifications_status_summary=StatusSummary(
                email=ChannelSummary(links=SelfLink(self=f"{ADDRESS}/notifications/email"), generated=2, succeeded=1)
            ),
        ),
    )
}

CANCELLED: Final = {
    "cancelled": Example(
        "The order is cancelled",
        StatusDocument(
            **_BASICS,
            processing_status=ProcessingStatus(
                status="Cancelled",
                description="Order processing was stopped due to order being cancelled.",
                last_update=_CREATED,
            ),
        ),
    )
}


def _ended(result: Result) -> SendStatus:
    return SendStatus(status=result.facts.masked_name, description=result.facts.description, last_update=_CHANGED)


EMAILS: Final = {
    "two": Example(
        "One was delivered, one recipient is reserved",
        EmailNotificationList(
            order_id=ORDER_ID,
            senders_reference=REFERENCE,
            generated=2,
            succeeded=1,
            notifications=(
                EmailNotificationDocument(
                    id=UUID("b0c7c9a4-6b5e-4ab6-8b55-8f0e1d3c6a11"),
                    succeeded=FACTS[Result.EMAIL_DELIVERED].succeeded,
                    recipient=EmailRecipientDocument(
                        organization_number="310123456", email_address="post@firma.example.no"
                    ),
                    send_status=_ended(Result.EMAIL_DELIVERED),
                ),
                EmailNotificationDocument(
                    id=UUID("d9e1a4b2-2f0a-4d0c-8f57-19f2b2d1a0ce"),
                    succeeded=FACTS[Result.EMAIL_FAILED_RECIPIENT_RESERVED].succeeded,
                    recipient=EmailRecipientDocument(national_identity_number="16069412345", email_address=""),
                    send_status=_ended(Result.EMAIL_FAILED_RECIPIENT_RESERVED),
                ),
            ),
        ),
    )
}

SMS: Final = {
    "one": Example(
        "It was delivered",
        SmsNotificationList(
            order_id=ORDER_ID,
            senders_reference=REFERENCE,
            generated=1,
            succeeded=1,
            notifications=(
                SmsNotificationDocument(
                    id=UUID("2f1c8f7e-3c1a-4d75-9a86-51d0b8f6f0aa"),
                    succeeded=FACTS[Result.SMS_DELIVERED].succeeded,
                    recipient=SmsRecipientDocument(mobile_number="+4799999999"),
                    send_status=_ended(Result.SMS_DELIVERED),
                ),
            ),
        ),
    )
}
