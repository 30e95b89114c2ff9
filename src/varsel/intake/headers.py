"""Single headers, found in the list that ASGI hands over; faster than a mapping made for each request."""

from starlette.requests import Request


def header(request: Request, name: bytes) -> str:
    """Return the first value of a header (`name` in lower case), or "" if it is not given."""
    for given, value in request.scope["headers"]:
        if given == name:
            text: str = value.decode("latin-1")
            return text
    return ""
