"""Basic authentication of the report endpoint (RFC 7617, integrations.md 1.13)."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Iterable
from hashlib import sha256

CHALLENGE = 'Basic realm="sms-reports", charset="UTF-8"'
"""Value of `WWW-Authenticate` beside a 401."""


class BasicCredentials:
    """User names and passwords that may post reports; several, so that one can be replaced without a gap."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._digests = tuple(_digest(f"{user}:{password}".encode()) for user, password in pairs)

    def accepts(self, header: str | None) -> bool:
        """Tell whether the `Authorization` header carries one of the pairs.

        The time taken depends neither on which pair matched nor on how much of one did.
        """
        presented = _digest(_decoded(header))
        matches = [hmac.compare_digest(presented, known) for known in self._digests]
        return any(matches)


def _decoded(header: str | None) -> bytes:
    """Return `user:password` as sent, or nothing, which no pair equals."""
    scheme, _, value = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(value: bytes) -> bytes:
    # Equal lengths, so that the comparison says nothing about the length of a password.
    return sha256(value).digest()
