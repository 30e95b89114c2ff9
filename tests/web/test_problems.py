"""Error documents (api.md 1.7 and 1.8; checklist C7)."""

import json

import pytest

from varsel.intake import problems
from varsel.intake.documents import Document, write_json

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_the_validation_document() -> None:
    document = problems.validation_problem({"RequestedSendTime": ["a", "b"], "": ["c"]}, TRACE)
    assert json.loads(write_json(document)) == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "errors": {"RequestedSendTime": ["a", "b"], "": ["c"]},
        "traceId": TRACE,
    }


@pytest.mark.parametrize(
    ("document", "section", "title", "status"),
    [
        (problems.not_found(TRACE), "15.5.5", "Not Found", 404),
        (problems.conflict(TRACE), "15.5.10", "Conflict", 409),
        (problems.unsupported_media_type(TRACE), "15.5.16", "Unsupported Media Type", 415),
    ],
)
def test_plain_problem_documents(document: Document, section: str, title: str, status: int) -> None:
    expected = {"type": f"https://tools.ietf.org/html/rfc9110#section-{section}", "title": title, "status": status}
    assert json.loads(write_json(document)) == expected | {"traceId": TRACE}


@pytest.mark.parametrize(
    ("document", "code", "status", "reason"),
    [
        (problems.missing_contact(TRACE), "NOT-00001", 422, {"statusDescription": "Unprocessable Entity"}),
        (problems.client_gone(TRACE), "NOT-00002", 499, {}),
        (problems.shipment_not_found(TRACE), "NOT-00003", 404, {"statusDescription": "Not Found"}),
        (problems.hand_over_failed(TRACE), "NOT-00004", 503, {"statusDescription": "Service Unavailable"}),
    ],
)
def test_altinn_problem_documents(document: Document, code: str, status: int, reason: dict[str, str]) -> None:
    written = json.loads(write_json(document))
    assert written.pop("title")
    expected = {"type": f"urn:altinn:error:{code}", "status": status, "code": code, "traceId": TRACE}
    assert written == expected | reason
