"""What a caller is told at registration about recipients that had to be looked up (api.md 3.5, processing.md 2.4)."""

from collections.abc import Sequence

from varsel.model.orders import NotificationChannel, Recipient, RecipientLookupStatus
from varsel.model.recipients import Answers, LookupReport
from varsel.recipients.questions import needs_lookup
from varsel.recipients.resolve import resolve


class LookupTally:
    """Gathers the report part by part, so that a huge order is never looked at as a whole.

    By the contract contacts registered by users do not count at registration: leave them out of the questions
    (`count_user_contacts`).
    """

    def __init__(self, channel: NotificationChannel) -> None:
        self._channel = channel
        self._looked_up = 0
        self._reserved: dict[str, None] = {}
        self._missing: dict[str, None] = {}

    def add(self, recipients: Sequence[Recipient], answers: Answers) -> None:
        """Take in one part of the order with what the directories said about it."""
        asked = [recipient for recipient in recipients if needs_lookup(recipient, self._channel)]
        self._looked_up += len(asked)
        for recipient, found in zip(asked, resolve(asked, self._channel, answers), strict=True):
            identifier = found.national_identity_number or found.organization_number or recipient.external_identity
            if identifier is None:
                continue
            if found.is_reserved:
                self._reserved[identifier] = None
            elif not found.emails and not found.mobile_numbers:
                self._missing[identifier] = None

    def report(self) -> LookupReport | None:
        """Return the verdict on everything added; None when no recipient needed a look-up."""
        if not self._looked_up:
            return None
        return LookupReport(self._status(), tuple(self._reserved), tuple(self._missing))

    def _status(self) -> RecipientLookupStatus:
        unreachable = len(self._reserved) + len(self._missing)
        if not unreachable:
            return RecipientLookupStatus.Success
        if unreachable == self._looked_up:
            return RecipientLookupStatus.Failed
        return RecipientLookupStatus.PartialSuccess


def lookup_report(
    recipients: Sequence[Recipient], answers: Answers, channel: NotificationChannel
) -> LookupReport | None:
    """Return the report on an order that fits in one part; None when no recipient needed a look-up."""
    tally = LookupTally(channel)
    tally.add(recipients, answers)
    return tally.report()
