"""A store of blobs behind pre-signed addresses: a real HTTP server on loopback (integrations.md, section 4.9)."""

import asyncio
import ssl
from collections import deque
from datetime import timedelta
from enum import Enum, auto
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.support.condition_endpoint import Says
from tests.support.loopback import LoopbackServer, Received, written
from tests.support.resolvers import FixedResolver
from varsel.assembly.attachments import fetching
from varsel.channels.attachments import BeginFetching
from varsel.model.clock import Clock
from varsel.model.orders import Attachment
from varsel.outgoing.fetch import Fetcher
from varsel.outgoing.guard import Allowed, Guard

SIGNATURE = "c3ludGhldGljIHNlY3JldA=="
"""What makes an address a secret; it must turn up nowhere."""

_EXPIRY = "2026-07-01T12:00:00Z"
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Does(Enum):
    """What a store does instead of answering."""

    DROP = auto()
    """Closes the connection."""
    BREAK_OFF = auto()
    """Closes the connection in the middle of the content."""
    DRIP = auto()
    """Sends a byte now and then, and never ends."""
    POUR = auto()
    """Sends megabytes without announcing how many."""
    HOLD = auto()
    """Waits for `release`, then answers as usual."""


class BlobStore(LoopbackServer):
    """Gives blobs to whoever has their address, which may misbehave first."""

    def __init__(self) -> None:
        super().__init__()
        self.most_at_once = 0
        self._blobs: dict[str, bytes] = {}
        self._scripts: dict[str, deque[Says | Does]] = {}
        self._released = asyncio.Event()

    def put(self, name: str, content: bytes = b"content", *first: Says | Does) -> str:
        """Keep a blob, answered for by `first` in turn before it is given; return its pre-signed address."""
        self._blobs[name] = content
        self._scripts[name] = deque(first)
        signed = f"sv=2024-11-04&se={quote(_EXPIRY)}&sr=b&sp=r&sig={quote(SIGNATURE)}"
        return self.url(f"/out/{quote(name)}?{signed}")

    def attachment(self, name: str = "brev.pdf", content: bytes = b"content", *first: Says | Does) -> Attachment:
        """Keep a blob and return it as an attachment of an order."""
        return Attachment(name, "application/pdf", self.put(name, content, *first))

    def remove(self, name: str) -> None:
        """Let a blob vanish."""
        del self._blobs[name]

    def release(self) -> None:
        """Let what is held go, now and later."""
        self._released.set()

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer as scripted, else with the blob."""
        self.most_at_once = max(self.most_at_once, self.in_flight)
        asked = urlsplit(received.target)
        name = unquote(asked.path.removeprefix("/out/"))
        script = self._scripts.get(name)
        match script.popleft() if script else None:
            case Says(status, body, headers):
                writer.write(written(status, body, headers))
            case Does() as deed:
                await self._misbehave(deed, name, writer)
            case None:
                writer.write(self._given(name, asked.query))

    def _given(self, name: str, query: str) -> bytes:
        if parse_qs(query).get("sig") != [SIGNATURE]:
            return written(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
        if name not in self._blobs:
            return written(404, b"<Error><Code>BlobNotFound</Code></Error>")
        return written(200, self._blobs[name], {"Content-Type": "application/octet-stream"})

    async def _misbehave(self, deed: Does, name: str, writer: asyncio.StreamWriter) -> None:
        match deed:
            case Does.DROP:
                return
            case Does.BREAK_OFF:
                writer.write(written(200, b"begun", {"Content-Length": "99"}))
            case Does.DRIP:
                await _go_on(writer, b" ", pause=timedelta(milliseconds=5))
            case Does.POUR:
                await _go_on(writer, b" " * 65_536, pause=timedelta(0))
            case Does.HOLD:
                await self._released.wait()
                writer.write(written(200, self._blobs[name]))


async def _go_on(writer: asyncio.StreamWriter, piece: bytes, *, pause: timedelta) -> None:
    """Send until the other side has gone."""
    writer.write(b"HTTP/1.1 200 Scripted\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause.total_seconds())


def loopback_fetching(
    *,
    within: timedelta = timedelta(seconds=10),
    limit: int = 7_000_000,
    allowed: str = "127.0.0.1",
    clock: Clock | None = None,
) -> BeginFetching:
    """Return what fetches attachments as the service does, with loopback allowed."""
    guard = Guard(FixedResolver(["127.0.0.1"]), Allowed.read([allowed]))
    return fetching(Fetcher(guard, tls=_TRUSTS_NOBODY), within=within, limit=limit, clock=clock)
