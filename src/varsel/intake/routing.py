"""The order in which a request is examined (api.md 1.6): path, method, media type; credentials; then the endpoint.

A resource answers all methods of its path, so that a 405 can name them and a 415 can come before the credentials.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from varsel.errors import DependencyFailure, KeysUnavailable
from varsel.intake import problems
from varsel.intake.answers import empty, problem
from varsel.intake.credentials import Caller, Denied, Gatekeeper, Policy
from varsel.intake.headers import header
from varsel.intake.openapi import JSON_TYPE, RouteSpec
from varsel.intake.shapes import BodyTooLarge, Invalid, read_loose_guid
from varsel.intake.time_limit import TimeLimit
from varsel.intake.traces import TRACE_HEADER, begin_trace
from varsel.storage.outages import is_outage

_log = logging.getLogger(__name__)

ANY: Final = "*"
"""Stands for every method a resource does not name."""

ID: Final = "{id}"
GUID: Final = "{guid}"

_MOST_AFTER_ID: Final = 2
"""Segments that follow the id at most, as in `/orders/{id}/notifications/email`."""

_GONE: Final = 499
_LATER: Final = {"Retry-After": "5"}
_UNAUTHORIZED: Final = 401
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
"""What a 401 must say (RFC 9110, section 15.5.2): which credentials are wanted (RFC 6750, section 3)."""


Handler = Callable[[Request, Caller], Awaitable[Response]]


class UnsupportedMediaType(Exception):
    """The body's charset is not understood."""


@dataclass(frozen=True, slots=True)
class Method:
    """How one method of a resource is answered.

    `consumes` names the media types a body may have; an empty tuple reads no body and takes any type.
    """

    handler: Handler
    policy: Policy = Policy.NONE
    consumes: tuple[str, ...] = ()
    needs_type: bool = True
    """Whether a request without a Content-Type is refused too, after the credentials were looked at."""
    tells_gone: bool = False
    """Whether a caller who went away is answered 499 (api.md 1.8), for whatever still stands in between to read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation of the contract, as it is described and as it is answered."""

    spec: RouteSpec
    handler: Handler
    claims_json: bool = False
    """Whether a request without a body is refused too when its Content-Type is not JSON (api.md 1.2)."""
    only_guids: bool = False
    """Whether nothing is at this path unless its id is a GUID (api.md 3.14); then it is handed on as a `UUID`."""

    @property
    def path(self) -> str:
        """The path, as `Paths` wants it."""
        return self.spec.path.replace(ID, GUID) if self.only_guids else self.spec.path

    @property
    def answered(self) -> Method:
        """How the described operation is answered: its policy and its body are those of the description."""
        takes_body = self.spec.request is not None
        consumes = (JSON_TYPE,) if takes_body or self.claims_json else ()
        tells_gone = _GONE in self.spec.responses
        return Method(self.handler, self.spec.policy, consumes, needs_type=takes_body, tells_gone=tells_gone)


