"""The operations of the newer interface, as they are described; handlers are joined to them elsewhere."""

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from varsel.intake import problems
from varsel.intake.credentials.policies import Policy
from varsel.intake.openapi import (
    EXAMPLE_TRACE,
    RETRY_AFTER,
    Example,
    Header,
    Parameter,
    Response,
    RouteSpec,
    Tag,
)
from varsel.intake.problems import AltinnProblem
from varsel.intake.shapes import UriText, member
from varsel.intake.shapes.named import Enumeration
from varsel.intake.wire_future import examples
from varsel.intake.wire_future.chain import ChainRequest
from varsel.intake.wire_future.composed import ComposedRequest
from varsel.intake.wire_future.documents import FeedEntry, PlacedDocument, ShipmentDocument
from varsel.intake.wire_future.feed_query import LARGEST_PAGE, SEQUENCE, OrderBy, not_negative
from varsel.intake.wire_future.foundation import FutureRequest
from varsel.intake.wire_future.instant import InstantEmailRequest, InstantRequest, InstantSmsRequest

BASE: Final = "/notifications/api/v1/future"
REPLAY: Final = "Varsel-Replay"
"""Header of a 200: `same` or `differs`, by comparing the body with the first one under the same idempotency id."""

ORDERS: Final = Tag(
    "Future orders",
    "Orders with one recipient each, in the newer form of the interface. A request names an idempotency id and may be "
    "repeated under it: it is carried out once.",
)
SHIPMENTS: Final = Tag("Shipments", "What became of orders of any kind, one by one or as a feed.")

_REPLAYED = Response(
    "The idempotency id was used before; these are the ids of the first request. Nothing is changed or sent.",
    PlacedDocument,
    examples.PLACED,
    headers={REPLAY: Header("Whether the body is the `same` as that of the first request, or `differs`.", "same")},
)


def _created(description: str, shown: Mapping[str, Example]) -> Response:
    location = Header("An address with the id of the whole. Nothing can be read there.", examples.LOCATION, UriText)
    return Response(description, PlacedDocument, shown, headers={"Location": location})


_STORED = "The request is stored, and what it places is sent at its time."
_SENT = _created("The message was handed over.", examples.PLACED)


def _coded(description: str, shown: AltinnProblem) -> Response:
    return Response(description, AltinnProblem, {shown.code: Example(shown.title, shown)})


_GONE = _coded("The client went away before the request was finished.", problems.client_gone(EXAMPLE_TRACE))
_UNREACHABLE = _coded("A recipient has no usable address; nothing is stored.", problems.missing_contact(EXAMPLE_TRACE))
# Without a body, because not every such answer has one, and many generated clients fail for want of it.
_NOT_SENT = Response(
    "The message could not be handed over (the body is a problem document with the code `NOT-00004`), or the database "
    "or the token issuer's keys are out of reach (the body is empty). The same request may be tried again.",
    headers={"Retry-After": RETRY_AFTER},
)


def _post(
    path: str,
    operation_id: str,
    summary: str,
    request: type[FutureRequest],
    shown: Mapping[str, Example],
    responses: dict[int, Response],
    description: str,
    *,
    policy: Policy = Policy.CREATE,
    deprecated: str = "",
) -> RouteSpec:
    return RouteSpec(
        "POST",
        f"{BASE}/orders{path}",
        operation_id,
        summary,
        policy,
        {200: _REPLAYED, 499: _GONE, **responses},
        description,
        ORDERS,
        request=request,
        examples=shown,
        mistakes={
            "$": ["The JSON object is missing mandatory members: 'idempotencyId'."],
            request.parameter: [f"The {request.parameter} field is required."],
        },
        deprecated=deprecated,
    )


