"""Error documents, as pure values (api.md 1.7 and 1.8)."""

from typing import Annotated, Final

from varsel.intake.documents import Document
from varsel.intake.shapes import member

_SECTION: Final = "https://tools.ietf.org/html/rfc9110#section-"
_TYPE = Annotated[str, member("A URI that stands for this kind of problem.")]
_TITLE = Annotated[str, member("This kind of problem in a few words.")]
_STATUS = Annotated[int, member("The status of the answer.")]
_TRACE_ID = Annotated[str, member("W3C trace context of the request; name it when you ask for help.")]


class ValidationProblem(Document, frozen=True, kw_only=True):
    """The request breaks the rules.

    `errors` names the first thing that cannot be read, or else all members that are missing, or else all broken rules.
    """

    type: _TYPE
    title: _TITLE
    status: _STATUS
    errors: Annotated[dict[str, tuple[str, ...]], member("Messages by the member that they concern.")]
    trace_id: _TRACE_ID


class Problem(Document, frozen=True, kw_only=True):
    """A plain problem document."""

    type: _TYPE
    title: _TITLE
    status: _STATUS
    trace_id: _TRACE_ID


class AltinnProblem(Document, frozen=True, kw_only=True):
    """A problem with a code that programs can tell apart."""

    type: _TYPE
    title: _TITLE
    status: _STATUS
    code: Annotated[str, member("A code that programs can tell apart, such as `NOT-00001`.")]
    trace_id: _TRACE_ID
    status_description: Annotated[str | None, member("The name of the status, if it has one.")] = None


def validation_problem(errors: dict[str, list[str]], trace_id: str) -> ValidationProblem:
    """Return the 400 document; `errors` as in `shapes.Invalid`."""
    return ValidationProblem(
        type=_SECTION + "15.5.1",
        title="One or more validation errors occurred.",
        status=400,
        errors={key: tuple(messages) for key, messages in errors.items()},
        trace_id=trace_id,
    )


def not_found(trace_id: str) -> Problem:
    """Return the 404 document of cancel; the other v1 endpoints answer 404 with an empty body."""
    return Problem(type=_SECTION + "15.5.5", title="Not Found", status=404, trace_id=trace_id)


def conflict(trace_id: str) -> Problem:
    """Return the 409 document of cancel."""
    return Problem(type=_SECTION + "15.5.10", title="Conflict", status=409, trace_id=trace_id)


def unsupported_media_type(trace_id: str) -> Problem:
    """Return the 415 document for a body without Content-Type; another type is answered with an empty body."""
    return Problem(type=_SECTION + "15.5.16", title="Unsupported Media Type", status=415, trace_id=trace_id)


def missing_contact(trace_id: str) -> AltinnProblem:
    """Return NOT-00001: no usable address was found for a recipient."""
    title = "Missing contact information for recipient(s)"
    return _altinn("NOT-00001", 422, title, trace_id, "Unprocessable Entity")


def client_gone(trace_id: str) -> AltinnProblem:
    """Return NOT-00002: the client went away; its status has no reason phrase."""
    title = "The client disconnected or cancelled the request before the server could complete processing"
    return _altinn("NOT-00002", 499, title, trace_id, None)


def shipment_not_found(trace_id: str) -> AltinnProblem:
    """Return NOT-00003: no such shipment, or another creator's."""
    return _altinn("NOT-00003", 404, "Shipment not found", trace_id, "Not Found")


def hand_over_failed(trace_id: str) -> AltinnProblem:
    """Return NOT-00004: an instant message could not be handed over."""
    return _altinn("NOT-00004", 503, "A temporary network failure occurred", trace_id, "Service Unavailable")


def _altinn(code: str, status: int, title: str, trace_id: str, reason: str | None) -> AltinnProblem:
    return AltinnProblem(
        type=f"urn:altinn:error:{code}",
        title=title,
        status=status,
        code=code,
        trace_id=trace_id,
        status_description=reason,
    )
