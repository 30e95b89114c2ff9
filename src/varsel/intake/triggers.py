"""The trigger endpoints, for schedulers that still call them (api.md 3.17). Varsel's own workers need none.

They are switched off unless a setting names who may call: whoever knows the key, or a caller's network.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request
from starlette.responses import Response

from varsel.intake.answers import empty
from varsel.intake.credentials import Caller

KEY_HEADER = "X-API-Key"


@dataclass(frozen=True, slots=True)
class TriggerAccess:
    """Who may call the triggers; with neither key nor networks nobody may."""

    key: str | None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anybody may."""
        return bool(self.key or self.networks)

    def admits(self, request: Request) -> bool:
        """Tell whether this request comes from somebody who may."""
        presented = request.headers.get(KEY_HEADER, "")
        if self.key and hmac.compare_digest(presented.encode(), self.key.encode()):
            return True
        address = _address(request)
        return address is not None and any(address in network for network in self.networks)


def _address(request: Request) -> IPv4Address | IPv6Address | None:
    """Return the address a request comes from; one that reached an IPv6 socket by IPv4 is an IPv4 address."""
    if request.client is None:
        return None
    address = ip_address(request.client.host)
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


class Triggers:
    """Wakes workers on request. The answer never tells whether there was anything to do."""

    def __init__(self, access: TriggerAccess, wake: Mapping[str, Callable[[], None]]) -> None:
        self._access = access
        self.names = tuple(wake) if access else ()
        self._wake = wake

    async def fire(self, request: Request, _caller: Caller) -> Response:
        """Wake whoever does the work named by the path."""
        if not self._access.admits(request):
            return empty(401)
        self._wake[request.scope["path"].rpartition("/")[2]]()
        return empty(200)
