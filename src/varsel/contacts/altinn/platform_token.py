"""The platform access token by which Varsel shows Altinn's components who is calling (integrations.md 1.10, 2.7)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from varsel.model.clock import Clock

_BACKDATED = timedelta(seconds=5)
_LIFE = timedelta(seconds=300)
_MARGIN = timedelta(seconds=5)
_SHORTEST_KEY = 2048  # bits; RFC 7518, section 3.3


class PlatformAccessTokens:
    """Makes tokens signed with the present `key` and uses each until 5 s before its end."""

    def __init__(
        self,
        key: Callable[[], RSAPrivateKey],
        clock: Clock,
        *,
        issuer: str = "platform",
        app: str = "notifications",
        audience: str = "platform.altinn.no",
    ) -> None:
        self._key = key
        self._clock = clock
        self._claims = {"iss": issuer, "urn:altinn:app": app, "aud": audience}
        self._made = ""
        self._usable_until: datetime | None = None

    def token(self) -> str:
        """Return a token that holds for 5 s at least."""
        now = self._clock.now()
        if self._usable_until is None or not now < self._usable_until:
            self._made = self._make(now)
            self._usable_until = now + _LIFE - _MARGIN
        return self._made

    def _make(self, now: datetime) -> str:
        times = {"iat": now, "nbf": now - _BACKDATED, "exp": now + _LIFE}
        claims = self._claims | {name: int(at.timestamp()) for name, at in times.items()}
        return jwt.encode(claims, self._key(), algorithm="RS256")


def read_platform_key(content: bytes, password: str | None = None) -> RSAPrivateKey:
    """Read an RSA private key from PEM text or a PKCS#12 file.

    Raises ValueError, whose text says what is wrong and holds nothing of the key.
    """
    secret = password.encode() if password else None
    try:
        key = _from_pem(content, secret) if b"-----BEGIN" in content else _from_pkcs12(content, secret)
    except (ValueError, TypeError):
        raise ValueError("the key is neither PEM nor PKCS#12, or its password is missing or wrong") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the file holds no RSA private key")  # noqa: TRY004 - the file is at fault, not its type
    if key.key_size < _SHORTEST_KEY:
        raise ValueError(f"the key is shorter than {_SHORTEST_KEY} bits")
    return key


def _from_pem(content: bytes, password: bytes | None) -> object:
    return load_pem_private_key(content, password)


def _from_pkcs12(content: bytes, password: bytes | None) -> object:
    key, _certificate, _others = pkcs12.load_key_and_certificates(content, password)
    return key
