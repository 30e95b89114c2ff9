"""Varsel's HTTP server with nothing behind it, to tell what of a request is left to Varsel: `-m bench.bare PORT`."""

import asyncio
import gc
import sys

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from varsel.assembly.http_server import HttpServer, OneWrite

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
    config = uvicorn.Config(
        answer, port=port, http=OneWrite, ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = HttpServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    print("bare ready", flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
