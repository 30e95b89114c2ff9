"""The v1 endpoints on one page: what each is called, takes and answers, and who answers it (api.md 3.1 to 3.8)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import UUID

from varsel.intake import problems
from varsel.intake.credentials import Policy
from varsel.intake.openapi import EXAMPLE_TRACE, Example, Header, Parameter, Response, RouteSpec, Tag, plain_problem
from varsel.intake.routing import Endpoint
from varsel.intake.services import Services
from varsel.intake.shapes import UriText, member, not_blank
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
    examples,
)
from varsel.model.results import Channel

BASE: Final = "/notifications/api/v1"

ORDERS: Final = Tag(
    "Orders",
    "Orders with many recipients, in the older form of the interface: deprecated, but fully supported. An order's "
    "id is also the id of a shipment.",
)

_ID = Parameter(
    "id",
    "path",
    "The order's id. Orders of the newer interface are found by their shipment id.",
    UUID,
    example=str(examples.ORDER_ID),
)
_REFERENCE = Parameter(
    "sendersReference",
    "query",
    "The reference, matched exactly.",
    Annotated[str, member("", not_blank)],
    example=examples.REFERENCE,
)
_UNKNOWN = "There is no such order, or it is another organisation's."
_NO_BODY = f"{_UNKNOWN} The body is empty."
_PLACE_INSTEAD = "Use `placeChain`, once for each recipient, which can be repeated safely under its idempotency id."
_FOLLOW_INSTEAD = "Use `readShipment`, or `readFeed` to learn of every order that has ended."
_NO_ID = {"id": ["A GUID is expected."]}


def _post(
    path: str,
    operation_id: str,
    summary: str,
    request: type[V1Request],
    shown: Mapping[str, Example],
    mistakes: Mapping[str, Sequence[str]],
    description: str,
) -> RouteSpec:
    accepted = Response(
        "The order is stored and will be processed.",
        AcceptedDocument,
        examples.ACCEPTED,
        headers={"Location": Header("Where the order is read.", examples.ADDRESS, UriText)},
    )
    return RouteSpec(
        "POST",
        f"{BASE}/orders{path}",
        operation_id,
        summary,
        Policy.CREATE,
        {202: accepted},
        f"{description} Every request that is accepted makes an order: one that is repeated is sent twice.",
        ORDERS,
        request=request,
        examples=shown,
        mistakes=mistakes,
        deprecated=_PLACE_INSTEAD,
    )


def _get(path: str, operation_id: str, summary: str, found: Response, description: str) -> RouteSpec:
    return RouteSpec(
        "GET",
        f"{BASE}/orders/{{id}}{path}",
        operation_id,
        summary,
        Policy.CREATE,
        {200: found, 404: Response(_NO_BODY)},
        description,
        ORDERS,
        parameters=(_ID,),
        mistakes=_NO_ID,
        deprecated=_FOLLOW_INSTEAD,
    )


PLACE: Final = _post(
    "",
    "placeOrder",
    "Place an order with a chosen channel",
    OrderRequest,
    examples.PLACE,
    {
        "Recipients[0].EmailAddress": ["The e-mail address is not valid."],
        "SmsTemplate": ["An SMS template is needed for the chosen channel."],
    },
    "Places an order whose sender chooses the channel. Persons and organisations are looked up; the order is stored "
    "even if none of them can be reached.",
)
PLACE_EMAIL: Final = _post(
    "/email",
    "placeEmailOrder",
    "Place an e-mail order",
    EmailOrderRequest,
    examples.PLACE_EMAIL,
    {"Recipients[0].EmailAddress": ["The e-mail address is not valid."]},
    "Places an order that is sent by e-mail, from the service's default address.",
)
PLACE_SMS: Final = _post(
    "/sms",
    "placeSmsOrder",
    "Place an SMS order",
    SmsOrderRequest,
    examples.PLACE_SMS,
    {
        "Recipients[0].MobileNumber": [
            "The mobile number is not valid; write it in international form, such as +4799999999."
        ]
    },
    "Places an order that is sent by SMS, in the daytime only.",
)
FIND: Final = RouteSpec(
    "GET",
    f"{BASE}/orders",
    "findOrders",
    "Find orders by the sender's reference",
    Policy.CREATE,
    {200: Response("The orders with exactly this reference; there may be none.", OrderList, examples.ORDERS)},
    "Returns every order of the caller's organisation that has this reference. References need not be unique.",
    ORDERS,
    parameters=(_REFERENCE,),
    mistakes={"sendersReference": ["The sendersReference field is required."]},
    deprecated="Keep the shipment ids that `placeChain` answers, and use `readShipment`.",
)
READ: Final = _get(
    "",
    "readOrder",
    "Read an order",
    Response("The order as it was placed.", OrderDocument, examples.ORDER),
    "Returns the order as it was placed, with defaults filled in. Addresses that were looked up are not shown.",
)
STATUS: Final = _get(
    "/status",
    "readStatus",
    "Read an order's status",
    Response("Where the order stands.", StatusDocument, examples.STATUS),
    "Returns where the order stands, and how many notifications it has and how many of them succeeded.",
)
CANCEL: Final = RouteSpec(
    "PUT",
    f"{BASE}/orders/{{id}}/cancel",
    "cancelOrder",
    "Cancel an order",
    Policy.CREATE,
    {
        200: Response("The order is cancelled, now or earlier.", StatusDocument, examples.CANCELLED),
        404: plain_problem(_UNKNOWN, problems.not_found(EXAMPLE_TRACE)),
        409: plain_problem("Too little time is left, or processing has begun.", problems.conflict(EXAMPLE_TRACE)),
    },
    "Cancels an order that has not begun, if there is time enough until it is to be sent: more than five minutes "
    "unless configured otherwise. It also cancels shipments of the newer interface; a notification and its reminders "
    "are cancelled one by one.",
    ORDERS,
    parameters=(_ID,),
    mistakes=_NO_ID,
)
EMAILS: Final = _get(
    "/notifications/email",
    "listEmails",
    "List an order's e-mails",
    Response("The e-mails with their results.", EmailNotificationList, examples.EMAILS),
    "Returns the e-mails of the order with their actual addresses and results. There are none until it is processed.",
)
SMS: Final = _get(
    "/notifications/sms",
    "listSms",
    "List an order's SMS",
    Response("The SMS with their results.", SmsNotificationList, examples.SMS),
    "Returns the SMS of the order with their actual numbers and results. There are none until it is processed.",
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
