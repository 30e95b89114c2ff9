"""The trigger endpoints, for schedulers that still call them (api.md 3.17). Varsel's own workers need none.

Some wake a worker and answer at once; others have something done first, by whatever process is asked.
They are switched off unless a setting names who may call: whoever knows the key, or a caller's network.
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from varsel.intake.answers import empty
from varsel.intake.credentials import Caller
from varsel.storage.outages import is_outage

_log = logging.getLogger(__name__)

KEY_HEADER = "X-API-Key"
_CHALLENGE = {"WWW-Authenticate": f'ApiKey header="{KEY_HEADER}"'}
"""What a 401 must say (RFC 9110, section 15.5.2); no registered scheme takes a key in a header of its own."""


@dataclass(frozen=True, slots=True)
class TriggerAccess:
    """Who may call the triggers: whoever knows the present key, and some networks; without either nobody may."""

    key: Callable[[], str] | None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anybody may."""
        return bool(self.key or self.networks)

    def admits(self, request: Request) -> bool:
        """Tell whether this request comes from somebody who may."""
        presented = request.headers.get(KEY_HEADER, "")
        if self.key and hmac.compare_digest(presented.encode(), self.key().encode()):
            return True
        address = _address(request)
        return address is not None and any(address in network for network in self.networks)


def _address(request: Request) -> IPv4Address | IPv6Address | None:
    """Return the address a request comes from; one that reached an IPv6 socket by IPv4 is an IPv4 address."""
    if request.client is None:
        return None
    address = ip_address(request.client.host)
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@dataclass(frozen=True, slots=True)
class Errand:
    """Work that is done before its trigger is answered. It may be broken off at any point, and done again."""

    work: Callable[[], Awaitable[None]]
    failure: str | None = None
    """What the caller is told when it did not succeed; None for work that is over when its time is."""


class Triggers:
    """Wakes workers and runs errands on request. The answer never tells whether there was anything to do.

    An errand is broken off after `longest`.
    """

    def __init__(
        self,
        access: TriggerAccess,
        wake: Mapping[str, Callable[[], None]],
        errands: Mapping[str, Errand],
        *,
        longest: timedelta,
    ) -> None:
        self._access = access
        self.names = (*wake, *errands) if access else ()
        self._wake = wake
        self._errands = errands
        self._longest = longest.total_seconds()

    async def fire(self, request: Request, _caller: Caller) -> Response:
        """Do the work named by the path, or wake whoever does it."""
        if not self._access.admits(request):
            return empty(401, _CHALLENGE)
        name = request.scope["path"].rpartition("/")[2]
        if (errand := self._errands.get(name)) is None:
            self._wake[name]()
            return empty(200)
        if errand.failure is None:
            await self._run_for_a_while(errand)
            return empty(200)
        return await self._cleaned_up(name, errand, errand.failure)

    async def _run_for_a_while(self, errand: Errand) -> None:
        limit = asyncio.timeout(self._longest)
        try:
            async with limit:
                await errand.work()
        except TimeoutError:
            if not limit.expired():  # the work's own, such as a database that does not answer
                raise

    async def _cleaned_up(self, name: str, errand: Errand, failure: str) -> Response:
        try:
            async with asyncio.timeout(self._longest):
                await errand.work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told in the contract's words
            # An outage is nobody's defect; anything else needs its trace.
            _log.error("%s failed (%s)", name, type(error).__name__, exc_info=not is_outage(error))
            return PlainTextResponse(failure, 500)
        return empty(200)
