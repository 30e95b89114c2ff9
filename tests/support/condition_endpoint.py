"""A scripted condition endpoint: a real HTTP(S) server on loopback (integrations.md, section 3.2)."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.support.loopback import LoopbackServer, Received, written


@dataclass(frozen=True, slots=True)
class Says:
    """A complete answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Does(Enum):
    """What an endpoint does instead of answering."""

    DROP = auto()
    """Closes the connection."""
    HOLD = auto()
    """Says nothing until `release`, then yes."""
    BEGIN = auto()
    """Sends its head and the first bytes, and no more."""
    BREAK_OFF = auto()
    """Closes the connection in the middle of the body."""
    POUR = auto()
    """Sends bytes without announcing how many, and never ends."""
    BABBLE = auto()
    """Speaks something that is not HTTP."""


YES = Says(200, b'{"sendNotification": true}')
NO = Says(200, b'{"sendNotification": false}')


class ConditionEndpoint(LoopbackServer):
    """Answers by `script` in order, then always by `otherwise`. `poured` counts the bytes of POUR that went out."""

    def __init__(
        self,
        *script: Says | Does,
        otherwise: Says | Does = YES,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(tls, host)
        self.script = deque(script)
        self.otherwise = otherwise
        self.poured = 0
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let what is held go, now and later."""
        self._released.set()

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer as scripted."""
        del received
        match self.script.popleft() if self.script else self.otherwise:
            case Says(status, body, headers):
                writer.write(written(status, body, headers))
            case Does.HOLD:
                await self._released.wait()
                writer.write(written(200, YES.body))
            case Does.BEGIN:
                writer.write(written(200, b'{"send', {"Content-Length": "99"}))
                await self._released.wait()
            case Does.BREAK_OFF:
                writer.write(written(200, b'{"send', {"Content-Length": "99"}))
            case Does.POUR:
                await self._pour(writer)
            case Does.BABBLE:
                writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
            case Does.DROP:
                pass

    async def _pour(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Scripted\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()
            self.poured += 65_536
