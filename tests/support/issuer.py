"""A scripted token issuer: a real HTTP server on loopback with a discovery document and a key set, and a maker of
tokens good and bad (integrations.md, sections 1.4, 1.5, 1.10 and 1.15).
"""

import asyncio
import base64
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.api_jws import PyJWS

START = datetime(2026, 1, 1, tzinfo=UTC)
CREATE = "altinn:serviceowner/notifications.create"
COMPOSED = "altinn:serviceowner/notifications.composedemail.create"
SUPPORT = "altinn:notifications.support.admin"

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the id it is published under."""

    kid: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def public_pem(self) -> bytes:
        """The public key in PEM."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def certificate(self) -> x509.Certificate:
        """Return a self-signed certificate that ran out long ago: its validity must not matter."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.kid)])
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=self.private.public_key(),
            serial_number=1,
            not_valid_before=datetime(2019, 1, 1, tzinfo=UTC),
            not_valid_after=datetime(2020, 1, 1, tzinfo=UTC),
        )
        return builder.sign(self.private, hashes.SHA256())

    def jwk(self) -> dict[str, object]:
        """Return the public key as RFC 7517 has it."""
        public = self.private.public_key()
        common: dict[str, object] = {"use": "sig", "kid": self.kid}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {"kty": "RSA", **common, "e": _base64url(numbers.e), "n": _base64url(numbers.n)}
        point = public.public_numbers()
        return {"kty": "EC", "crv": "P-256", **common, "x": _base64url(point.x), "y": _base64url(point.y)}

    def jwk_in_standard_base64(self) -> dict[str, object]:
        """Return the key as Altinn publishes it: `+`, `/` and padding (the trap of integrations.md 1.4)."""
        jwk = self.jwk()
        return jwk | {name: _standard(str(jwk[name])) for name in ("n", "e")}

    def jwk_by_certificate(self) -> dict[str, object]:
        """Return the key with nothing readable but its certificate."""
        chain = base64.b64encode(self.certificate().public_bytes(Encoding.DER)).decode()
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": "!", "e": "!", "x5c": [chain]}


@lru_cache
def rsa_key(kid: str, bits: int = 2048) -> SigningKey:
    """Return the RSA key of that id, made once per test run."""
    return SigningKey(kid, rsa.generate_private_key(public_exponent=65537, key_size=bits))


@lru_cache
def ec_key(kid: str) -> SigningKey:
    """Return the P-256 key of that id, made once per test run."""
    return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()))


def altinn_claims(scope: object = CREATE, org: object = "ttd", **others: object) -> dict[str, object]:
    """Return the payload of a service owner's token that holds for half an hour from `START`."""
    now = int(START.timestamp())
    claims: dict[str, object] = {
        "scope": scope,
        "token_type": "Bearer",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:991825827"},
        "urn:altinn:orgNumber": "991825827",
        "iss": "https://issuer.example.com/",
        "iat": now,
        "nbf": now,
        "exp": now + 1800,
    }
    named = {} if org is None else {"urn:altinn:org": org}
    return {name: value for name, value in (claims | named | others).items() if value is not None}


def platform_claims(issuer: object = "ttd", **others: object) -> dict[str, object]:
    """Return the payload of a platform access token that holds for five minutes from `START`."""
    now = int(START.timestamp())
    claims = {"iss": issuer, "urn:altinn:app": "my-app", "iat": now, "nbf": now - 5, "exp": now + 300}
    return {name: value for name, value in (claims | others).items() if value is not None}


def signed(
    claims: Claims, key: SigningKey, algorithm: str = "RS256", kid: str | None = "", headers: Claims | None = None
) -> bytes:
    """Sign a token; its `kid` is the key's own, another one, or with None left out."""
    named: Claims = {} if kid is None else {"kid": kid or key.kid}
    payload = json.dumps(dict(claims)).encode()
    return PyJWS().encode(payload, key.private, algorithm, headers={**named, **(headers or {})}).encode()


