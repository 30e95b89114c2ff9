"""How an operation is described: its parameters, body, answers and examples.

A `RouteSpec` is also what the application builds its routes from, so that the description cannot say otherwise.
`openapi_document` makes the published document of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from varsel.intake import problems
from varsel.intake.credentials.policies import Policy
from varsel.intake.problems import Problem, ValidationProblem
from varsel.intake.shapes import Shape

JSON_TYPE: Final = "application/json"

EXAMPLE_TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
"""The trace id that examples of problem documents show."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A group of operations."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Example:
    """A body as it is sent or answered: a document, or what JSON is made of."""

    summary: str
    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path or the query. `kind` is declared like a shape's member: `str`, `int`, `UUID` …

    `default` is what leaving it out means; None if that is no value.
    """

    name: str
    place: str
    description: str
    kind: Any = str
    required: bool = True
    example: Any = None
    default: Any = None
    leads_nowhere: bool = False
    """Whether nothing is at the path (404) with a value that cannot be read, instead of a wrong request (400)."""

    @property
    def can_be_wrong(self) -> bool:
        """Whether a request can break the rules here: a text that may be left out is always right."""
        return not self.leads_nowhere and (self.required or self.kind is not str)


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer. `always` tells whether every such answer has it."""

    description: str
    example: Any
    kind: Any = str
    always: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: what it means, its body's type (None: empty body) with examples by name, and its headers."""

    description: str
    body: Any = None
    examples: Mapping[str, Example] = field(default_factory=dict)
    media_type: str = JSON_TYPE
    headers: Mapping[str, Header] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One operation. `responses` lists what is its own; what follows from policy, body and parameters is added.

    `examples` are bodies of requests by name, the usual one first. `mistakes` are the errors that the example of a 400
    shows, messages by key. `deprecated` says what to use instead; it is empty while the operation is recommended.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    policy: Policy
    responses: Mapping[int, Response]
    description: str
    tag: Tag
    request: type[Shape] | None = None
    examples: Mapping[str, Example] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    mistakes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deprecated: str = ""

    def all_responses(self) -> dict[int, Response]:
        """Return every answer the operation can give, by status."""
        found = {405: _WRONG_METHOD, 500: _FAILURE}
        if self.request or any(parameter.can_be_wrong for parameter in self.parameters):
            found[400] = _invalid(self.mistakes)
        if self.request:
            found |= {408: _TOO_SLOW, 413: _TOO_LARGE, 415: _WRONG_TYPE}
        if self.policy is not Policy.NONE:
            found |= {401: _UNAUTHENTICATED, 403: _FORBIDDEN, 503: _AWAY}
        return dict(sorted((found | dict(self.responses)).items()))


def _invalid(mistakes: Mapping[str, Sequence[str]]) -> Response:
    shown = problems.validation_problem({key: list(messages) for key, messages in mistakes.items()}, EXAMPLE_TRACE)
    return Response(
        "The request breaks the rules; `errors` names every member that fails, and why.",
        ValidationProblem,
        {"invalid": Example("What is wrong, by member", shown)},
    )


def plain_problem(description: str, shown: Problem) -> Response:
    """Return an answer with a plain problem document, such as `shown`."""
    return Response(description, Problem, {"problem": Example(shown.title, shown)})


_UNAUTHENTICATED = Response("There is no valid credential. The body is empty.")
_FORBIDDEN = Response("The credential lacks the scope, or names no organisation. The body is empty.")
_WRONG_METHOD = Response(
    "This method is not supported here. The body is empty.",
    headers={"Allow": Header("The methods that are supported.", "GET, POST")},
)
_TOO_SLOW = Response("The request took too long to arrive, or to be answered. The body is empty.")
_TOO_LARGE = Response("The body is larger than the service accepts, 30,000,000 bytes by default. The body is empty.")
# OpenAPI cannot tell two answers of one status apart: this one is empty for another type, and a problem document
# without any header (api.md 1.2). A body is described only where every such answer has it.
_WRONG_TYPE = Response(
    "The body is not declared as `application/json`, or is in a charset other than UTF-8 and UTF-16."
)
RETRY_AFTER: Final = Header("Seconds to wait before the next attempt.", 5, int, always=False)
_FAILURE = Response(
    "A directory did not answer, or an unexpected failure; the same request may be tried again. The body is empty.",
    headers={"Retry-After": RETRY_AFTER},
)
_AWAY = Response(
    "The database or the token issuer's keys are out of reach; the same request may be tried again. The body is empty.",
    headers={"Retry-After": RETRY_AFTER},
)
