"""Results of single notifications, with every name they carry on the wire (api.md, sections 4.3 and 4.4)."""

from enum import IntEnum
from typing import NamedTuple


class Channel(IntEnum):
    """The means one notification travels by. An order's channel *scheme* is `NotificationChannel`."""

    Email = 0
    Sms = 1


class Stage(IntEnum):
    """How far a notification has come; a result may only be replaced by one of a later stage."""

    New = 0
    Sending = 1
    HandedOver = 2
    Final = 3


class Result(IntEnum):
    """The stored result of a notification. The number is the wire integer of the newer API."""

    SMS_NEW = 25
    SMS_SENDING = 26
    SMS_ACCEPTED = 27
    SMS_DELIVERED = 28
    SMS_FAILED = 29
    SMS_FAILED_INVALID_RECIPIENT = 30
    SMS_FAILED_RECIPIENT_RESERVED = 31
    SMS_FAILED_BARRED_RECEIVER = 32
    SMS_FAILED_DELETED = 33
    SMS_FAILED_EXPIRED = 34
    SMS_FAILED_UNDELIVERED = 35
    SMS_FAILED_RECIPIENT_NOT_IDENTIFIED = 36
    SMS_FAILED_REJECTED = 37
    SMS_FAILED_TTL = 38
    EMAIL_NEW = 50
    EMAIL_SENDING = 51
    EMAIL_SUCCEEDED = 52
    EMAIL_DELIVERED = 53
    EMAIL_FAILED = 54
    EMAIL_FAILED_RECIPIENT_RESERVED = 55
    EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED = 56
    EMAIL_FAILED_INVALID_FORMAT = 57
    EMAIL_FAILED_SUPPRESSED_RECIPIENT = 58
    EMAIL_FAILED_TRANSIENT_ERROR = 59
    EMAIL_FAILED_BOUNCED = 60
    EMAIL_FAILED_FILTERED_SPAM = 61
    EMAIL_FAILED_QUARANTINED = 62
    EMAIL_FAILED_TTL = 63
    EMAIL_FAILED_INVALID_SAS_URL = 64
    EMAIL_FAILED_PAYLOAD_TOO_LARGE = 65

    @property
    def facts(self) -> "Facts":
        """Names, stage and meaning of this result."""
        return FACTS[self]


class Facts(NamedTuple):
    """What is fixed about a result: names, stage, whether it counts as succeeded, and its sentence."""

    channel: Channel
    name: str
    wire_name: str
    stage: Stage
    succeeded: bool
    description: str

    @property
    def masked_name(self) -> str:
        """Name in the v1 documents, which show `Failed_TTL` as `Failed` (api.md 3.8)."""
        return "Failed" if self.name == "Failed_TTL" else self.name


def _email(name: str, stage: Stage, description: str, *, wire: str | None = None, succeeded: bool = False) -> Facts:
    return Facts(Channel.Email, name, f"Email_{wire or name}", stage, succeeded, description)


def _sms(name: str, stage: Stage, description: str, *, succeeded: bool = False) -> Facts:
    return Facts(Channel.Sms, name, f"SMS_{name}", stage, succeeded, description)


_RESERVED = "The recipient is reserved against digital contact, so nothing was sent."
_UNREPORTED = "No final report arrived within the time limit."

