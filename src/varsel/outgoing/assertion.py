"""The assertion by which Varsel shows Maskinporten who it is, and the private key that signs it."""

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

_LIFE = timedelta(seconds=60)  # Maskinporten takes 120 s at most
_BROKEN_KEY = (jwt.PyJWTError, AttributeError, LookupError, TypeError, ValueError)
"""What the library raises for members that are missing, of a wrong type or of a wrong value."""
_SHORTEST_KEY = 2048  # bits; RFC 7518, section 3.3


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA private key and the id it is registered under."""

    kid: str
    private: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A client of Maskinporten. `issuer` ends with a slash: `https://maskinporten.no/`; `scope` is space-separated."""

    issuer: str
    client_id: str
    scope: str
    key: SigningKey

    @property
    def token_url(self) -> str:
        """Where assertions are exchanged."""
        return f"{self.issuer}token"


def read_signing_key(text: str, kid: str | None = None) -> SigningKey:
    """Read a private RSA key from a JWK (RFC 7517), given as JSON or as Base64 of it; `kid` overrules the key's own.

    Raises ValueError, whose text says what is wrong and holds nothing of the key.
    """
    document = _json(text)
    try:
        private = RSAAlgorithm.from_jwk(document)
    except _BROKEN_KEY as flaw:
        raise ValueError(f"the JWK is not a usable RSA key ({type(flaw).__name__})") from None
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("the JWK holds no private key")  # noqa: TRY004 - the text is at fault, not its type
    if private.key_size < _SHORTEST_KEY:
        raise ValueError(f"the key is shorter than {_SHORTEST_KEY} bits")
    name = kid or document.get("kid")
    if not isinstance(name, str) or not name:
        raise ValueError("the JWK has no `kid`; name the key id it is registered under")
    return SigningKey(name, private)


def assertion(account: Account, now: datetime) -> str:
    """Return a signed assertion for one use, good for a minute from `now`."""
    payload = {
        "aud": account.issuer,
        "iss": account.client_id,
        "scope": account.scope,
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFE).timestamp()),
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(payload, account.key.private, algorithm="RS256", headers={"kid": account.key.kid})


def _json(text: str) -> dict[str, object]:
    written = text.strip()
    try:
        return _object(written if written.startswith("{") else _from_base64(written))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ValueError("the key is neither a JWK in JSON nor Base64 of one") from None


def _object(written: str | bytes) -> dict[str, object]:
    """Read a JSON object."""
    return msgspec.json.decode(written, type=dict[str, object])


def _from_base64(written: str) -> bytes:
    """Decode standard or URL-safe Base64, padded or not."""
    standard = "".join(written.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not Base64") from None
