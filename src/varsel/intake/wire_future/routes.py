"""The operations of the newer interface, as they are described; handlers are joined to them elsewhere."""

from typing import Annotated, Final

from varsel.intake.credentials.policies import Policy
from varsel.intake.openapi import Parameter, Response, RouteSpec
from varsel.intake.problems import AltinnProblem
from varsel.intake.shapes.schema import OneOf
from varsel.intake.wire_future.chain import ChainRequest
from varsel.intake.wire_future.composed import ComposedRequest
from varsel.intake.wire_future.documents import FeedEntry, PlacedDocument, ShipmentDocument
from varsel.intake.wire_future.feed_query import OrderBy
from varsel.intake.wire_future.foundation import FutureRequest
from varsel.intake.wire_future.instant import InstantEmailRequest, InstantRequest, InstantSmsRequest

BASE: Final = "/notifications/api/v1/future"
REPLAY: Final = "Varsel-Replay"
"""Header of a 200: `same` or `differs`, by comparing the body with the first one under the same idempotency id."""

_ORDERS: Final = "Orders that look ahead"
_SHIPMENTS: Final = "Shipments"

_CREATED = Response("Stored and accepted.", PlacedDocument, headers={"Location": "The whole, by its id."})
_REPLAYED = Response(
    "The idempotency id was used before; this is what was answered then. Nothing is changed or sent.",
    PlacedDocument,
    headers={REPLAY: "Whether the body is the `same` as that of the first request, or `differs`."},
)
_GONE = Response("The client went away before the request was finished.", AltinnProblem)
_UNREACHABLE = Response("A recipient has no usable address; nothing is stored.", AltinnProblem)
_NOT_SENT = Response("The message could not be handed over; the same request may be tried again.", AltinnProblem)


def _post(
    path: str,
    operation_id: str,
    summary: str,
    request: type[FutureRequest],
    failures: dict[int, Response],
    *,
    policy: Policy = Policy.CREATE,
    deprecated: bool = False,
) -> RouteSpec:
    return RouteSpec(
        "POST",
        f"{BASE}/orders{path}",
        operation_id,
        summary,
        policy,
        {200: _REPLAYED, 201: _CREATED, 499: _GONE, **failures},
        request=request,
        tag=_ORDERS,
        deprecated=deprecated,
    )


CHAIN: Final = _post("", "placeChain", "Place a notification with reminders", ChainRequest, {422: _UNREACHABLE})
COMPOSED: Final = _post(
    "/composed-email",
    "placeComposedEmail",
    "Place an e-mail with attachments",
    ComposedRequest,
    {},
    policy=Policy.COMPOSED,
)
INSTANT_SMS: Final = _post("/instant/sms", "sendInstantSms", "Send an SMS at once", InstantSmsRequest, {503: _NOT_SENT})
INSTANT_EMAIL: Final = _post(
    "/instant/email", "sendInstantEmail", "Send an e-mail at once", InstantEmailRequest, {503: _NOT_SENT}
)
INSTANT: Final = _post(
    "/instant",
    "sendInstant",
    "Send an SMS at once (older form)",
    InstantRequest,
    {503: _NOT_SENT},
    deprecated=True,
)

SHIPMENT: Final = RouteSpec(
    "GET",
    f"{BASE}/shipment/{{id}}",
    "readShipment",
    "Read a shipment",
    Policy.CREATE,
    {
        200: Response("The shipment as it stands now.", ShipmentDocument),
        404: Response("There is no such shipment, or it is another organisation's.", AltinnProblem),
        499: _GONE,
    },
    parameters=(Parameter("id", "path", "The shipment's id; any of the usual forms of a GUID."),),
    tag=_SHIPMENTS,
)

FEED: Final = RouteSpec(
    "GET",
    f"{BASE}/shipment/feed",
    "readFeed",
    "Read how shipments ended",
    Policy.CREATE,
    {200: Response("Entries of this organisation in the order asked for.", tuple[FeedEntry, ...]), 499: _GONE},
    parameters=(
        Parameter("seq", "query", "Read on from this sequence number; 0 if absent.", int, required=False),
        Parameter("pageSize", "query", "Most entries wanted; cut to what is allowed.", int, required=False),
        Parameter(
            "orderBy", "query", "In which direction.", Annotated[str, OneOf(*OrderBy.__members__)], required=False
        ),
    ),
    tag=_SHIPMENTS,
)

ROUTES: Final = (CHAIN, COMPOSED, INSTANT_SMS, INSTANT_EMAIL, INSTANT, SHIPMENT, FEED)
