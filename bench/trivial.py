"""A server that answers every request alike, to tell what the load generator itself costs: `-m bench.trivial PORT`."""

import asyncio
import sys

import uvloop

ANSWER = b'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"orderId": "x"}'
_BLANK = b"\r\n\r\n"
_LENGTH = b"Content-Length: "


class Trivial(asyncio.Protocol):
    """Answers once a request's head and body are there."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request is whole."""
        self._buffer += data
        blank = self._buffer.find(_BLANK)
        if blank < 0:
            return
        at = self._buffer.find(_LENGTH, 0, blank)
        length = int(self._buffer[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._buffer) >= blank + len(_BLANK) + length:
            self._buffer = b""
            self._transport.write(ANSWER)  # type: ignore[attr-defined]  # a stream's transport; uvloop's has no base


async def serve(port: int) -> None:
    """Answer on `port` of 127.0.0.1 until ended."""
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", port)
    async with server:
        print("trivial ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
