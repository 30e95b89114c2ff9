"""What one line of an import file says, checked and turned into entries of the register (docs/contact-register.md).

Refusals name the member and what is expected there, never a value: values are personal data.
"""

import re
from collections.abc import Sequence

from varsel.contacts.import_line import Line, ListedUser, Unusable, Whose
from varsel.model.addresses import is_email_address, is_mobile_number, normalise_number
from varsel.model.external_identities import canonical_identity
from varsel.model.register import (
    RegisterEntry,
    RegisterExternal,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
    user_key,
)

_NUMBERS_DIGITS = {"nationalIdentityNumber": 11, "organizationNumber": 9}
_EXTERNAL_PREFIX = "urn:altinn:"
_RESOURCE_PREFIX = "urn:altinn:resource:"
_EVERY_RESOURCE = "*"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_EMAIL = 254  # RFC 5321 4.5.3.1.3: a path has 256 octets, two of them angle brackets
_LONGEST_NUMBER = 40
_LONGEST_NAME = 300
_LONGEST_IDENTITY = 500

_MEMBERS = dict(zip(Line.__struct_fields__, Line.__struct_encode_fields__, strict=True))


def _all_but(*belonging: str) -> tuple[str, ...]:
    return tuple(field for field in _MEMBERS if field not in belonging)


_NOT_OF_PERSONS = _all_but(
    "national_identity_number", "name", "email", "mobile_number", "is_reserved", "is_stale", "confirmed"
)
_NOT_OF_EXTERNALS = _all_but("external_identity", "email", "mobile_number")
_NOT_OF_ORGANIZATIONS = _all_but("organization_number", "name", "emails", "mobile_numbers", "users")
_NOT_OF_USERS = _all_but("organization_number", "user_id", "email", "mobile_number", "resources")


def entries_of(line: Line) -> tuple[RegisterEntry, ...]:
    """Return what `line` lists; raises `Unusable` with the first thing that is wrong."""
    if line.national_identity_number is not None:
        return (_person(line),)
    if line.external_identity is not None:
        return (_external(line),)
    if line.organization_number is None:
        raise Unusable("expected one of nationalIdentityNumber, externalIdentity and organizationNumber")
    if line.user_id is not None:
        return (_user(line),)
    return _organization(line)


def keys_of(line: Whose) -> tuple[str, ...]:
    """Return the keys of the entries `line` is about, none where that cannot be told."""
    try:
        return _keys(line)
    except Unusable:
        return ()


def _keys(line: Whose) -> tuple[str, ...]:
    identifiers = (line.national_identity_number, line.external_identity, line.organization_number)
    if identifiers.count(None) != 2:
        return ()
    if line.national_identity_number is not None:
        return (_digits("nationalIdentityNumber", line.national_identity_number),)
    if line.external_identity is not None:
        return (_external_identity(line.external_identity),)
    number = _digits("organizationNumber", line.organization_number)
    if line.user_id is not None:
        return (user_key(number, line.user_id),)
    return (number, *(user_key(number, user.user_id) for user in line.users or ()))


def _person(line: Line) -> RegisterPerson:
    number = _digits("nationalIdentityNumber", line.national_identity_number)
    _refuse(line, _NOT_OF_PERSONS, "a person")
    return RegisterPerson(
        number,
        _text("name", line.name, _LONGEST_NAME),
        _email("email", line.email),
        _mobile_number("mobileNumber", line.mobile_number),
        line.is_reserved or False,
        line.is_stale or False,
        line.confirmed,
    )


def _external(line: Line) -> RegisterExternal:
    identity = _external_identity(line.external_identity)
    _refuse(line, _NOT_OF_EXTERNALS, "an external identity")
    return RegisterExternal(identity, _email("email", line.email), _mobile_number("mobileNumber", line.mobile_number))


def _user(line: Line) -> RegisterUser:
    number = _digits("organizationNumber", line.organization_number)
    _refuse(line, _NOT_OF_USERS, "a user of an organisation")
    return RegisterUser(
        number,
        line.user_id or 0,
        _email("email", line.email),
        _mobile_number("mobileNumber", line.mobile_number),
        _resources("resources", line.resources),
    )