def unsigned(claims: Claims) -> bytes:
    """Return a token of `alg` none."""
    return _segment({"alg": "none", "typ": "JWT"}) + b"." + _segment(claims) + b"."


def signed_with_public_key(claims: Claims, key: SigningKey, algorithm: str = "HS256") -> bytes:
    """Return a token whose HMAC secret is the public key everybody knows."""
    signed_bytes = _segment({"alg": algorithm, "kid": key.kid}) + b"." + _segment(claims)
    mac = hmac.digest(key.public_pem, signed_bytes, "sha256")
    return signed_bytes + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")


def forged(token: bytes, claims: Claims) -> bytes:
    """Return the token with another payload under the old signature."""
    header, _, signature = token.split(b".")
    return b".".join([header, _segment(claims), signature])


class Mood(Enum):
    """How the issuer answers."""

    WELL = auto()
    FAILS = auto()
    IS_BUSY = auto()
    """Answers 503 and wants to be left alone until half a minute after `START`."""
    DROPS = auto()
    REDIRECTS = auto()
    TALKS_TOO_LONG = auto()
    TALKS_NONSENSE = auto()
    HAS_NO_KEYS = auto()
    HOLDS = auto()
    """Answers well once `release` is called."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    header: str = ""

    def encode(self) -> bytes:
        header = f"{self.header}\r\n" if self.header else ""
        head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\n{header}Connection: close\r\n\r\n"
        return head.encode() + self.body


class ScriptedIssuer:
    """Publishes `jwks` under its discovery document; `fetches` counts what was asked for, by path."""

    discovery_path = "/openid/.well-known/openid-configuration"
    key_set_path = "/openid/keys"

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self.jwks = [key.jwk() for key in keys]
        self.mood = Mood.WELL
        self.fetches: Counter[str] = Counter()
        self.asked = asyncio.Event()
        self._released = asyncio.Event()
        self._port = 0
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where the discovery document lies below."""
        return f"{self.origin}/openid/"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def key_set_url(self) -> str:
        """Where the key set itself is."""
        return self.origin + self.key_set_path

    @property
    def key_fetches(self) -> int:
        """How often the key set was asked for."""
        return self.fetches[self.key_set_path]

    def publish(self, *keys: SigningKey) -> None:
        """Replace the published keys."""
        self.jwks = [key.jwk() for key in keys]

    def release(self) -> None:
        """Answer what is being held, and go on well."""
        self.mood = Mood.WELL
        self._released.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._released.set()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            self.fetches[path] += 1
            self.asked.set()
            if self.mood is Mood.HOLDS:
                await self._released.wait()
            if self.mood is not Mood.DROPS:
                writer.write(self._answer(path).encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side gave up, as it may
        finally:
            writer.close()

    def _answer(self, path: str) -> _Answer:
        match self.mood:
            case Mood.FAILS:
                return _Answer(500, b"")
            case Mood.REDIRECTS:
                return _Answer(302, b"", f"Location: {self.origin}/elsewhere{path}")
            case Mood.IS_BUSY:
                return _Answer(503, b"", "Retry-After: Thu, 01 Jan 2026 00:00:30 GMT")
            case Mood.TALKS_TOO_LONG:
                return _Answer(200, self._document(path).body + b" " * 1_200_000)
            case Mood.TALKS_NONSENSE:
                return _Answer(200, b"<html>")
        return self._document(path)

    def _document(self, path: str) -> _Answer:
        documents = {
            self.discovery_path: {"issuer": self.address, "jwks_uri": self.key_set_url},
            self.key_set_path: {"keys": [] if self.mood is Mood.HAS_NO_KEYS else self.jwks},
        }
        document = documents.get(path.removeprefix("/elsewhere"))
        return _Answer(404, b"") if document is None else _Answer(200, json.dumps(document).encode())


def _segment(value: Claims) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(dict(value)).encode()).rstrip(b"=")


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()


def _standard(urlsafe: str) -> str:
    return urlsafe.replace("-", "+").replace("_", "/") + "=" * (-len(urlsafe) % 4)
