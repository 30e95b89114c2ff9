"""The v1 endpoints on one page: what each is called, takes and answers, and who answers it (api.md 3.1 to 3.8)."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from varsel.intake.credentials import Policy
from varsel.intake.openapi import Parameter, Response, RouteSpec
from varsel.intake.problems import Problem
from varsel.intake.routing import Endpoint
from varsel.intake.services import Services
from varsel.intake.shapes import member, not_blank
from varsel.intake.v1_orders import PlaceOrders
from varsel.intake.v1_reads import ReadOrders
from varsel.intake.wire_v1 import (
    AcceptedDocument,
    EmailNotificationList,
    EmailOrderRequest,
    OrderDocument,
    OrderList,
    OrderRequest,
    SmsNotificationList,
    SmsOrderRequest,
    StatusDocument,
    V1Request,
)
from varsel.model.results import Channel

BASE: Final = "/notifications/api/v1"

_ID = Parameter("id", "path", "The order's id; other usual forms of a GUID will do as well.", UUID)
_REFERENCE = Parameter(
    "sendersReference", "query", "The reference, matched exactly.", Annotated[str, member("", not_blank)]
)
_UNKNOWN = "There is no such order, or it is another organisation's."


def _post(path: str, operation_id: str, summary: str, request: type[V1Request]) -> RouteSpec:
    accepted = Response(
        "The order is stored and will be processed.", AcceptedDocument, headers={"Location": "Where the order is read."}
    )
    return RouteSpec(
        "POST",
        f"{BASE}/orders{path}",
        operation_id,
        summary,
        Policy.CREATE,
        {202: accepted},
        request=request,
        deprecated=True,
    )


def _get(path: str, operation_id: str, summary: str, found: Response) -> RouteSpec:
    return RouteSpec(
        "GET",
        f"{BASE}/orders/{{id}}{path}",
        operation_id,
        summary,
        Policy.CREATE,
        {200: found, 404: Response(_UNKNOWN)},
        parameters=(_ID,),
        deprecated=True,
    )


PLACE: Final = _post("", "placeOrder", "Place an order with a chosen channel", OrderRequest)
PLACE_EMAIL: Final = _post("/email", "placeEmailOrder", "Place an e-mail order", EmailOrderRequest)
PLACE_SMS: Final = _post("/sms", "placeSmsOrder", "Place an SMS order", SmsOrderRequest)
FIND: Final = RouteSpec(
    "GET",
    f"{BASE}/orders",
    "findOrders",
    "Find orders by the sender's reference",
    Policy.CREATE,
    {200: Response("The orders with exactly this reference.", OrderList)},
    parameters=(_REFERENCE,),
    deprecated=True,
)
READ: Final = _get("", "readOrder", "Read an order", Response("The order as it was placed.", OrderDocument))
STATUS: Final = _get(
    "/status", "readStatus", "Read an order's status", Response("Where the order stands.", StatusDocument)
)
CANCEL: Final = RouteSpec(
    "PUT",
    f"{BASE}/orders/{{id}}/cancel",
    "cancelOrder",
    "Cancel an order",
    Policy.CREATE,
    {
        200: Response("The order is cancelled.", StatusDocument),
        404: Response(_UNKNOWN, Problem),
        409: Response("It is too late: less than five minutes are left, or processing has begun.", Problem),
    },
    parameters=(_ID,),
)
EMAILS: Final = _get(
    "/notifications/email",
    "listEmails",
    "List an order's e-mails",
    Response("The e-mails with their results.", EmailNotificationList),
)
SMS: Final = _get(
    "/notifications/sms",
    "listSms",
    "List an order's SMS",
    Response("The SMS with their results.", SmsNotificationList),
)


def v1_endpoints(services: Services) -> Sequence[Endpoint]:
    """Return the endpoints with their handlers."""
    place, read = PlaceOrders(services), ReadOrders(services)
    return [
        Endpoint(PLACE, place.of(OrderRequest)),
        Endpoint(PLACE_EMAIL, place.of(EmailOrderRequest)),
        Endpoint(PLACE_SMS, place.of(SmsOrderRequest)),
        Endpoint(FIND, read.by_reference),
        Endpoint(READ, read.order),
        Endpoint(STATUS, read.status),
        Endpoint(CANCEL, read.cancel),
        Endpoint(EMAILS, read.notifications(Channel.Email)),
        Endpoint(SMS, read.notifications(Channel.Sms)),
    ]
