"""What a directory can say about a person or an organisation, before any rule is applied to it.

Values are exactly as the directory holds them: numbers may lack their country code, addresses may be blank or repeated.
What becomes of them is decided in `recipients` (processing.md 2.3 to 2.7).
"""

from datetime import datetime
from typing import NamedTuple

import msgspec


class PersonContact(msgspec.Struct, frozen=True, gc=False):
    """A person's contact data and reservation against digital contact (integrations.md 2.1)."""

    national_identity_number: str
    is_reserved: bool = False
    email: str | None = None
    mobile_number: str | None = None


class ExternalContact(msgspec.Struct, frozen=True, gc=False):
    """Contact data of a self-identified user (integrations.md 2.2)."""

    external_identity: str
    email: str | None = None
    mobile_number: str | None = None


class OrganizationContact(msgspec.Struct, frozen=True, gc=False):
    """An organisation's official notification addresses (integrations.md 2.3)."""

    organization_number: str
    party_id: int = 0
    emails: tuple[str, ...] = ()
    mobile_numbers: tuple[str, ...] = ()


class UserContact(msgspec.Struct, frozen=True, gc=False):
    """What one authorised user registered for himself at an organisation (integrations.md 2.4)."""

    user_id: int
    email: str | None = None
    mobile_number: str | None = None


class PartyName(msgspec.Struct, frozen=True, gc=False):
    """The registered name of a known party; None when the register holds the party without a name."""

    identifier: str
    name: str | None = None


class Origin(NamedTuple):
    """Which directory gave an answer, and in which minute; None where nobody took note of the time.

    Also for unknown parties: then it names who was asked, several joined by `+`. `refused` tells of one who counts as
    unknown because a directory has no usable answer about him, while it has about others.
    """

    directory: str
    at: datetime | None = None
    refused: bool = False


class LeftAnswer(NamedTuple):
    """An answer packed for another process: the directory that gave it, and when it was asked for."""

    directory: str
    packed: bytes
    asked_at: datetime
