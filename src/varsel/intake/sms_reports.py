"""The SMS gateway's delivery reports: POST `/notifications/sms/api/v1/reports` (api.md 3.19, integrations.md 5.3).

A report is stored as it arrived before it is acknowledged; applying it is the workers' business.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from varsel.channels.sms_link import CHALLENGE, PROVIDER, BasicCredentials, ReportRefused, read_reports
from varsel.intake.answers import empty
from varsel.intake.credentials import Caller
from varsel.intake.shapes import BodyTooLarge
from varsel.model.clock import Clock
from varsel.model.results import Channel
from varsel.storage import reports
from varsel.storage.pool import Pool
from varsel.storage.reports import ArrivedReport

_LARGEST = 1_000_000
_XML = "application/xml"


class SmsReports:
    """Takes delivery reports in."""

    def __init__(
        self, pool: Pool, clock: Clock, credentials: BasicCredentials, kept: Callable[[], None], *, strict_states: bool
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._credentials = credentials
        self._kept = kept
        self._strict_states = strict_states

    async def take(self, request: Request, _caller: Caller) -> Response:
        """Store the reports of one request and acknowledge each."""
        if not self._credentials.accepts(request.headers.get("authorization")):
            return empty(401, {"WWW-Authenticate": CHALLENGE})
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
        return Response(batch.answer, media_type=_XML)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST:
            raise BodyTooLarge(f"a delivery report is larger than {_LARGEST} bytes")
    return bytes(body)