FACTS: dict[Result, Facts] = {
    Result.SMS_NEW: _sms("New", Stage.New, "The SMS has been created and waits to be sent."),
    Result.SMS_SENDING: _sms("Sending", Stage.Sending, "The SMS is being handed to the gateway."),
    Result.SMS_ACCEPTED: _sms(
        "Accepted",
        Stage.HandedOver,
        "The gateway has accepted the SMS; its delivery report is awaited.",
        succeeded=True,
    ),
    Result.SMS_DELIVERED: _sms("Delivered", Stage.Final, "The SMS reached the recipient's phone.", succeeded=True),
    Result.SMS_FAILED: _sms("Failed", Stage.Final, "The SMS could not be sent or delivered."),
    Result.SMS_FAILED_INVALID_RECIPIENT: _sms(
        "Failed_InvalidRecipient", Stage.Final, "The gateway refused the recipient's number."
    ),
    Result.SMS_FAILED_RECIPIENT_RESERVED: _sms("Failed_RecipientReserved", Stage.Final, _RESERVED),
    Result.SMS_FAILED_BARRED_RECEIVER: _sms(
        "Failed_BarredReceiver", Stage.Final, "The recipient's number is barred from receiving such messages."
    ),
    Result.SMS_FAILED_DELETED: _sms("Failed_Deleted", Stage.Final, "The SMS was deleted at the operator."),
    Result.SMS_FAILED_EXPIRED: _sms("Failed_Expired", Stage.Final, "The validity of the SMS ran out at the operator."),
    Result.SMS_FAILED_UNDELIVERED: _sms("Failed_Undelivered", Stage.Final, "The SMS could not be delivered."),
    Result.SMS_FAILED_RECIPIENT_NOT_IDENTIFIED: _sms(
        "Failed_RecipientNotIdentified", Stage.Final, "No mobile number was found for the recipient."
    ),
    Result.SMS_FAILED_REJECTED: _sms("Failed_Rejected", Stage.Final, "The operator rejected the SMS."),
    Result.SMS_FAILED_TTL: _sms("Failed_TTL", Stage.Final, _UNREPORTED),
    Result.EMAIL_NEW: _email("New", Stage.New, "The e-mail has been created and waits to be sent."),
    Result.EMAIL_SENDING: _email("Sending", Stage.Sending, "The e-mail is being handed to the provider."),
    Result.EMAIL_SUCCEEDED: _email(
        "Succeeded",
        Stage.HandedOver,
        "The provider has accepted the e-mail; its delivery report is awaited.",
        succeeded=True,
    ),
    Result.EMAIL_DELIVERED: _email(
        "Delivered", Stage.Final, "The e-mail reached the recipient's mail server.", succeeded=True
    ),
    Result.EMAIL_FAILED: _email("Failed", Stage.Final, "The e-mail could not be sent or delivered."),
    Result.EMAIL_FAILED_RECIPIENT_RESERVED: _email("Failed_RecipientReserved", Stage.Final, _RESERVED),
    Result.EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED: _email(
        "Failed_RecipientNotIdentified", Stage.Final, "No e-mail address was found for the recipient."
    ),
    Result.EMAIL_FAILED_INVALID_FORMAT: _email(
        "Failed_InvalidEmailFormat",
        Stage.Final,
        "The provider considers the e-mail address malformed.",
        wire="Failed_InvalidFormat",
    ),
    Result.EMAIL_FAILED_SUPPRESSED_RECIPIENT: _email(
        "Failed_SupressedRecipient",  # so spelt on the wire (api.md 4.3)
        Stage.Final,
        "The provider has put the e-mail address on its suppression list.",
        wire="Failed_SuppressedRecipient",
    ),
    Result.EMAIL_FAILED_TRANSIENT_ERROR: _email(
        "Failed_TransientError", Stage.Sending, "The provider had a temporary error; the e-mail is tried again."
    ),
    Result.EMAIL_FAILED_BOUNCED: _email(
        "Failed_Bounced", Stage.Final, "The receiving side rejected the e-mail permanently."
    ),
    Result.EMAIL_FAILED_FILTERED_SPAM: _email(
        "Failed_FilteredSpam", Stage.Final, "The e-mail was classified as spam and not delivered."
    ),
    Result.EMAIL_FAILED_QUARANTINED: _email("Failed_Quarantined", Stage.Final, "The e-mail was put in quarantine."),
    Result.EMAIL_FAILED_TTL: _email("Failed_TTL", Stage.Final, _UNREPORTED),
    Result.EMAIL_FAILED_INVALID_SAS_URL: _email(
        "Failed_InvalidSasUrl", Stage.Final, "An attachment's address is invalid, expired or inaccessible."
    ),
    Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE: _email(
        "Failed_PayloadTooLarge", Stage.Final, "The e-mail with its attachments exceeds the provider's size limit."
    ),
}

NEW = {Channel.Email: Result.EMAIL_NEW, Channel.Sms: Result.SMS_NEW}
SENDING = {Channel.Email: Result.EMAIL_SENDING, Channel.Sms: Result.SMS_SENDING}
HANDED_OVER = {Channel.Email: Result.EMAIL_SUCCEEDED, Channel.Sms: Result.SMS_ACCEPTED}
DELIVERED = {Channel.Email: Result.EMAIL_DELIVERED, Channel.Sms: Result.SMS_DELIVERED}
FAILED = {Channel.Email: Result.EMAIL_FAILED, Channel.Sms: Result.SMS_FAILED}
FAILED_TTL = {Channel.Email: Result.EMAIL_FAILED_TTL, Channel.Sms: Result.SMS_FAILED_TTL}
NOT_IDENTIFIED = {
    Channel.Email: Result.EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED,
    Channel.Sms: Result.SMS_FAILED_RECIPIENT_NOT_IDENTIFIED,
}
RESERVED = {Channel.Email: Result.EMAIL_FAILED_RECIPIENT_RESERVED, Channel.Sms: Result.SMS_FAILED_RECIPIENT_RESERVED}

_UNCONFIRMED = {
    Result.EMAIL_FAILED_TTL: "The provider had not confirmed that it took the e-mail when the time limit was reached.",
    Result.SMS_FAILED_TTL: "The gateway had not confirmed that it took the SMS when the time limit was reached.",
}


def description(result: Result, *, taken: bool) -> str:
    """Return the sentence about a result; `taken` tells whether a provider confirmed that it has the message.

    What expired before that cannot lack a final report: it never left, or nobody knows whether it did.
    """
    return result.facts.description if taken else _UNCONFIRMED.get(result, result.facts.description)
