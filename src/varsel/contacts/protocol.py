"""What a contact directory is to the rest of Varsel: identifiers in, what is known about them out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from varsel.model.contacts import (
    ExternalContact,
    OrganizationContact,
    Origin,
    PartyName,
    PersonContact,
    UserContact,
)

K = TypeVar("K")


class Told(dict[str, K]):
    """Answers that say where they are from: `origins` has every identifier that was asked about, known or not.

    Directories that ask others answer so; a directory that is asked itself may answer with any mapping.
    """

    __slots__ = ("origins",)

    def __init__(self, found: Mapping[str, K], origins: Mapping[str, Origin]) -> None:
        super().__init__(found)
        self.origins: dict[str, Origin] = dict(origins)


class Directory(Protocol):
    """Answers questions about persons and organisations; decides nothing.

    Every answer is keyed by the identifier exactly as it was asked, whatever its letter case in the directory; an
    absent key is an unknown party. Answers are not cleaned: numbers may lack their country code, texts may be blank.
    An empty question costs no call. Every method raises `errors.DependencyFailure` when there is no answer; there
    are no partial answers. It may be `errors.QuestionRefused`, when the question itself is at fault. Of whom alone
    there is no usable answer, `Told` may speak as of an unknown party, with an origin that says `refused`.
    Implementations own their time-outs, chunking and caching.
    """

    name: str

    async def persons(self, numbers: Collection[str], *, use_stale: bool) -> Mapping[str, PersonContact]:
        """Look up national identity numbers; `use_stale` also wants contact data not confirmed for 18 months."""
        ...

    async def external_identities(self, identities: Collection[str]) -> Mapping[str, ExternalContact]:
        """Look up self-identified users by their URN."""
        ...

    async def organizations(self, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
        """Look up official notification addresses by organisation number."""
        ...

    async def user_contacts(
        self, organization_numbers: Collection[str], *, resource_id: str, resource_action: str
    ) -> Mapping[str, Sequence[UserContact]]:
        """Look up what users registered for these organisations, only users authorised for the action on the resource.

        `resource_id` comes without `urn:altinn:resource:`.
        """
        ...

    async def names(
        self, *, organization_numbers: Collection[str], national_identity_numbers: Collection[str]
    ) -> Mapping[str, PartyName]:
        """Look up registered names; a known party without a name has the name None."""
        ...

    async def check(self) -> str:
        """Reach the directory and say in one sentence what was found; raises `DependencyFailure`."""
        ...

    async def close(self) -> None:
        """Let go of connections. Called once, after the last answer."""
        ...
