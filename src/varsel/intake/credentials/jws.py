"""Signed tokens (JSON Web Signature, RFC 7515, in compact form), read before and checked against keys."""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import get_default_algorithms

from varsel.errors import CredentialError
from varsel.intake.credentials.jwk import Key, KeySet
from varsel.mechanisms.text import is_storable

CLOCK_SKEW = 10  # seconds; integrations.md 1.3
LONGEST_TOKEN = 16_384  # bytes
_LONGEST_NAME = 200
SUPPORTED_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256"})

_LAST_INSTANT = 1e15  # seconds; beyond it, and with inf and NaN, nothing is meant
_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SIGNED_BY = {"RS": RSAPublicKey, "PS": RSAPublicKey, "ES": EllipticCurvePublicKey}
_VERIFIERS = {name: get_default_algorithms()[name] for name in SUPPORTED_ALGORITHMS}


class Lifetime(NamedTuple):
    """When a token holds, in seconds since 1970, clock skew included: from `start`, before `end`."""

    start: float
    end: float

    def covers(self, now: float) -> bool:
        """Tell whether the token holds at `now`."""
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A well-formed token whose signature nobody has checked yet: nothing in it may be believed."""

    algorithm: str
    kid: str | None
    claims: dict[str, object]
    signed_bytes: bytes
    signature: bytes

    def lifetime_at(self, now: float) -> Lifetime:
        """Read `exp`, which must be there, and `nbf`, which may. Raises CredentialError unless they cover `now`."""
        expires, not_before = self._instant("exp"), self._instant("nbf")
        if expires is None:
            raise CredentialError("the token has no expiry (exp)")
        start = -inf if not_before is None else not_before - CLOCK_SKEW
        lifetime = Lifetime(start, expires + CLOCK_SKEW)
        if not lifetime.covers(now):
            raise CredentialError("the token has expired or is not valid yet")
        return lifetime

    def text(self, claim: str) -> str | None:
        """Read a claim that is a string with something in it; anything else counts as none.

        Raises CredentialError for a text that cannot be a name: it would not fit into an index of the database.
        """
        value = self.claims.get(claim)
        if not isinstance(value, str) or not value.strip():
            return None
        if not is_storable(value, _LONGEST_NAME):
            raise CredentialError(f"the token's {claim} is no name of at most {_LONGEST_NAME} characters")
        return value

    def require_audience(self, audiences: Collection[str] | None) -> None:
        """Raise CredentialError if the token was made for others than `audiences` only; None lets every one pass.

        A token that names no audience was made for nobody in particular (RFC 7519, section 4.1.3). Altinn's are so.
        """
        named = self.claims.get("aud")
        if audiences is None or named is None:
            return
        listed = named if isinstance(named, list) else [named]
        if not any(isinstance(each, str) and each in audiences for each in listed):
            raise CredentialError("the token was made for another audience (aud) than this service")

    def signed_by(self, keys: KeySet) -> bool:
        """Tell whether a key of the set made the signature; `kid` narrows the choice, its absence widens it."""
        return any(self._made_with(key) for key in keys.keys if self._may_be_from(key))

    def _may_be_from(self, key: Key) -> bool:
        return (
            (key.kid == self.kid or key.kid is None or self.kid is None)
            and key.algorithm in {self.algorithm, None}
            and isinstance(key.public, _SIGNED_BY[self.algorithm[:2]])
        )

    def _made_with(self, key: Key) -> bool:
        return _VERIFIERS[self.algorithm].verify(self.signed_bytes, key.public, self.signature)

    def _instant(self, claim: str) -> float | None:
        value = self.claims.get(claim)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LAST_INSTANT:
            raise CredentialError(f"the token's {claim} is not a number of seconds")
        return value


def read_token(token: bytes, algorithms: Collection[str]) -> UnverifiedToken:
    """Take a compact token apart without believing it. Raises CredentialError if malformed or otherwise signed."""
    if len(token) > LONGEST_TOKEN or _COMPACT.fullmatch(token) is None:
        raise CredentialError("the credential is not a signed token in compact form")
    signed_bytes, _, signature = token.rpartition(b".")
    header, _, payload = signed_bytes.partition(b".")
    head = _json_object(header)
    algorithm, kid = head.get("alg"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise CredentialError("the token is signed with an algorithm that is not accepted")
    if "crit" in head or not isinstance(kid, str | None):
        raise CredentialError("the token's header asks for something that is not understood")
    return UnverifiedToken(algorithm, kid, _json_object(payload), signed_bytes, _base64url(signature))


def _json_object(segment: bytes) -> dict[str, object]:
    try:
        value = msgspec.json.decode(_base64url(segment))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        raise CredentialError("the token cannot be read") from fault
    if not isinstance(value, dict):
        raise CredentialError("a part of the token is not a JSON object")
    return value


def _base64url(segment: bytes) -> bytes:
    """Decode a segment of checked alphabet, in its one canonical spelling (RFC 4648, section 3.5)."""
    try:
        decoded = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError as fault:
        raise CredentialError("a part of the token is not Base64") from fault
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != segment:
        raise CredentialError("a part of the token is not Base64 in its canonical spelling")
    return decoded
