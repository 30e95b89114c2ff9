"""Which credentials a request presents, and where (integrations.md 1.2 and 1.10)."""

from collections.abc import Iterable
from typing import NamedTuple

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Headers as ASGI hands them over: names in lower case."""

ALTINN_COOKIE = ".ALTINNTOKEN"
RUNTIME_COOKIE = "AltinnStudioRuntime"

_OF_INTEREST = frozenset({b"authorization", b"platformaccesstoken", b"cookie"})


class Presented(NamedTuple):
    """The tokens of a request, unverified; None where there is none."""

    bearer: bytes | None
    platform: bytes | None


class CredentialReader:
    """Finds the tokens in a request's headers. An empty `runtime_cookie` turns cookies off."""

    def __init__(self, runtime_cookie: str = RUNTIME_COOKIE) -> None:
        names = (ALTINN_COOKIE, runtime_cookie) if runtime_cookie else ()
        self._cookies = tuple(name.encode() for name in names)

    def read(self, headers: RawHeaders) -> Presented:
        """Return the tokens presented.

        A header given more than once is read as its values joined by commas (RFC 9110, section 5.2); no token
        contains a comma, so such a credential is refused as malformed wherever it would count.
        """
        authorization = platform = None
        cookies: list[bytes] = []
        for name, value in headers:
            if name in _OF_INTEREST:
                if name == b"authorization":
                    authorization = value if authorization is None else authorization + b"," + value
                elif name == b"cookie":
                    cookies.append(value)
                else:
                    platform = value if platform is None else platform + b"," + value
        bearer = _bearer_token(authorization)
        if bearer is None and cookies and self._cookies:
            bearer = self._cookie_token(b";".join(cookies))
        return Presented(bearer, platform.strip() or None if platform else None)

    def _cookie_token(self, header: bytes) -> bytes | None:
        pairs = (item.partition(b"=") for item in header.split(b";"))
        jar = {name.strip(): value.strip() for name, _, value in reversed(list(pairs))}
        return next((jar[name] for name in self._cookies if jar.get(name)), None)


def _bearer_token(authorization: bytes | None) -> bytes | None:
    if authorization is None or authorization[:7].lower() != b"bearer ":
        return None
    return authorization[7:].strip() or None
