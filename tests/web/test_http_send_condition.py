"""GET `/tests/sendcondition`, the test aid for send conditions (api.md 3.18)."""

import pytest

from tests.support.raw_http import request
from tests.support.service import BASE, Service

PATH = f"{BASE}/tests/sendcondition"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("?conditionMet=true", True),
        ("?conditionMet=TRUE", True),
        ("?CONDITIONMET=True", True),
        ("?conditionMet=false", False),
        ("?conditionMet=yes", False),
        ("?conditionMet=1", False),
        ("?conditionMet=", False),
        ("?conditionMet=false&conditionMet=true", False),
        ("?other=true", False),
        ("", False),
    ],
)
async def test_it_answers_as_asked_for_and_finds_no_fault(service: Service, query: str, answer: bool) -> None:
    found = await service.client.get(PATH + query)
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert found.json() == {"sendNotification": answer}


async def test_path_method_and_type_are_examined_as_everywhere(service: Service) -> None:
    for content_type in ("text/plain", "application/xml", "text/json"):
        refused = await service.raw(request("GET", f"{PATH}?conditionMet=true", {"Content-Type": content_type}))
        assert (refused.status, refused.body) == (415, b"")
    for content_type in ("application/json", "application/json; charset=utf-8"):
        taken = await service.raw(request("GET", f"{PATH.upper()}/", {"Content-Type": content_type}))
        assert taken.status == 200
    wrong = await service.raw(request("POST", PATH, {"Content-Type": "text/plain"}, b"{"))
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
