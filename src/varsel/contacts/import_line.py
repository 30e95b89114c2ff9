"""The shape of a line of an import file, as CSV and JSON lines have it in common (docs/contact-register.md)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

UserId: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class WhoseUser(msgspec.Struct, frozen=True, rename="camel"):
    """Which user an element of `users` is about."""

    user_id: UserId


class Whose(msgspec.Struct, frozen=True, rename="camel"):
    """Whom a line is about; whatever else it says is not looked at."""

    national_identity_number: str | None = None
    external_identity: str | None = None
    organization_number: str | None = None
    user_id: UserId | None = None
    users: Sequence[WhoseUser] | None = None


class ListedUser(WhoseUser, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An element of an organisation's `users`."""

    email: str | None = None
    mobile_number: str | None = None
    resources: tuple[str, ...] | None = None


class Line(Whose, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A line as written; which members go together is not decided yet. None: left out."""

    users: tuple[ListedUser, ...] | None = None
    name: str | None = None
    email: str | None = None
    mobile_number: str | None = None
    is_reserved: bool | None = None
    is_stale: bool | None = None
    confirmed: date | None = None
    emails: tuple[str, ...] | None = None
    mobile_numbers: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None


class Unusable(Exception):
    """A line cannot be used, for this reason; `keys` are whom it is about, as far as whoever raises this knows."""

    def __init__(self, reason: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.keys = keys