_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class Resource:
    """One path and the methods it answers."""

    def __init__(self, path: str, gatekeeper: Gatekeeper, methods: Mapping[str, Method], limit: TimeLimit) -> None:
        self._path = path
        self._gatekeeper = gatekeeper
        self._methods = methods
        self._limit = limit
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path has matched."""
        request = Request(scope, receive)
        trace_id = begin_trace(request)
        try:
            if request.method in _WITHOUT_BODY:  # no caller can make it slow; the database has time-outs of its own
                response = await self._answered(request)
            else:
                with self._limit.kept():
                    response = await self._answered(request)
        except ClientDisconnect:
            method = self._methods.get(request.method)
            if method is None or not method.tells_gone:
                return
            response = problem(problems.client_gone, request)
        except TimeoutError:
            response = empty(408, {"Connection": "close"})  # RFC 9110, section 15.5.9
        response.raw_headers.append((TRACE_HEADER, trace_id.encode()))
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except ClientDisconnect:
            raise
        except DependencyFailure as failure:  # a directory, while an order is placed (api.md 3.5)
            _log.error("%s %s: %s", request.method, self._path, failure)
            return empty(500, _LATER)
        except Exception as error:  # noqa: BLE001 - the last resort: nothing about the failure may reach the caller
            if is_outage(error):
                _log.error("%s %s: the database is away (%s)", request.method, self._path, type(error).__name__)
                return empty(503, _LATER)
            _log.exception("%s %s failed", request.method, self._path)
            return empty(500)

    async def _answer(self, request: Request) -> Response:
        method = self._methods.get(request.method) or self._methods.get(ANY)
        if method is None:
            return empty(405, {"Allow": self._allow})
        given = _media_type(request)
        if method.consumes and given and not _is_among(given, method.consumes):
            return empty(415)
        try:
            admitted = await self._gatekeeper.admit(method.policy, request.scope["headers"])
        except KeysUnavailable:
            return empty(503, _LATER)
        if isinstance(admitted, Denied):
            _log.info("refused with %d: %s", admitted.status, admitted.reason)
            return empty(admitted.status, _CHALLENGE if admitted.status == _UNAUTHORIZED else None)
        if method.consumes and not given and method.needs_type:
            return problem(problems.unsupported_media_type, request)
        return await _handled(method.handler, request, admitted)


async def _handled(handler: Handler, request: Request, caller: Caller) -> Response:
    try:
        return await handler(request, caller)
    except Invalid as invalid:
        errors = invalid.errors
        return problem(lambda trace: problems.validation_problem(errors, trace), request)
    except BodyTooLarge:
        return empty(413, {"Connection": "close"})  # what is left of the body is not worth reading
    except UnsupportedMediaType:
        return problem(problems.unsupported_media_type, request)


def _media_type(request: Request) -> str:
    return header(request, b"content-type").partition(";")[0].strip().lower()


def _is_among(media_type: str, consumed: tuple[str, ...]) -> bool:
    """Tell whether a body of this type is read; where JSON is, `application/…+json` is JSON too (api.md 1.2)."""
    if media_type in consumed:
        return True
    return JSON_TYPE in consumed and media_type.startswith("application/") and media_type.endswith("+json")


class Paths:
    """Finds the resource of a path, in any letter case and with one trailing slash (api.md 1.1).

    Every path is looked up: as it is, or with one of its last segments taken for an id. `{id}` in the path of a
    resource stands for any text, `{guid}` for a GUID in any of its forms, handed on as a `UUID`.
    """

    def __init__(self, resources: Mapping[str, Resource], nowhere: ASGIApp) -> None:
        self._fixed = {path: resource for path, resource in resources.items() if "{" not in path}
        self._with_id = {
            path.replace(GUID, ID): (resource, GUID in path) for path, resource in resources.items() if "{" in path
        }
        self._nowhere = nowhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fold the path, then hand the request on."""
        app: ASGIApp | None = None
        if scope["type"] == "http":
            path = scope["path"] = plain_path(scope["raw_path"])
            app = self._fixed.get(path) or self._by_id(path, scope)
        await (app or self._nowhere)(scope, receive, send)

    def _by_id(self, path: str, scope: Scope) -> Resource | None:
        segments = path.split("/")
        for place in range(len(segments) - 1, max(0, len(segments) - 2 - _MOST_AFTER_ID), -1):
            given, segments[place] = segments[place], ID
            resource, is_guid = self._with_id.get("/".join(segments), (None, False))
            if resource is not None:
                taken = read_loose_guid(given) if is_guid else given
                scope["path_params"] = {"id": taken}
                return resource if taken else None
            segments[place] = given
        return None


def plain_path(raw: bytes) -> str:
    """Return the path of a request as resources are named: in lower case, without escapes, dots and trailing slash.

    An escaped slash never divides segments, so a filter in front that looks for a path cannot be walked past. Dot
    segments are resolved, escaped ones too (RFC 3986, section 5.2.4).
    """
    path = raw.decode("latin-1").lower()
    if "%" in path:
        path = unquote(path.replace("%2f", "%252f")).lower()
    if "/." in path:
        path = _without_dots(path)
    if path.endswith("//"):
        return path  # an empty segment is in no path of ours
    return path.removesuffix("/") or "/"


def _without_dots(path: str) -> str:
    segments: list[str] = []
    given = path.split("/")[1:]
    for segment in given:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    ends_open = given[-1] in {".", ".."}
    return "/" + "/".join([*segments, ""] if ends_open and segments else segments)


def resources_of(
    gatekeeper: Gatekeeper, methods: Mapping[str, Mapping[str, Method]], *, longest: timedelta
) -> Mapping[str, Resource]:
    """Make the resource of each path (in lower case, ids as `Paths` wants them).

    A request with a body that takes longer than `longest` before its answer begins is given up.
    """
    limit = TimeLimit(longest)
    return {path: Resource(path, gatekeeper, by_method, limit) for path, by_method in methods.items()}
