"""The v1 endpoints on one page: what each is called, takes and answers, and who answers it (api.md 3.1 to 3.8)."""

from collections.abc import Sequence

from varsel.intake.credentials import Policy
from varsel.intake.openapi import Parameter, Response, RouteSpec
from varsel.intake.problems import Problem
from varsel.intake.routing import Endpoint
from varsel.intake.services import Services
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

BASE = "/notifications/api/v1"

_ID = Parameter("id", "path", "The order's id; any of the usual forms of a GUID.")
_UNKNOWN = Response("There is no such order, or it is another organisation's.")


def v1_endpoints(services: Services) -> Sequence[Endpoint]:
    """Return the endpoints with their handlers."""
    place, read = PlaceOrders(services), ReadOrders(services)
    return [
        Endpoint(_post("", "placeOrder", "Place an order with a chosen channel", OrderRequest), place.of(OrderRequest)),
        Endpoint(
            _post("/email", "placeEmailOrder", "Place an e-mail order", EmailOrderRequest), place.of(EmailOrderRequest)
        ),
        Endpoint(_post("/sms", "placeSmsOrder", "Place an SMS order", SmsOrderRequest), place.of(SmsOrderRequest)),
        Endpoint(_BY_REFERENCE, read.by_reference),
        Endpoint(_get("", "readOrder", "Read an order", "The order as it was placed.", OrderDocument), read.order),
        Endpoint(
            _get("/status", "readStatus", "Read an order's status", "Where the order stands.", StatusDocument),
            read.status,
        ),
        Endpoint(_CANCEL, read.cancel),
        Endpoint(
            _get(
                "/notifications/email",
                "listEmails",
                "List an order's e-mails",
                "The e-mails with their results.",
                EmailNotificationList,
            ),
            read.notifications(Channel.Email),
        ),
        Endpoint(
            _get(
                "/notifications/sms",
                "listSms",
                "List an order's SMS",
                "The SMS with their results.",
                SmsNotificationList,
            ),
            read.notifications(Channel.Sms),
        ),
    ]


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


def _get(path: str, operation_id: str, summary: str, found: str, body: object) -> RouteSpec:
    return RouteSpec(
        "GET",
        f"{BASE}/orders/{{id}}{path}",
        operation_id,
        summary,
        Policy.CREATE,
        {200: Response(found, body), 404: _UNKNOWN},
        parameters=(_ID,),
        deprecated=True,
    )


_BY_REFERENCE = RouteSpec(
    "GET",
    f"{BASE}/orders",
    "findOrders",
    "Find orders by the sender's reference",
    Policy.CREATE,
    {200: Response("The orders with exactly this reference.", OrderList)},
    parameters=(Parameter("sendersReference", "query", "The reference, matched exactly."),),
    deprecated=True,
)

_CANCEL = RouteSpec(
    "PUT",
    f"{BASE}/orders/{{id}}/cancel",
    "cancelOrder",
    "Cancel an order",
    Policy.CREATE,
    {
        200: Response("The order is cancelled.", StatusDocument),
        404: Response("There is no such order, or it is another organisation's.", Problem),
        409: Response("It is too late: less than five minutes are left, or processing has begun.", Problem),
    },
    parameters=(_ID,),
)
