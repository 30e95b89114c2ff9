"""Recipients and answers in, addresses out: every rule of processing.md 2.1 to 2.7."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.recipients import NO_ANSWERS, Answers, ResolvedRecipient
from varsel.recipients.addresses import NOWHERE, chosen, of_one, of_organization
from varsel.recipients.questions import is_blank, needs_lookup

_KEYED_BY_POSITION = (NotificationChannel.Email, NotificationChannel.Sms)


def resolve(
    recipients: Sequence[Recipient],
    channel: NotificationChannel,
    answers: Answers = NO_ANSWERS,
    *,
    offset: int = 0,
    superseded: AbstractSet[int] = frozenset(),
) -> list[ResolvedRecipient]:
    """Find the addresses of `recipients`, whose first has position `offset` in its order.

    Positions in `superseded` are left out under the preferred schemes and EmailAndSms, where the last occurrence of
    an identifier wins (processing.md 2.6). Recipients that no directory knows come back without addresses.
    """
    if superseded and channel not in _KEYED_BY_POSITION:
        recipients = [recipient for at, recipient in enumerate(recipients, offset) if at not in superseded]
    return [
        _looked_up(recipient, channel, answers) if needs_lookup(recipient, channel) else _direct(recipient, channel)
        for recipient in recipients
    ]


def _direct(recipient: Recipient, channel: NotificationChannel) -> ResolvedRecipient:
    """Take the caller's own addresses unchanged, both of them under a scheme of two channels (2.3, 2.7)."""
    email, number = recipient.email_address, recipient.mobile_number
    nin = recipient.national_identity_number
    return ResolvedRecipient(
        () if email is None or channel is NotificationChannel.Sms or is_blank(email) else (email,),
        () if number is None or channel is NotificationChannel.Email or is_blank(number) else (number,),
        False,
        nin,
        None if nin else recipient.organization_number,
    )


def _looked_up(recipient: Recipient, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    if recipient.national_identity_number:
        return _person(recipient.national_identity_number, channel, answers)
    if recipient.organization_number:
        return _organization(recipient.organization_number, channel, answers)
    return _external(recipient.external_identity or "", channel, answers)


def _person(number: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    contact = answers.persons.get(number)
    if contact is None:
        return ResolvedRecipient(*NOWHERE, national_identity_number=number)
    emails, numbers = chosen(of_one(contact.email, contact.mobile_number), channel)
    return ResolvedRecipient(emails, numbers, contact.is_reserved, national_identity_number=number)


def _organization(number: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    users = answers.user_contacts.get(number, ())
    emails, numbers = of_organization(answers.organizations.get(number), users, channel)
    return ResolvedRecipient(emails, numbers, organization_number=number)


def _external(identity: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    contact = answers.external_identities.get(identity)
    if contact is None:
        return ResolvedRecipient(*NOWHERE)
    return ResolvedRecipient(*chosen(of_one(contact.email, contact.mobile_number), channel))
