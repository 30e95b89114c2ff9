"""Public keys, as read from JSON Web Key sets and from certificate files."""

import base64
import binascii
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

PublicKey = RSAPublicKey | EllipticCurvePublicKey

_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)

SHORTEST_RSA_KEY = 2048  # bits; RFC 7518, section 3.3


@dataclass(frozen=True, slots=True)
class Key:
    """One public key; `kid` and `algorithm` are None where the publisher did not say."""

    public: PublicKey
    kid: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys one publisher signs with, and the issuer name it gives itself."""

    keys: tuple[Key, ...] = ()
    issuer: str | None = None

    def knows(self, kid: str | None) -> bool:
        """Tell whether a key of exactly this id is in the set."""
        return kid is not None and any(key.kid == kid for key in self.keys)


def read_key_set(document: dict[str, object]) -> tuple[Key, ...]:
    """Read the usable signing keys of a JWK set (RFC 7517); keys of other kinds and broken ones are left out.

    Raises ValueError when nothing usable is in it.
    """
    entries = document.get("keys")
    listed = entries if isinstance(entries, list) else []
    keys = tuple(key for entry in listed if (key := _read_jwk(entry)) is not None)
    if not keys:
        raise ValueError("the key set has no usable signing key")
    return keys


def read_key_file(content: bytes) -> tuple[Key, ...]:
    """Read a file of one or more PEM certificates, or one certificate or public key in PEM, DER or Base64 of DER.

    Validity and chain of certificates are not looked at (integrations.md 1.10). Raises ValueError.
    """
    try:
        return tuple(Key(_accepted(public)) for public in _public_keys_in(content))
    except _UNREADABLE as fault:
        raise ValueError("the file holds no certificate or public key that can be read and is accepted") from fault


def _public_keys_in(content: bytes) -> list[object]:
    if b"-----BEGIN CERTIFICATE" in content:
        return [certificate.public_key() for certificate in x509.load_pem_x509_certificates(content)]
    if b"-----BEGIN" in content:
        return [load_pem_public_key(content)]
    der = content if content[:1] == b"\x30" else base64.b64decode(content)
    try:
        return [x509.load_der_x509_certificate(der).public_key()]
    except ValueError:
        return [load_der_public_key(der)]


def _read_jwk(entry: object) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        public = _accepted(_from_members(entry))
    except _UNREADABLE:
        return _from_certificate(entry)
    return Key(public, _text(entry, "kid"), _text(entry, "alg"))


def _from_certificate(entry: dict[str, object]) -> Key | None:
    """Fall back on `x5c` (RFC 7517, section 4.7) where the key's own numbers are missing or unreadable."""
    chain = entry.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return None
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0]))
        return Key(_accepted(certificate.public_key()), _text(entry, "kid"), _text(entry, "alg"))
    except _UNREADABLE:
        return None


def _from_members(entry: dict[str, object]) -> object:
    match entry.get("kty"), entry.get("crv"):
        case "RSA", _:
            return RSAPublicNumbers(_number(entry, "e"), _number(entry, "n")).public_key()
        case "EC", "P-256":
            return EllipticCurvePublicNumbers(_number(entry, "x"), _number(entry, "y"), SECP256R1()).public_key()
    raise ValueError("not a kind of key that signs tokens here")


def _accepted(public: object) -> PublicKey:
    if isinstance(public, RSAPublicKey) and public.key_size >= SHORTEST_RSA_KEY:
        return public
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        return public
    raise ValueError("only RSA keys of 2048 bits and more, and P-256 keys, are accepted")


def _number(entry: dict[str, object], name: str) -> int:
    """Read a number. Altinn writes ordinary Base64 where RFC 7517 wants the URL-safe form (integrations.md 1.4)."""
    text = _text(entry, name)
    if not text:
        raise ValueError(f"the key has no {name}")
    unpadded = text.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return int.from_bytes(base64.urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4)))
    except binascii.Error as fault:
        raise ValueError(f"{name} of the key is not Base64") from fault


def _text(entry: dict[str, object], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) else None
