"""Recipients and answers in, addresses out: every rule of processing.md 2.1 to 2.7."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from varsel.mechanisms.white_space import is_blank
from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.recipients import NO_ANSWERS, Answers, ResolvedRecipient
from varsel.recipients import trail
from varsel.recipients.addresses import NOWHERE, chosen, of_one, of_organization
from varsel.recipients.questions import needs_lookup

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
    an identifier wins (processing.md 2.6). Recipients that no directory knows come back without addresses. Who was
    looked up comes with a trail that tells how it went, if `answers` tell where they are from, or why there are none.
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
    if answers.trouble is not None:
        return _given_up(recipient, trail.of_trouble(answers.trouble, channel))
    if recipient.national_identity_number:
        return _person(recipient.national_identity_number, channel, answers)
    if recipient.organization_number:
        return _organization(recipient.organization_number, channel, answers)
    return _external(recipient.external_identity or "", channel, answers)


def _given_up(recipient: Recipient, why: str) -> ResolvedRecipient:
    nin = recipient.national_identity_number
    return ResolvedRecipient(*NOWHERE, False, nin, None if nin else recipient.organization_number, why)


def _person(number: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    contact = answers.persons.get(number)
    usable = NOWHERE if contact is None else of_one(contact.email, contact.mobile_number)
    taken = chosen(usable, channel)
    why = trail.of_party(answers.origins.get(number), contact, usable, channel, taken)
    reserved = contact is not None and contact.is_reserved
    return ResolvedRecipient(*taken, reserved, national_identity_number=number, trail=why)


def _organization(number: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    official, users = answers.organizations.get(number), answers.user_contacts.get(number, ())
    taken = of_organization(official, users, channel)
    origin, user_origin = answers.origins.get(number), answers.user_origins.get(number)
    why = trail.of_organization(origin, official, user_origin, len(users), channel, taken)
    return ResolvedRecipient(*taken, organization_number=number, trail=why)


def _external(identity: str, channel: NotificationChannel, answers: Answers) -> ResolvedRecipient:
    contact = answers.external_identities.get(identity)
    usable = NOWHERE if contact is None else of_one(contact.email, contact.mobile_number)
    taken = chosen(usable, channel)
    why = trail.of_party(answers.origins.get(identity), contact, usable, channel, taken)
    return ResolvedRecipient(*taken, trail=why)
