"""Responses as the contract wants them: JSON indented and in UTF-8, errors often without a body (api.md 1.2, 1.8)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from varsel.intake.documents import JSON_CONTENT_TYPE, write_json
from varsel.intake.traces import trace_of

_JSON = (b"content-type", JSON_CONTENT_TYPE.encode())
_PROBLEM = "application/problem+json"
_PROBLEM_JSON = (b"content-type", f"{_PROBLEM}; charset=utf-8".encode())
_no_weight = re.compile(r"q=0(?:\.0*)?")


class _Written(Response):
    """A JSON document whose headers are made as they are sent: what Starlette's do for any text costs as much again."""

    def __init__(
        self,
        body: bytes,
        status: int,
        headers: Mapping[str, str] | None = None,
        content_type: tuple[bytes, bytes] = _JSON,
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [content_type, (b"content-length", b"%d" % len(body))]
        if headers:
            self.raw_headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a status alone."""
    return Response(status_code=status, headers=headers)


def document(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a JSON document."""
    return _Written(write_json(value), status, headers)


def written(json: bytes, status: int, headers: Mapping[str, str]) -> Response:
    """Answer with a JSON document that is written already."""
    return _Written(json, status, headers)


def problem(make: Callable[[str], Any], request: Request) -> Response:
    """Answer with the problem document that `make` builds around this request's trace id."""
    made = make(trace_of(request))
    content_type = _PROBLEM_JSON if _asks_for_problem_json(request) else _JSON
    return _Written(write_json(made), made.status, content_type=content_type)


def _asks_for_problem_json(request: Request) -> bool:
    """Tell whether `Accept` names `application/problem+json`; nothing else in it matters (api.md 1.2)."""
    ranges = ",".join(request.headers.getlist("accept")).lower().split(",")
    return any(_is_wanted(*media_range.partition(";")[::2]) for media_range in ranges)


def _is_wanted(media_type: str, parameters: str) -> bool:
    """Tell whether one range of `Accept` is the type of problems, and is not refused by a weight of 0."""
    weights = (parameter.strip() for parameter in parameters.split(";"))
    return media_type.strip() == _PROBLEM and not any(_no_weight.fullmatch(weight) for weight in weights)
