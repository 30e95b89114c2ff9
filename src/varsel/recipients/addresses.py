"""Addresses of one party: cleaned, without repetition, chosen by channel scheme (processing.md 2.3, 2.6, 2.7)."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from varsel.mechanisms.white_space import is_blank
from varsel.model.addresses import e164, is_mobile_number, normalise_number
from varsel.model.contacts import OrganizationContact, UserContact
from varsel.model.orders import NotificationChannel


class Addresses(NamedTuple):
    """E-mail addresses and mobile numbers, in order of preference within each."""

    emails: tuple[str, ...] = ()
    mobile_numbers: tuple[str, ...] = ()


NOWHERE = Addresses()


def chosen(found: Addresses, channel: NotificationChannel) -> Addresses:
    """Keep what the channel scheme uses of one party's addresses, or of an organisation's official list as a whole."""
    emails, numbers = found
    match channel:
        case NotificationChannel.Email:
            return Addresses(emails, ()) if numbers else found
        case NotificationChannel.Sms:
            return Addresses((), numbers) if emails else found
        case NotificationChannel.EmailPreferred:
            return Addresses(emails, () if emails else numbers)
        case NotificationChannel.SmsPreferred:
            return Addresses(() if numbers else emails, numbers)
        case NotificationChannel.EmailAndSms:
            return found


def of_one(email: str | None, mobile_number: str | None) -> Addresses:
    """Clean one party's e-mail and number as looked up: blank and invalid ones count as absent."""
    number = normalise_number(mobile_number) if mobile_number else ""
    return Addresses(
        (email,) if email and not is_blank(email) else (),
        (number,) if number and is_mobile_number(number) else (),
    )


def of_organization(
    official: OrganizationContact | None, users: Sequence[UserContact], channel: NotificationChannel
) -> Addresses:
    """Choose an organisation's addresses: the official list as a whole, then each user for himself.

    Repetitions are removed before choosing, whatever the scheme, so a user whose e-mail is official already may be
    reached by his number instead (processing.md 2.6).
    """
    listed = NOWHERE
    if official is not None:
        listed = Addresses(_emails(official.emails), _numbers(official.mobile_numbers))
    groups = [listed, *_users_own(users, listed)]
    picks = [chosen(group, channel) for group in groups]
    return Addresses(
        tuple(email for pick in picks for email in pick.emails),
        tuple(number for pick in picks for number in pick.mobile_numbers),
    )


def _users_own(users: Sequence[UserContact], official: Addresses) -> list[Addresses]:
    """Clean each user's contacts, leaving out what is official or was named by an earlier user.

    An invalid number is dropped before anything is chosen, so that it never wins over a good e-mail.
    Of several entries of one user only the first counts (integrations.md 2.8).
    """
    first_entries: dict[int, UserContact] = {}
    for user in users:
        first_entries.setdefault(user.user_id, user)
    seen = {*map(str.casefold, official.emails), *map(_number_key, official.mobile_numbers)}
    own: list[Addresses] = []
    for user in first_entries.values():
        emails, numbers = of_one(user.email, user.mobile_number)
        own.append(Addresses(_unseen(emails, seen), _unseen(numbers, seen, _number_key)))
    return own


def _number_key(number: str) -> str:
    """Return what makes two spellings one number; what is no valid number is compared as text."""
    return e164(number) or number.casefold()


def _unseen(addresses: Iterable[str], seen: set[str], key_of: Callable[[str], str] = str.casefold) -> tuple[str, ...]:
    """Keep addresses whose key is not in `seen`, as first written, and add their keys to it."""
    kept: list[str] = []
    for address in addresses:
        key = key_of(address)
        if key not in seen:
            seen.add(key)
            kept.append(address)
    return tuple(kept)


def _emails(emails: Iterable[str]) -> tuple[str, ...]:
    return _unseen((email for email in emails if not is_blank(email)), set())


def _numbers(numbers: Iterable[str]) -> tuple[str, ...]:
    normalised = (normalise_number(number) for number in numbers)
    return _unseen((number for number in normalised if is_mobile_number(number)), set(), _number_key)
