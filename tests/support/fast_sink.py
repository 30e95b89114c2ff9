"""A very fast SMTP sink for loopback: understands pipelining, keeps nothing, counts.

In a test: `async with fast_sink() as sink: ... sink.port, sink.count`. For the benchmark as a process of its own:
`python -m tests.support.fast_sink --port 0 [--delay-ms 100]` prints `port N`; each line on its standard input is
answered with `count N`, and so is its end.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from typing import cast

_END = b"\r\n.\r\n"
_REPLIES = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_EHLO = (
    b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 50000000\r\n"
)


class Sink:
    """What all connections share: the count of messages taken and of connections, open now and at most."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.port = 0
        self.count = 0
        self.connections = 0
        self.most_connections = 0


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._in_data = False
        self._thinking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink ESMTP\r\n")
        self._sink.connections += 1
        self._sink.most_connections = max(self._sink.most_connections, self._sink.connections)

    def connection_lost(self, _reason: Exception | None) -> None:
        self._sink.connections -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._thinking:
            self._work()

    def _work(self) -> None:
        """Answer everything that stands in the buffer, in one write."""
        answers: list[bytes] = []
        while not self._thinking and (answer := self._content() if self._in_data else self._command()):
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))
        if self._transport.is_closing():
            self._thinking = True

    def _command(self) -> bytes | None:
        line, newline, rest = self._buffer.partition(b"\r\n")
        if not newline:
            return None
        self._buffer = rest
        verb = line[:4].upper()
        if verb == b"EHLO":
            return _EHLO
        if verb == b"DATA":
            self._in_data = True
            # The line end before an immediate dot belongs to the content's end.
            self._buffer = b"\r\n" + self._buffer
        elif verb == b"QUIT":
            self._transport.write(_REPLIES[verb])
            self._transport.close()
            return None
        return _REPLIES.get(verb, b"500 5.5.2 Unknown command\r\n")

    def _content(self) -> bytes | None:
        end = self._buffer.find(_END)
        if end < 0:
            return None
        self._buffer = self._buffer[end + len(_END) :]
        self._in_data = False
        self._sink.count += 1
        if not self._sink.delay:
            return b"250 2.0.0 Taken\r\n"
        self._thinking = True
        asyncio.get_running_loop().call_later(self._sink.delay, self._answer_late)
        return None

    def _answer_late(self) -> None:
        self._thinking = False
        self._transport.write(b"250 2.0.0 Taken\r\n")
        self._work()


@contextlib.asynccontextmanager
async def fast_sink(*, port: int = 0, delay: float = 0.0) -> AsyncIterator[Sink]:
    """Run a sink on 127.0.0.1; `delay` in seconds before each message is answered for."""
    sink = Sink(delay)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(sink), "127.0.0.1", port)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


async def _serve(port: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    async with fast_sink(port=port, delay=delay) as sink:
        print(f"port {sink.port}", flush=True)

        def asked() -> None:
            if sys.stdin.readline():
                print(f"count {sink.count}", flush=True)
            else:
                loop.remove_reader(sys.stdin)
                stop.set()

        loop.add_reader(sys.stdin, asked)
        await stop.wait()
        print(f"count {sink.count}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A fast SMTP sink on 127.0.0.1. Ends with its standard input.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="milliseconds before each message is answered for")
    arguments = parser.parse_args()
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - not on every platform

        uvloop.install()
    asyncio.run(_serve(arguments.port, arguments.delay_ms / 1000))


if __name__ == "__main__":
    main()
