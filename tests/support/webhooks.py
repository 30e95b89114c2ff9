"""What a receiver of Standard Webhooks does: it recomputes signatures, by code of its own (integrations.md 8.3.1)."""

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.condition_endpoint import ConditionEndpoint
from tests.support.loopback import Received, written
from varsel.model.clock import Clock

SHARED = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""The secret of the test vector in integrations.md, section 12: bytes 0x00 to 0x1f."""
_TOLERATED = timedelta(minutes=5)


class SignedEndpoint(ConditionEndpoint):
    """Answers 401 to what is not signed with `secret`, is more than five minutes old, or has an id seen before."""

    def __init__(self, clock: Clock, secret: str = SHARED) -> None:
        super().__init__()
        self._clock = clock
        self._secret = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen: set[str] = set()

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Look at the signature first."""
        if self._holds(received):
            await super().answer(received, writer)
        else:
            writer.write(written(401, b""))

    def _holds(self, received: Received) -> bool:
        identifier, seconds = received.headers["webhook-id"], received.headers["webhook-timestamp"]
        if identifier in self._seen or abs(self._clock.now().timestamp() - int(seconds)) > _TOLERATED.total_seconds():
            return False
        self._seen.add(identifier)
        content = f"{identifier}.{seconds}.".encode() + received.body
        made = base64.b64encode(hmac.new(self._secret, content, hashlib.sha256).digest()).decode()
        return f"v1,{made}" in received.headers["webhook-signature"].split(" ")


def is_signed_by(public: Ed25519PublicKey, fields: dict[str, str], body: bytes) -> bool:
    """Tell whether a `v1a` entry among the fields holds."""
    content = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
    for entry in fields["webhook-signature"].split(" "):
        version, _, made = entry.partition(",")
        if version == "v1a":
            try:
                public.verify(base64.b64decode(made), content)
            except InvalidSignature:
                continue
            return True
    return False
