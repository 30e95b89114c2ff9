"""The test aid GET `/tests/sendcondition`: a condition endpoint that answers as its caller wants (api.md 3.18)."""

from typing import Annotated

from starlette.requests import Request
from starlette.responses import Response

from varsel.intake.answers import document
from varsel.intake.credentials import Caller, Policy
from varsel.intake.documents import Document
from varsel.intake.openapi import Example, Parameter, RouteSpec, Tag
from varsel.intake.openapi import Response as Described
from varsel.intake.routing import Endpoint
from varsel.intake.shapes import member
from varsel.mechanisms.white_space import trimmed

_PARAMETER = "conditionMet"


class SendConditionDocument(Document, frozen=True, kw_only=True):
    """A condition endpoint's answer."""

    send_notification: Annotated[bool, member("Whether to send.")]


async def answer(request: Request, _caller: Caller) -> Response:
    """Say yes if the parameter is `true` in any letter case, else no; never find fault."""
    asked = (value for name, value in request.query_params.multi_items() if name.lower() == _PARAMETER.lower())
    is_met = trimmed(next(asked, "")).lower() == "true"
    return document(SendConditionDocument(send_notification=is_met))


ENDPOINT = Endpoint(
    RouteSpec(
        "GET",
        "/notifications/api/v1/tests/sendcondition",
        "answerSendCondition",
        "Answer a send condition",
        Policy.NONE,
        {
            200: Described(
                "Yes or no, as asked for.",
                SendConditionDocument,
                {"yes": Example("The order is sent", SendConditionDocument(send_notification=True))},
            ),
            415: Described("A Content-Type other than `application/json` was given. The body is empty."),
        },
        "Answers as a condition endpoint does. Its address can be the condition endpoint of an order, to try it out.",
        Tag("Tests", "Aids for those who write clients."),
        parameters=(
            Parameter(
                _PARAMETER,
                "query",
                "`true` for yes; everything else is no.",
                required=False,
                example="true",
                default="false",
            ),
        ),
    ),
    answer,
    claims_json=True,
)
