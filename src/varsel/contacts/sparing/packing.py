"""Answers packed for remembering: a handful of bytes instead of a handful of objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from varsel.model.contacts import (
    ExternalContact,
    OrganizationContact,
    Origin,
    PartyName,
    PersonContact,
    UserContact,
)

V = TypeVar("V")
_MINUTE = 60

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Packing(Generic[V]):
    """How one kind of answer is taken apart into `fields` and `build` from its key and them.

    `decode` reads an envelope: number of the directory's name, minute of the answer, fields or None for an unknown.
    """

    fields: Callable[[str, V], tuple[Any, ...]]
    build: Callable[..., V]
    decode: Callable[[bytes], tuple[int, int, tuple[Any, ...] | None]]

    def pack(self, key: str, value: V | None, directory: int, minute: int) -> bytes:
        """Return the packed answer about `key`; None is an unknown party."""
        return _encode((directory, minute, None if value is None else self.fields(key, value)))

    def unpack(self, key: str, packed: bytes) -> tuple[V | None, int, int]:
        """Return the answer about `key`, the number of the directory that gave it, and the minute."""
        directory, minute, fields = self.decode(packed)
        return None if fields is None else self.build(key, *fields), directory, minute


def minute_of(instant: datetime) -> int:
    """Count minutes since 1970."""
    return int(instant.timestamp()) // _MINUTE


@lru_cache(maxsize=4096)
def origin(directory: str, minute: int) -> Origin:
    """Return the origin of all answers of one minute, the same object for as long as it is in use."""
    return Origin(directory, datetime.fromtimestamp(0, UTC) + timedelta(minutes=minute))


def _decoder(fields: Any) -> Callable[[bytes], tuple[int, int, Any]]:
    return msgspec.msgpack.Decoder(tuple[int, int, fields | None]).decode


def _external(identity: str, echoed: str | None, email: str | None, number: str | None) -> ExternalContact:
    return ExternalContact(identity if echoed is None else echoed, email, number)


def _users(_key: str, *users: tuple[int, str | None, str | None]) -> Sequence[UserContact]:
    return [UserContact(*user) for user in users]


PERSONS: Packing[PersonContact] = Packing(
    lambda _key, person: (person.is_reserved, person.email, person.mobile_number),
    PersonContact,
    _decoder(tuple[bool, str | None, str | None]),
)
EXTERNALS: Packing[ExternalContact] = Packing(
    lambda key, e: (None if e.external_identity == key else e.external_identity, e.email, e.mobile_number),
    _external,
    _decoder(tuple[str | None, str | None, str | None]),
)
ORGANIZATIONS: Packing[OrganizationContact] = Packing(
    lambda _key, organization: (organization.party_id, organization.emails, organization.mobile_numbers),
    OrganizationContact,
    _decoder(tuple[int, tuple[str, ...], tuple[str, ...]]),
)
USERS: Packing[Sequence[UserContact]] = Packing(
    lambda _key, users: tuple((user.user_id, user.email, user.mobile_number) for user in users),
    _users,
    _decoder(tuple[tuple[int, str | None, str | None], ...]),
)
NAMES: Packing[PartyName] = Packing(
    lambda _key, party: (party.name,),
    lambda key, name: PartyName(key[1:], name),  # the key tells by its first letter whose name it is
    _decoder(tuple[str | None]),
)
