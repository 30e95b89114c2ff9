"""Questions signed as Standard Webhooks 1.0 signs messages (integrations.md 8.3.1)."""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from varsel.model.clock import Clock

_SHARED, _PRIVATE = "whsec_", "whsk_"
_SHARED_SIZES = range(24, 65)  # bytes
_SEED = 32  # bytes of an Ed25519 key; some tools write its public half behind it


class WebhookKey(Protocol):
    """What one entry of a signature is made with."""

    def entry(self, content: bytes) -> str:
        """Return `<version>,<Base64>` for what is to be signed."""
        ...


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A secret that sender and receiver share: `v1`, HMAC with SHA-256."""

    secret: bytes = field(repr=False)

    def entry(self, content: bytes) -> str:
        """Return the entry."""
        return f"v1,{_base64(hmac.digest(self.secret, content, hashlib.sha256))}"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key whose public half receivers have: `v1a`, Ed25519."""

    private: Ed25519PrivateKey = field(repr=False)

    def entry(self, content: bytes) -> str:
        """Return the entry."""
        return f"v1a,{_base64(self.private.sign(content))}"


def read_webhook_keys(text: str) -> tuple[WebhookKey, ...]:
    """Read keys written `whsec_…` or `whsk_…` with blanks between them.

    Raises ValueError, whose text says what is wrong and holds nothing of the keys.
    """
    keys = tuple(map(_read, text.split()))
    if not keys:
        raise ValueError("there is no key")
    return keys


def signed(keys: Sequence[WebhookKey], message_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Return the header fields by which receivers recognise `body`: an entry for each key, made at the time `at`."""
    seconds = str(int(at.timestamp()))
    content = f"{message_id}.{seconds}.".encode() + body
    entries = " ".join(key.entry(content) for key in keys)
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": entries}


class Signature:
    """Signs questions, whose body is empty, with the present `keys`.

    Each has an id of its own, for each wants an answer of its own.
    """

    confidential = False

    def __init__(self, keys: Callable[[], Sequence[WebhookKey]], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def fields(self) -> Mapping[str, str]:
        """Return the fields of one question."""
        return signed(self._keys(), f"msg_{uuid.uuid4().hex}", self._clock.now(), b"")

    async def renewed(self, rejected: Mapping[str, str]) -> Mapping[str, str] | None:
        """Who does not accept one signature accepts no other."""
        del rejected
        return None

    async def aclose(self) -> None:
        """Nothing is held."""


def _read(written: str) -> WebhookKey:
    if written.startswith(_SHARED):
        secret = _bytes(written.removeprefix(_SHARED))
        if len(secret) not in _SHARED_SIZES:
            raise ValueError("a secret behind whsec_ must have 24 to 64 bytes")
        return SharedKey(secret)
    if written.startswith(_PRIVATE):
        return PrivateKey(_private(_bytes(written.removeprefix(_PRIVATE))))
    raise ValueError("each key must begin with whsec_ or whsk_")


def _private(key: bytes) -> Ed25519PrivateKey:
    if len(key) not in {_SEED, 2 * _SEED}:
        raise ValueError("a key behind whsk_ must have 32 bytes, or 64 with its public half")
    private = Ed25519PrivateKey.from_private_bytes(key[:_SEED])
    if key[_SEED:] not in {b"", private.public_key().public_bytes_raw()}:
        raise ValueError("the public half of a key behind whsk_ belongs to another key")
    return private


def _bytes(written: str) -> bytes:
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("what follows whsec_ or whsk_ must be Base64") from None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
