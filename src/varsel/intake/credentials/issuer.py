"""The local issuer: tokens for development, signed by a key pair of this installation's own. Never for production."""

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from varsel.errors import CredentialError
from varsel.intake.credentials.files import FILE_NAME_END, FileKeys, registered_files
from varsel.intake.credentials.jwk import Key, KeySet, read_key_file
from varsel.intake.credentials.platform import ISSUER_NAME
from varsel.intake.credentials.policies import Policy
from varsel.model.clock import Clock, SystemClock

CREATE_SCOPE = str(Policy.CREATE.scope)
LOCAL_PATH = "/dev/openid/"
_KEY_FILE = "signing-key.pem"
_MARK = "Varsel's local issuer, for development only"
"""The organisation in certificates that the local issuer registers, by which production knows them."""
PLATFORM_TOKEN_LIFETIME = timedelta(seconds=300)


class LocalIssuer:
    """Issues tokens like Altinn's and platform access tokens, both accepted at once by a Varsel on the same files.

    `directory` holds the private key, made when first needed; `platform_keys` (by default `platform-keys` beside it)
    receives the certificates of platform token issuers. `service` is the address of the service that publishes its
    keys; below that lies the name the issuer gives itself.
    """

    def __init__(
        self,
        directory: Path,
        *,
        platform_keys: Path | None = None,
        service: str,
        clock: Clock | None = None,
    ) -> None:
        self.key_file = directory / _KEY_FILE
        self.platform_keys = platform_keys or directory.parent / "platform-keys"
        self.address = service.rstrip("/") + LOCAL_PATH
        self._clock = clock or SystemClock()
        self._private = self._load_or_create()
        self._kid = _kid(self._private.public_key())

    def token(
        self,
        org: str | None,
        org_number: str | None = None,
        scopes: Sequence[str] = (CREATE_SCOPE,),
        claims: Mapping[str, str] | None = None,
        expires_in: timedelta = timedelta(minutes=30),
    ) -> str:
        """Issue an Altinn token (integrations.md 1.5). Without `org` it names no organisation; negative
        `expires_in` makes one that has expired; `claims` are added last and replace others of the same name."""
        now = self._clock.now()
        payload: dict[str, object] = {
            "scope": " ".join(scopes),
            "token_type": "Bearer",
            "client_id": str(uuid4()),
            "jti": str(uuid4()),
            "urn:altinn:authenticatemethod": "maskinporten",
            "urn:altinn:authlevel": 3,
            "iss": self.address,
            **_organisation(org, org_number),
            **_times(now, min(now, now + expires_in), now + expires_in),
            **(claims or {}),
        }
        return self._sign(payload)

    def platform_token(self, issuer: str, app: str = "local-app") -> str:
        """Issue a platform access token (integrations.md 1.10), registering a certificate for `issuer` if it has none.

        Raises CredentialError if the name is not of the required form, or is registered with somebody else's key.
        """
        if ISSUER_NAME.fullmatch(issuer) is None:
            raise CredentialError("a platform token's issuer is 1 to 63 letters, digits and hyphens, such as ttd")
        self._register(issuer.lower())
        now = self._clock.now()
        times = _times(now, now - timedelta(seconds=5), now + PLATFORM_TOKEN_LIFETIME)
        return self._sign({"iss": issuer, "urn:altinn:app": app, "aud": "platform.altinn.no", **times})

    def source(self) -> FileKeys:
        """Return the key source by which a running Varsel trusts this issuer; it follows a replaced key file."""
        return FileKeys(self.key_file, lambda content: _public_set(content, self.address), self._clock)

    def discovery(self) -> dict[str, object]:
        """Return the OpenID discovery document of this issuer (integrations.md 1.4)."""
        base = self.address.rstrip("/")
        return {
            "issuer": self.address,
            "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def key_set(self) -> dict[str, object]:
        """Return the key set document of this issuer (RFC 7517)."""
        numbers = self._private.public_key().public_numbers()
        return {
            "keys": [
                {"kty": "RSA", "use": "sig", "kid": self._kid, "e": _base64url(numbers.e), "n": _base64url(numbers.n)}
            ]
        }

    def _sign(self, payload: dict[str, object]) -> str:
        return jwt.encode(payload, self._private, algorithm="RS256", headers={"kid": self._kid})

    def _load_or_create(self) -> RSAPrivateKey:
        if not self.key_file.exists():
            self.key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            _publish(self.key_file, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        try:
            return _private_key(self.key_file.read_bytes())
        except ValueError as fault:
            raise CredentialError(
                f"{self.key_file.name} of the local issuer holds no RSA key; remove the file to have one made"
            ) from fault

    def _register(self, issuer: str) -> None:
        path = registered_files(self.platform_keys).get(issuer)
        if path is None:
            path = self.platform_keys / f"{issuer}{FILE_NAME_END}.pem"
            self.platform_keys.mkdir(parents=True, exist_ok=True)
            _publish(path, self._certificate(issuer))
        if self._private.public_key() not in [key.public for key in _keys_in(path)]:
            raise CredentialError(
                f"{path.name} holds a key that is not the local issuer's; remove that file from "
                f"{self.platform_keys.name}, or ask for a token of another issuer"
            )

    def _certificate(self, issuer: str) -> bytes:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, issuer),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _MARK),
            ]
        )
        now = self._clock.now()
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=self._private.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now,
            not_valid_after=now + timedelta(days=3650),
        )
        return builder.sign(self._private, hashes.SHA256()).public_bytes(Encoding.PEM)


