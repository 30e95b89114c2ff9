"""The endpoints of the newer interface, joined to who answers them (api.md 3.9 to 3.14)."""

from collections.abc import Sequence

from varsel.intake.future_orders import PlaceChains
from varsel.intake.routing import Endpoint
from varsel.intake.services import Services
from varsel.intake.shipments import FollowShipments
from varsel.intake.wire_future import (
    ChainRequest,
    ComposedRequest,
    InstantEmailRequest,
    InstantRequest,
    InstantSmsRequest,
    routes,
)


def future_endpoints(services: Services) -> Sequence[Endpoint]:
    """Return the endpoints with their handlers."""
    place, follow = PlaceChains(services), FollowShipments(services)
    return [
        Endpoint(routes.CHAIN, place.of(ChainRequest)),
        Endpoint(routes.COMPOSED, place.of(ComposedRequest)),
        Endpoint(routes.INSTANT_SMS, place.of(InstantSmsRequest)),
        Endpoint(routes.INSTANT_EMAIL, place.of(InstantEmailRequest)),
        Endpoint(routes.INSTANT, place.of(InstantRequest)),
        Endpoint(routes.FEED, follow.feed, claims_json=True),
        Endpoint(routes.SHIPMENT, follow.shipment, only_guids=True),
    ]
