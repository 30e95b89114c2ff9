"""The OpenAPI document says what the shapes do."""

import re
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from tests.support.reading import errors_of
from varsel.intake.credentials.policies import Policy
from varsel.intake.openapi import Header, Parameter, Response, RouteSpec, Tag
from varsel.intake.openapi_document import build_document
from varsel.intake.wire_v1 import (
    AcceptedDocument,
    EmailOrderRequest,
    OrderList,
    OrderRequest,
    SmsOrderRequest,
    StatusDocument,
    V1Request,
)

POSTS: dict[str, type[V1Request]] = {
    "/orders": OrderRequest,
    "/orders/email": EmailOrderRequest,
    "/orders/sms": SmsOrderRequest,
}
ORDERS = Tag("Orders", "What is ordered.")
ROUTES = [
    *(
        RouteSpec(
            "POST",
            path,
            f"post{shape.__name__}",
            "Place an order",
            Policy.CREATE,
            {202: Response("Accepted.", AcceptedDocument, headers={"Location": Header("The order's address.", "/1")})},
            "Places an order.",
            ORDERS,
            request=shape,
            deprecated="Use `getStatus`.",
        )
        for path, shape in POSTS.items()
    ),
    RouteSpec(
        "GET",
        "/orders/{id}/status",
        "getStatus",
        "Read an order's status",
        Policy.CREATE,
        {200: Response("Its status.", StatusDocument), 404: Response("No such order.")},
        "Reads the status of an order.",
        ORDERS,
        parameters=(Parameter("id", "path", "The order's id.", UUID),),
    ),
    RouteSpec(
        "GET",
        "/orders",
        "findOrders",
        "Find orders",
        Policy.CREATE,
        {200: Response("The orders found.", OrderList)},
        "Finds orders.",
        ORDERS,
        parameters=(Parameter("sendersReference", "query", "The reference."),),
    ),
    RouteSpec(
        "GET",
        "/health",
        "health",
        "Health",
        Policy.NONE,
        {200: Response("Healthy.", str, media_type="text/plain")},
        "Tells whether the service answers.",
        Tag("Operation", "For operators."),
    ),
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document(ROUTES, title="Varsel", version="0.1.0", server="http://localhost:5090")


def validator(document: dict[str, Any], name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
    assert references
    assert references <= document["components"]["schemas"].keys()


def test_all_schemas_are_json_schemas(document: dict[str, Any]) -> None:
    for name in document["components"]["schemas"]:
        assert validator(document, name) is not None


def test_every_answer_is_listed(document: dict[str, Any]) -> None:
    paths = document["paths"]
    of_any = {"400", "401", "403", "405", "500", "503"}
    assert set(paths["/orders"]["post"]["responses"]) == of_any | {"202", "408", "413", "415"}
    status_answers = paths["/orders/{id}/status"]["get"]["responses"]
    assert set(status_answers) == of_any | {"200", "404"}
    assert "content" not in status_answers["404"]
    assert status_answers["400"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ValidationProblem"
    }
    assert set(paths["/health"]["get"]["responses"]) == {"200", "405", "500"}
    assert paths["/orders"]["post"]["deprecated"] is True


def test_credentials_are_alternatives(document: dict[str, Any]) -> None:
    assert document["paths"]["/orders"]["post"]["security"] == [
        {"altinnToken": ["altinn:serviceowner/notifications.create"]},
        {"platformAccessToken": []},
    ]
    assert document["paths"]["/health"]["get"]["security"] == []


EMAIL_ORDER = {"recipients": [{"emailAddress": "kari@example.com"}], "subject": "s", "body": "b"}
FULL_ORDER = {
    "sendersReference": None,
    "requestedSendTime": "2026-05-04T11:30:00+02:00",
    "notificationChannel": "EmailPreferred",
    "conditionEndpoint": "https://example.no/x",
    "recipients": [{"nationalIdentityNumber": "16069412345", "isReserved": None}],
    "emailTemplate": {"subject": "s", "body": "b", "contentType": "Html"},
    "smsTemplate": {"body": "b"},
}


@pytest.mark.parametrize(("shape", "body"), [(EmailOrderRequest, EMAIL_ORDER), (OrderRequest, FULL_ORDER)])
def test_schema_and_reader_accept_the_same_orders(
    document: dict[str, Any], shape: type[V1Request], body: dict[str, Any]
) -> None:
    assert validator(document, shape.__name__).is_valid(body)
    assert errors_of(shape, body) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"subject": None},
        {"subject": " "},
        {"body": 1},
        {"contentType": "Markdown"},
        {"recipients": []},
        {"recipients": None},
        {"recipients": [{"nationalIdentityNumber": "1"}]},
        {"recipients": [{"organizationNumber": "1234567890"}]},
        {"recipients": [{"emailAddress": "kari"}]},
        {"recipients": [1]},
        {"ignoreReservation": "yes"},
        {"requestedSendTime": None},
        {"requestedSendTime": "soon"},
    ],
)
def test_schema_and_reader_refuse_the_same_orders(document: dict[str, Any], change: dict[str, Any]) -> None:
    body = EMAIL_ORDER | change
    assert not validator(document, "EmailOrderRequest").is_valid(body)
    assert errors_of(EmailOrderRequest, body) != {}


@pytest.mark.parametrize("shape", POSTS.values())
def test_members_required_by_the_schema_cannot_be_left_out(document: dict[str, Any], shape: type[V1Request]) -> None:
    required = document["components"]["schemas"][shape.__name__]["required"]
    full = FULL_ORDER | {"notificationChannel": "Email", "subject": "s", "body": "b"}
    full |= {"recipients": [{"organizationNumber": "310123456"}]}
    assert errors_of(shape, full) == {}
    for member in required:
        assert errors_of(shape, {name: value for name, value in full.items() if name != member}), member


@pytest.mark.parametrize("shape", POSTS.values())
def test_null_is_allowed_exactly_where_the_schema_allows_it(document: dict[str, Any], shape: type[V1Request]) -> None:
    full = FULL_ORDER | {"notificationChannel": "Email", "subject": "s", "body": "b"}
    full |= {"recipients": [{"organizationNumber": "310123456"}]}
    for name in document["components"]["schemas"][shape.__name__]["properties"]:
        body = full | {name: None}
        if name == "emailTemplate":  # needed by every channel but one
            body["notificationChannel"] = "Sms"
        assert validator(document, shape.__name__).is_valid(body) == (not errors_of(shape, body)), name
