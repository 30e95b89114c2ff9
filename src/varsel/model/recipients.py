"""Values on the way from the recipients of an order to addresses: what to ask, what was answered, what was found."""

from collections.abc import Mapping, Sequence

import msgspec

from varsel.model.contacts import ExternalContact, OrganizationContact, Origin, PersonContact, UserContact
from varsel.model.orders import RecipientLookupStatus


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the directories must be asked for some recipients of one order, each identifier once.

    `resource_id` is bare (no `urn:altinn:resource:`); None means that user-registered contacts are not asked for.
    """

    persons: frozenset[str] = frozenset()
    external_identities: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    use_stale: bool = False
    resource_id: str | None = None
    resource_action: str = "read"

    def __bool__(self) -> bool:
        """Tell whether there is anything to ask."""
        return bool(self.persons or self.external_identities or self.organizations)


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the directories answered, keyed by the identifier as it was asked; an absent key is an unknown party.

    `user_contacts` holds authorised users only. `origins` tells for everybody asked about, known or not, where the
    answer is from; `user_origins` does so for `user_contacts`. Directories that do not tell leave both empty. `trouble`
    is why there are none at all, where there will not be any in time.
    """

    persons: Mapping[str, PersonContact] = {}
    external_identities: Mapping[str, ExternalContact] = {}
    organizations: Mapping[str, OrganizationContact] = {}
    user_contacts: Mapping[str, Sequence[UserContact]] = {}
    origins: Mapping[str, Origin] = {}
    user_origins: Mapping[str, Origin] = {}
    trouble: str | None = None


NO_ANSWERS = Answers()


class ResolvedRecipient(msgspec.Struct, frozen=True, gc=False):
    """One recipient with the addresses the channel scheme chose; all rules of processing.md 2.3 to 2.7 are applied.

    At most one of the two identifiers is set: the one the recipient was addressed by. External identities leave none.
    `trail` says how the addresses were found (`recipients.trail`); None means that they are the caller's own.
    """

    emails: tuple[str, ...]
    mobile_numbers: tuple[str, ...]
    is_reserved: bool = False
    national_identity_number: str | None = None
    organization_number: str | None = None
    trail: str | None = None


class LookupReport(msgspec.Struct, frozen=True):
    """What the caller is told about the look-up at registration (api.md 3.5)."""

    status: RecipientLookupStatus
    is_reserved: tuple[str, ...] = ()
    missing_contact: tuple[str, ...] = ()
