"""Request bodies: a small one whole, as it arrived; any other as a stream, taken only as fast as it is read."""

from starlette.requests import ClientDisconnect, Request

from varsel.intake.shapes.body import Chunks

_SMALL = 32_768


async def body_of(request: Request) -> Chunks:
    """Return the body of `request`; bytes where its announced length is small."""
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal() or int(announced) > _SMALL:
        return request.stream()
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