CHAIN: Final = _post(
    "",
    "placeChain",
    "Place a notification with reminders",
    ChainRequest,
    examples.CHAIN,
    {201: _created(_STORED, examples.PLACED_CHAIN), 422: _UNREACHABLE},
    "Places a notification to one recipient, and any number of reminders, each with a shipment id of its own. SMS are "
    "sent in the daytime only, unless `sendingTimePolicy` is `Anytime`.",
)
COMPOSED: Final = _post(
    "/composed-email",
    "placeComposedEmail",
    "Place an e-mail with attachments",
    ComposedRequest,
    examples.COMPOSED,
    {201: _created(_STORED, examples.PLACED)},
    "Places an e-mail to one recipient. Its attachments are fetched when it is sent.",
    policy=Policy.COMPOSED,
)
INSTANT_SMS: Final = _post(
    "/instant/sms",
    "sendInstantSms",
    "Send an SMS at once",
    InstantSmsRequest,
    examples.INSTANT_SMS,
    {201: _SENT, 503: _NOT_SENT},
    "Hands an SMS over before the request is answered, at any time of the day.",
)
INSTANT_EMAIL: Final = _post(
    "/instant/email",
    "sendInstantEmail",
    "Send an e-mail at once",
    InstantEmailRequest,
    examples.INSTANT_EMAIL,
    {201: _SENT, 503: _NOT_SENT},
    "Hands an e-mail over before the request is answered.",
)
INSTANT: Final = _post(
    "/instant",
    "sendInstant",
    "Send an SMS at once (older form)",
    InstantRequest,
    examples.INSTANT,
    {201: _SENT, 503: _NOT_SENT},
    "Hands an SMS over before the request is answered, at any time of the day.",
    deprecated="Use `sendInstantSms`, whose body has one level less.",
)

SHIPMENT: Final = RouteSpec(
    "GET",
    f"{BASE}/shipment/{{id}}",
    "readShipment",
    "Read a shipment",
    Policy.CREATE,
    {
        200: Response("The shipment as it stands now.", ShipmentDocument, examples.SHIPMENT),
        404: _coded(
            "There is no such shipment, or it is another organisation's.", problems.shipment_not_found(EXAMPLE_TRACE)
        ),
        499: _GONE,
    },
    "Returns where an order of any kind stands, and the result of each of its notifications.",
    SHIPMENTS,
    parameters=(
        Parameter("id", "path", "The shipment's id.", UUID, example=str(examples.SHIPMENT_ID), leads_nowhere=True),
    ),
)

FEED: Final = RouteSpec(
    "GET",
    f"{BASE}/shipment/feed",
    "readFeed",
    "Read how shipments ended",
    Policy.CREATE,
    {
        200: Response(
            "Entries of the caller's organisation in the order asked for; there may be none.",
            tuple[FeedEntry, ...],
            examples.FEED,
        ),
        499: _GONE,
    },
    "Returns how orders ended, one entry for each. Keep the last sequence number and read on from it: no entry is "
    "missed. Sequence numbers have gaps. Entries are removed after 90 days, unless configured otherwise.",
    SHIPMENTS,
    parameters=(
        Parameter(
            "seq",
            "query",
            "Read on from this sequence number, which is not part of the answer.",
            Annotated[int, member("", not_negative), SEQUENCE],
            required=False,
            example=0,
            default=0,
        ),
        Parameter(
            "pageSize",
            "query",
            "Most entries wanted. Other numbers are cut to what the service allows, 1 to 500 by default.",
            int,
            required=False,
            example=100,
            default=LARGEST_PAGE,
        ),
        Parameter(
            "orderBy",
            "query",
            "`asc` reads what came after `seq`; `desc` reads what came before it, from the newest if it is 0.",
            Annotated[str, Enumeration.of(OrderBy)],
            required=False,
            example="asc",
            default="asc",
        ),
    ),
    mistakes={"Seq": ["A sequence number is not negative."]},
)

ROUTES: Final = (CHAIN, COMPOSED, INSTANT_SMS, INSTANT_EMAIL, INSTANT, SHIPMENT, FEED)
