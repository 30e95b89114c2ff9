"""The SMS gateway's delivery reports: POST `/notifications/sms/api/v1/reports` (api.md 3.19, integrations.md 5.3).

A report is stored as it arrived before it is acknowledged; applying it is the workers' business. Wrong credentials are
answered more and more slowly; right ones are never made to wait, even from the address of somebody who guesses, because
behind a proxy all have one address.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from varsel.channels.sms_link import CHALLENGE, PROVIDER, BasicCredentials, ReportRefused, read_reports
from varsel.intake.answers import empty
from varsel.intake.counters import Counters
from varsel.intake.credentials import Caller
from varsel.intake.shapes import BodyTooLarge
from varsel.mechanisms.failure_limit import Allowance, FailureLimit
from varsel.model.clock import Clock
from varsel.model.results import Channel
from varsel.storage import reports
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport

_LARGEST = 1_000_000
_EACH: Final = Allowance(failures=5, pause=timedelta(seconds=1))
_ALL_TOGETHER: Final = Allowance(failures=50, pause=timedelta(milliseconds=100))
_LONGEST_HOLD: Final = timedelta(seconds=10)
_MOST_HELD: Final = 100
"""Wrong answers held back at once; beyond them a guess costs its caller the connection instead of time."""
_XML = "application/xml"


class SmsReports:
    """Takes delivery reports in."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        credentials: BasicCredentials,
        kept: Callable[[], None],
        counters: Counters,
        *,
        strict_states: bool,
        hold: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._credentials = credentials
        self._kept = kept
        self._counters = counters
        self._strict_states = strict_states
        self._hold = hold
        self._guesses = FailureLimit(_EACH, _ALL_TOGETHER, longest=_LONGEST_HOLD)
        self._held = 0

    async def take(self, request: Request, _caller: Caller) -> Response:
        """Store the reports of one request and acknowledge each."""
        if not self._credentials.accepts(request.headers.get("authorization")):
            return await self._unauthorised(request)
        try:
            batch = read_reports(
                await _body(request), request.headers.get("content-type"), strict_state_mapping=self._strict_states
            )
        except ReportRefused as refusal:
            return Response(str(refusal), refusal.status, media_type="text/plain")
        arrived = [
            ArrivedReport(Channel.Sms, r.reference, r.notification_id, r.result, r.raw, PROVIDER) for r in batch.reports
        ]
        await reports.keep(self._pool, arrived, now=self._clock.now())
        self._kept()
        self._counters.unknown_states(batch.unknown_states)
        return Response(batch.answer, media_type=_XML)

    async def _unauthorised(self, request: Request) -> Response:
        """Answer wrong credentials, the later the more of them there were."""
        wait = self._guesses.failed(_network(request), self._clock.now())
        if wait and self._held >= _MOST_HELD:
            return empty(429, {"Retry-After": str(math.ceil(wait.total_seconds())), "Connection": "close"})
        self._held += 1
        try:
            await self._hold(wait.total_seconds())
        finally:
            self._held -= 1
        return empty(401, {"WWW-Authenticate": CHALLENGE})


def _network(request: Request) -> str:
    """Return the address a request comes from; of IPv6 its first 64 bits, for whoever has one has all of them."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:  # a socket in the file system has no address
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST:
            raise BodyTooLarge(f"a delivery report is larger than {_LARGEST} bytes")
    return bytes(body)
