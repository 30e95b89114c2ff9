"""The trace id of a request: in its answer, in its log lines, and in those of the orders it makes.

A caller holds it as the header `Varsel-Trace-Id` of any answer, and as the second part of `traceId` in a problem
document (api.md 1.7). It is the caller's own where the request brought a `traceparent`.
"""

import os
import re
from random import Random
from typing import Final
from uuid import UUID

from starlette.requests import Request

from varsel.intake.headers import header
from varsel.mechanisms.log_fields import add_log_fields
from varsel.model.ids import uuid_of

TRACE_HEADER: Final = b"varsel-trace-id"
_IN_SCOPE: Final = "varsel.traceparent"
_ID: Final = slice(3, 35)
_random = Random(os.urandom(32))  # noqa: S311 - trace ids must differ, and are no secrets

# W3C Trace Context, section 3.2: later versions may append fields, ids of zeros are invalid.
_traceparent = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?", re.DOTALL
)


def begin_trace(request: Request) -> str:
    """Give a request its trace, name it in every log line that its task writes, and return the trace's id."""
    request.scope[_IN_SCOPE] = context = trace_context(header(request, b"traceparent"))
    trace_id = context[_ID]
    add_log_fields(trace_id=trace_id)
    return trace_id


def trace_of(request: Request) -> str:
    """Return the trace context of a request, as problem documents show it."""
    context: str = request.scope[_IN_SCOPE]
    return context


def trace_id_of(request: Request) -> UUID:
    """Return the id of a request's trace, as it is stored with the orders that the request makes."""
    return uuid_of(int(trace_of(request)[_ID], 16))


def trace_context(traceparent: str) -> str:
    """Return the caller's trace context, if its header is valid, with a span of our own; otherwise a new one."""
    match = _traceparent.fullmatch(traceparent) if traceparent else None
    if match is None or (match[1] == "00" and match[4]):
        fresh = f"{_random.getrandbits(192):048x}"
        return f"00-{fresh[:32]}-{fresh[32:]}-00"
    return f"00-{match[2]}-{_random.getrandbits(64):016x}-{match[3]}"
