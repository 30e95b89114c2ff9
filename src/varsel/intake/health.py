"""Liveness, readiness and start-up, for whatever decides whether a process gets requests.

`/health` says that the process answers (api.md 1.10). `/health/ready` looks at what requests need: a database that
takes writes, a schema this code knows, keys to judge tokens with. `/health/startup` is answered like readiness until
that was well once, and well from then on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from varsel.intake.credentials import Caller

_log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]
"""Returns when what it looks at is well, and raises when it is not."""

_NO_STORE: Final = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """Limits of readiness checks."""

    longest: float = 3.0
    """Seconds a check may take before it counts as failed; give probes a longer time-out."""
    fresh: float = 1.0
    """Seconds for which a result is shown again, so that many who ask cost one look."""


class Health:
    """The state of everything that requests need, looked at when somebody asks."""

    def __init__(self, checks: Mapping[str, Check], options: HealthOptions = HealthOptions()) -> None:
        self._checks = checks
        self._options = options
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._failed: frozenset[str] = frozenset(checks)
        self._started = False

    async def ready(self, _request: Request, _caller: Caller) -> Response:
        """Answer 200 when every check passes, otherwise 503 with the names of those that fail."""
        return self._answer(await self._failures())

    async def started(self, _request: Request, _caller: Caller) -> Response:
        """Answer as `ready` until every check passed once, and 200 from then on."""
        return self._answer(frozenset() if self._started else await self._failures())

    def _answer(self, failed: frozenset[str]) -> Response:
        checks = {name: "failed" if name in failed else "ok" for name in self._checks}
        status = {"status": "Unhealthy" if failed else "Healthy", "checks": checks}
        return JSONResponse(status, status_code=503 if failed else 200, headers=_NO_STORE)

    async def _failures(self) -> frozenset[str]:
        async with self._lock:
            if monotonic() - self._looked_at >= self._options.fresh:
                before, self._failed = self._failed, await self._look()
                self._looked_at = monotonic()
                self._tell(before)
        return self._failed

    async def _look(self) -> frozenset[str]:
        results = await asyncio.gather(*(self._passes(check) for check in self._checks.values()))
        return frozenset(name for name, well in zip(self._checks, results, strict=True) if not well)

    async def _passes(self, check: Check) -> bool:
        try:
            async with asyncio.timeout(self._options.longest):
                await check()
        except Exception as failure:  # noqa: BLE001 - whatever a check raises means that it failed
            _log.debug("a readiness check failed (%s)", type(failure).__name__)
            return False
        return True

    def _tell(self, before: frozenset[str]) -> None:
        """Log what changed, so that a probe every second does not fill the log."""
        if self._started and (failing := self._failed - before):
            _log.error("not ready: %s failed", ", ".join(sorted(failing)))
        if self._failed:
            return
        if before:
            _log.info("ready")
        self._started = True
