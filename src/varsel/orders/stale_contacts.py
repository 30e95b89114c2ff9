"""What a creator's name decides about contact information (api.md 3.9, step 4)."""

from typing import Final

_USES_STALE_CONTACTS: Final = "skd"


def uses_stale_contacts(creator: str, *, asked: bool) -> bool:
    """Tell whether stale contact information of a person is used: as asked for, and always for the tax authority."""
    return asked or creator.lower() == _USES_STALE_CONTACTS
