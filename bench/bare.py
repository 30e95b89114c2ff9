"""Varsel's HTTP server with nothing behind it, to tell what of a request is left to Varsel: `-m bench.bare PORT`."""

import asyncio
import gc
import socket
import sys

import uvloop
from starlette.types import Receive, Scope, Send

from varsel.http import HttpServer, Limits
from varsel.intake.departure import EXTENSION, Departure

_START = {
    "type": "http.response.start",
    "status": 202,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"16")],
}
_BODY = {"type": "http.response.body", "body": b'{"orderId": "x"}'}


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Take the body in and answer."""
    assert scope["type"] == "http"
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send(_START)
    await send(_BODY)


async def serve(port: int) -> None:
    """Answer on `port` of 127.0.0.1 until ended."""
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)  # as the service has it
    server = HttpServer(answer, Limits(), leaving_name=EXTENSION, leaving=Departure)
    await server.start(socket.create_server(("127.0.0.1", port)))
    print("bare ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
