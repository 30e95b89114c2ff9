"""Which recipients need a directory, and what it is to be asked (processing.md 2.1, 2.3, 2.5)."""

from collections.abc import Iterable

from varsel.mechanisms.white_space import is_blank, trimmed
from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.recipients import Questions

_RESOURCE_PREFIX = "urn:altinn:resource:"
_DEFAULT_ACTION = "read"


def needs_lookup(recipient: Recipient, channel: NotificationChannel) -> bool:
    """Tell whether the caller left out the address that the channel scheme needs."""
    if channel is NotificationChannel.Email:
        return is_blank(recipient.email_address)
    if channel is NotificationChannel.Sms:
        return is_blank(recipient.mobile_number)
    return is_blank(recipient.email_address) and is_blank(recipient.mobile_number)


def questions(
    recipients: Iterable[Recipient],
    channel: NotificationChannel,
    *,
    use_stale: bool = False,
    resource_id: str | None = None,
    resource_action: str | None = None,
    count_user_contacts: bool = True,
) -> Questions:
    """Gather what must be asked for those of `recipients` that need it.

    Without `resource_id`, or with `count_user_contacts` off, only official addresses of organisations are asked for.
    So it is at registration by the contract (processing.md 2.4), which misses organisations that only users can be
    reached for (W16 of 10.2). A person's number wins over an organisation's, which wins over an external identity.
    """
    persons: set[str] = set()
    organizations: set[str] = set()
    external_identities: set[str] = set()
    for recipient in recipients:
        if not needs_lookup(recipient, channel):
            continue
        if recipient.national_identity_number:
            persons.add(recipient.national_identity_number)
        elif recipient.organization_number:
            organizations.add(recipient.organization_number)
        elif recipient.external_identity:
            external_identities.add(recipient.external_identity)
    return Questions(
        persons=frozenset(persons),
        external_identities=frozenset(external_identities),
        organizations=frozenset(organizations),
        use_stale=use_stale,
        resource_id=bare_resource_id(resource_id) if count_user_contacts else None,
        resource_action=trimmed(resource_action or "") or _DEFAULT_ACTION,
    )


def bare_resource_id(resource_id: str | None) -> str | None:
    """Strip blanks and a leading `urn:altinn:resource:` (case-sensitive); None when nothing is left."""
    return trimmed(trimmed(resource_id or "").removeprefix(_RESOURCE_PREFIX)) or None
