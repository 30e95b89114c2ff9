"""The identities of self-identified users, and the one form in which each is compared (api.md 3.9)."""

from typing import Final
from urllib.parse import unquote, unquote_plus

from varsel.mechanisms.white_space import trimmed

EMAIL_IDENTITY: Final = "urn:altinn:person:idporten-email:"
_USERNAME: Final = "urn:altinn:party:username:"
_OLDER_USERNAME: Final = "urn:altinn:username:"
_SELF_IDENTIFIED: Final = "urn:altinn:person:legacy-selfidentified:"
USERNAME_IDENTITIES: Final = (_USERNAME, _OLDER_USERNAME, _SELF_IDENTIFIED)

_CANONICAL_NAMES = {_USERNAME: _USERNAME, _OLDER_USERNAME: _USERNAME, _SELF_IDENTIFIED: _SELF_IDENTIFIED}


def canonical_identity(identity: str) -> str:
    """Return the form that all spellings of an identity share; what is none of the four kinds is folded in letter case.

    It is decoded, in folded letter case, and of two prefixes for user names the newer. A `+` of an e-mail address stays
    one however it is written, since no address has a blank; in user names it is a blank, and a real one is `%2B`. What
    would be decoded once more stays encoded, so that the canonical form of a canonical form is itself.
    """
    folded = trimmed(identity).casefold()
    if folded.startswith(EMAIL_IDENTITY):
        return EMAIL_IDENTITY + _plain(unquote(folded.removeprefix(EMAIL_IDENTITY)))
    for written, canonical in _CANONICAL_NAMES.items():
        if folded.startswith(written):
            return canonical + _plain(unquote_plus(folded.removeprefix(written))).replace("+", "%2b")
    return folded


def _plain(decoded: str) -> str:
    return trimmed(decoded).casefold().replace("%", "%25")