def has_local_key(directory: Path) -> bool:
    """Tell whether a local issuer was ever at work with its key in `directory`."""
    return (directory / _KEY_FILE).exists()


def files_of_local_issuer(directory: Path, platform_keys: Path) -> list[Path]:
    """Return the files in `platform_keys` that the local issuer in `directory` registered, or any other one.

    Its certificates are known by their mark; those made before there was one by its key, as long as that is there.
    """
    own = _public_key_in(directory / _KEY_FILE)
    return [path for path in registered_files(platform_keys).values() if _is_local(path, own)]


def read_key_file_of_others(content: bytes) -> tuple[Key, ...]:
    """Read a file as `read_key_file` does; raises ValueError also for what a local issuer registered."""
    keys = read_key_file(content)
    if _has_mark(content):
        raise ValueError("the certificate was made by a local issuer, for development only")
    return keys


def _is_local(path: Path, own: RSAPublicKey | None) -> bool:
    try:
        marked = _has_mark(path.read_bytes())
    except OSError:
        return False
    return marked or (own is not None and own in [key.public for key in _keys_in(path)])


def _has_mark(content: bytes) -> bool:
    """Tell whether certificates in a PEM file carry the mark; the local issuer writes no other form."""
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        return False
    marks = x509.NameAttribute(NameOID.ORGANIZATION_NAME, _MARK)
    return any(marks in certificate.subject for certificate in certificates)


def _public_key_in(key_file: Path) -> RSAPublicKey | None:
    try:
        return _private_key(key_file.read_bytes()).public_key()
    except (OSError, ValueError):
        return None


def _publish(path: Path, content: bytes) -> None:
    """Put a whole file in place, readable by its owner only, unless somebody else was first: then theirs stays."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()


def _keys_in(path: Path) -> tuple[Key, ...]:
    try:
        return read_key_file(path.read_bytes())
    except ValueError:
        return ()


def _private_key(content: bytes) -> RSAPrivateKey:
    # Proving the key's primes again takes 50 ms and would tell us nothing: the file is our own.
    match load_pem_private_key(content, password=None, unsafe_skip_rsa_key_validation=True):
        case RSAPrivateKey() as private:
            return private
    raise ValueError("not an RSA private key")


def _public_set(content: bytes, issuer: str) -> KeySet:
    public = _private_key(content).public_key()
    return KeySet((Key(public, _kid(public)),), issuer)


def _kid(public: RSAPublicKey) -> str:
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()[:40].upper()


def _organisation(org: str | None, number: str | None) -> dict[str, object]:
    claims: dict[str, object] = {}
    if org is not None:
        claims["urn:altinn:org"] = org
    if number is not None:
        claims["urn:altinn:orgNumber"] = number
        claims["consumer"] = {"authority": "iso6523-actorid-upis", "ID": f"0192:{number}"}
    return claims


def _times(issued: datetime, not_before: datetime, expires: datetime) -> dict[str, object]:
    return {
        name: int(instant.astimezone(UTC).timestamp())
        for name, instant in (("iat", issued), ("nbf", not_before), ("exp", expires))
    }


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