def _organization(line: Line) -> tuple[RegisterEntry, ...]:
    number = _digits("organizationNumber", line.organization_number)
    _refuse(line, _NOT_OF_ORGANIZATIONS, "an organisation")
    organization = RegisterOrganization(
        number,
        _text("name", line.name, _LONGEST_NAME),
        _emails(line.emails or ()),
        _mobile_numbers(line.mobile_numbers or ()),
    )
    return (organization, *_nested_users(number, line.users or ()))


def _nested_users(number: str, users: Sequence[ListedUser]) -> list[RegisterUser]:
    if len({user.user_id for user in users}) != len(users):
        raise Unusable("users: expected each userId once")
    return [
        RegisterUser(
            number,
            user.user_id,
            _email(f"users[{at}].email", user.email),
            _mobile_number(f"users[{at}].mobileNumber", user.mobile_number),
            _resources(f"users[{at}].resources", user.resources),
        )
        for at, user in enumerate(users)
    ]


def _refuse(line: Line, fields: Sequence[str], kind: str) -> None:
    for field in fields:
        if getattr(line, field) is not None:
            raise Unusable(f"{_MEMBERS[field]} does not belong to {kind}")


def _digits(member: str, value: str | None) -> str:
    text = value.strip() if value else ""
    digits = _NUMBERS_DIGITS[member]
    if len(text) != digits or not (text.isascii() and text.isdigit()):
        hint = " (a spreadsheet may have taken away a leading 0)" if text.isdigit() and len(text) == digits - 1 else ""
        raise Unusable(f"{member}: expected {digits} digits{hint}")
    return text


def _external_identity(value: str | None) -> str:
    # Checked before it is decoded, which takes time, and after, when other characters have come out.
    text = _text("externalIdentity", value, _LONGEST_IDENTITY) or ""
    text = _text("externalIdentity", canonical_identity(text), _LONGEST_IDENTITY) or ""
    if not text.startswith(_EXTERNAL_PREFIX):
        raise Unusable(f"externalIdentity: expected a URN that begins with {_EXTERNAL_PREFIX}")
    return text


def _text(member: str, value: str | None, longest: int) -> str | None:
    """Return `value` without surrounding blanks, None where nothing is left."""
    if not value:
        return None
    if _CONTROL.search(value):
        raise Unusable(f"{member}: expected text without control characters")
    text = value.strip()
    if len(text) > longest:
        raise Unusable(f"{member}: expected at most {longest} characters")
    return text or None


def _email(member: str, value: str | None) -> str | None:
    text = _text(member, value, _LONGEST_EMAIL)
    if text is not None and not is_email_address(text):
        raise Unusable(f"{member}: expected an e-mail address such as kari@example.com, or leave it out")
    return text


def _mobile_number(member: str, value: str | None) -> str | None:
    text = _text(member, value, _LONGEST_NUMBER)
    if text is not None and not is_mobile_number(normalise_number(text)):
        raise Unusable(f"{member}: expected a mobile number with country code such as +4799999999, or leave it out")
    return text


def _emails(values: Sequence[str]) -> tuple[str, ...]:
    found = (_email(f"emails[{at}]", value) for at, value in enumerate(values))
    return tuple(email for email in found if email)


def _mobile_numbers(values: Sequence[str]) -> tuple[str, ...]:
    found = (_mobile_number(f"mobileNumbers[{at}]", value) for at, value in enumerate(values))
    return tuple(number for number in found if number)


def _resources(member: str, values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return bare resource ids, None for all of them."""
    if values is None:
        return None
    found = tuple(_resource(f"{member}[{at}]", value) for at, value in enumerate(values))
    if _EVERY_RESOURCE in found and len(found) > 1:
        raise Unusable(f"{member}: expected resource ids, or {_EVERY_RESOURCE} alone for all of them")
    return None if found == (_EVERY_RESOURCE,) else found


def _resource(member: str, value: str) -> str:
    text = _text(member, value, _LONGEST_IDENTITY)
    if text is None:
        raise Unusable(f"{member}: expected a resource id")
    return text.removeprefix(_RESOURCE_PREFIX)
