"""The reason kept with a notification: who was asked and when, what kind of thing came back, what the rule took of it.

A trail is one line without personal data, such as
`altinn@2026-06-15T10:00Z:email+number;EmailPreferred:email` for a person, or
`register@2026-06-15T10:00Z:2 emails;altinn@2026-06-15T10:01Z:3 users;Sms:number` for an organisation.
`unknown` is a party nobody knew, `refused` one about whom the directory gave no usable answer although it answered
about others; `nothing` one without any address, or a rule that took none. Equal trails are the same
object, for the recipients of an order mostly have the same few. Where there was no answer until the order expired, what
stood in its way takes the place of the answers.
"""

from functools import lru_cache

from varsel.mechanisms.white_space import is_blank
from varsel.model.contacts import ExternalContact, OrganizationContact, Origin, PersonContact
from varsel.model.orders import NotificationChannel
from varsel.recipients.addresses import Addresses

_KEPT = 4096
_UNKNOWN, _REFUSED = "unknown", "refused"
_NOTHING = "nothing"


def of_party(
    origin: Origin | None,
    contact: PersonContact | ExternalContact | None,
    usable: Addresses,
    channel: NotificationChannel,
    taken: Addresses,
) -> str | None:
    """Return the trail of a person or self-identified user; None when it is not known who was asked."""
    if origin is None:
        return None
    if contact is None:
        return _line(origin, _nobody(origin), None, 0, channel, False, False)
    reserved = isinstance(contact, PersonContact) and contact.is_reserved
    bad_number = not usable.mobile_numbers and not is_blank(contact.mobile_number)
    found = _found(reserved, bool(usable.emails), bool(usable.mobile_numbers), bad_number)
    return _line(origin, found, None, 0, channel, bool(taken.emails), bool(taken.mobile_numbers))


def of_organization(
    origin: Origin | None,
    official: OrganizationContact | None,
    user_origin: Origin | None,
    users: int,
    channel: NotificationChannel,
    taken: Addresses,
) -> str | None:
    """Return the trail of an organisation with so many authorised `users`; None when it is not known who was asked."""
    if origin is None:
        return None
    found = _nobody(origin) if official is None else _counted(len(official.emails), len(official.mobile_numbers))
    return _line(origin, found, user_origin, users, channel, bool(taken.emails), bool(taken.mobile_numbers))


@lru_cache(maxsize=_KEPT)
def of_trouble(trouble: str, channel: NotificationChannel) -> str:
    """Return the trail of one about whom there was no answer in time, for the reason `trouble`."""
    return f"{trouble};{channel.name}:{_NOTHING}"


@lru_cache(maxsize=_KEPT)
def _found(reserved: bool, email: bool, number: bool, bad_number: bool) -> str:
    words = {"reserved": reserved, "email": email, "number": number, "unusable number": bad_number}
    return "+".join(word for word, holds in words.items() if holds) or _NOTHING


@lru_cache(maxsize=_KEPT)
def _counted(emails: int, numbers: int) -> str:
    return (
        "+".join(f"{count} {noun}" for count, noun in ((emails, "emails"), (numbers, "numbers")) if count) or _NOTHING
    )


@lru_cache(maxsize=_KEPT)
def _line(
    origin: Origin,
    found: str,
    user_origin: Origin | None,
    users: int,
    channel: NotificationChannel,
    email: bool,
    number: bool,
) -> str:
    steps = [f"{_written(origin)}:{found}"]
    if user_origin is not None:
        steps.append(f"{_written(user_origin)}:{_REFUSED if user_origin.refused else f'{users} users'}")
    steps.append(f"{channel.name}:{_found(False, email, number, False)}")
    return ";".join(steps)


def _nobody(origin: Origin) -> str:
    return _REFUSED if origin.refused else _UNKNOWN


def _written(origin: Origin) -> str:
    return origin.directory if origin.at is None else f"{origin.directory}@{origin.at:%Y-%m-%dT%H:%MZ}"
