"""The fixed directory: persons, organisations and names from a file, for first steps, rehearsals and tests.

Its format is described in docs/directory-file.md.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from varsel.contacts.directory_file import DirectoryContents, DirectoryFileError, read_contents
from varsel.errors import SettingsError
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact
from varsel.model.external_identities import canonical_identity

_log = logging.getLogger(__name__)

_Entry = TypeVar("_Entry")
_Signature = tuple[int, int, int, int] | str


class FixedDirectory:
    """Answers from `path`, read again when the file has changed; without a path, or a file there, knows nobody.

    Raises `SettingsError` when the file is wrong at first. A file that becomes wrong later, or vanishes, is reported in
    the log, and the last good content keeps answering: that everybody is unknown would be final for their messages.
    """

    name = "fixed"

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._contents = DirectoryContents()
        self._signature: _Signature | None = None
        try:
            self._refresh()
        except DirectoryFileError as error:
            raise SettingsError([str(error)]) from None

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Look up national identity numbers; entries marked `isStale` are found only with `use_stale`."""
        contents = self._current()
        hidden = frozenset() if use_stale else contents.stale_persons
        return {n: contents.persons[n] for n in numbers if n in contents.persons and n not in hidden}

    async def external_identities(self, identities: Collection[str]) -> Mapping[str, ExternalContact]:
        """Look up self-identified users, in whatever spelling they are asked for."""
        known = self._current().external_identities
        asked = {identity: canonical_identity(identity) for identity in identities}
        return {identity: known[canonical] for identity, canonical in asked.items() if canonical in known}

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
        """Look up official addresses."""
        return _found(numbers, self._current().organizations)

    async def user_contacts(
        self,
        organization_numbers: Collection[str],
        *,
        resource_id: str,
        resource_action: str,  # noqa: ARG002 - the protocol's; the file lists users for every action
    ) -> Mapping[str, Sequence[UserContact]]:
        """Look up users listed for the resource; a listed user is authorised for every action."""
        users = _found(organization_numbers, self._current().users)
        return {
            number: [user.contact for user in listed if user.may_receive(resource_id)]
            for number, listed in users.items()
        }

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Look up the names given in the file; who is listed without one is a known party without a name."""
        return _found([*organization_numbers, *national_identity_numbers], self._current().names)

    async def check(self) -> str:
        """Say what the file holds."""
        contents = self._current()
        return (
            f"{self._path}: {len(contents.persons)} persons, {len(contents.organizations)} organisations, "
            f"{len(contents.external_identities)} external identities"
        )

    async def close(self) -> None:
        """Nothing to let go of."""

    def _current(self) -> DirectoryContents:
        try:
            self._refresh()
        except DirectoryFileError as error:
            _log.error("The directory file is not used as it is now; the last good content stays in use. %s", error)
        return self._contents

    def _refresh(self) -> None:
        """Read the file if it is not the one read last; a wrong one is not read again until it changes."""
        if self._path is None:
            return
        signature = _sign(self._path)
        if signature == self._signature:
            return
        self._signature = signature
        if signature is None:
            raise DirectoryFileError(f"{self._path} has vanished: put it back.")
        if isinstance(signature, str):
            raise DirectoryFileError(f"{self._path} cannot be read ({signature}): let Varsel's user read it.")
        self._contents = read_contents(self._path)


def _sign(path: Path) -> _Signature | None:
    """Take the marks by which a changed file is told, before it is read, so that no change is missed.

    The time of the last change of status is among them, since permissions may have changed alone. None means that there
    is no file, a text says why it cannot even be looked at.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or type(error).__name__
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size


def _found(keys: Collection[str], known: Mapping[str, _Entry]) -> dict[str, _Entry]:
    return {key: known[key] for key in keys if key in known}
