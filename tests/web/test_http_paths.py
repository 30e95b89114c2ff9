"""How a path finds its resource, however it is spelled: as the contract says, and never past a filter in front."""

import pytest

from tests.support.raw_http import request
from tests.support.service import BASE, Service
from varsel.intake.routing import plain_path

FOUND = 401
"""What a POST without credentials is answered where there is a resource."""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{BASE}/future/orders", FOUND),
        (f"{BASE}/Future/ORDERS/", FOUND),
        (f"{BASE}/future/orders/instant/sms", FOUND),
        (f"{BASE}/future/orders%2Finstant%2Fsms", 404),
        (f"{BASE}/future/orders%2finstant/sms", 404),
        (f"{BASE}/future/orders%252Finstant%252Fsms", 404),
        (f"{BASE}/future/orders//", 404),
        (f"{BASE}//future/orders", 404),
        ("//", 404),
        (f"{BASE}/future/orders%2F", 404),
        (f"{BASE}/future/%6Frders", FOUND),
        (f"{BASE}/future/./orders", FOUND),
        (f"{BASE}/future/orders/.", FOUND),
        (f"{BASE}/future/orders/instant/..", FOUND),
        (f"{BASE}/elsewhere/../future/orders", FOUND),
        (f"{BASE}/elsewhere/%2e%2E/future/orders", FOUND),
        (f"{BASE}/elsewhere%2F..%2Ffuture/orders", 404),
        (f"/../..{BASE}/future/orders", FOUND),
        (f"http://varsel.example.no{BASE}/future/orders", FOUND),
    ],
)
async def test_an_escaped_slash_never_divides_and_dots_are_resolved(service: Service, path: str, status: int) -> None:
    answer = await service.raw(request("POST", path, {"Content-Type": "application/json"}, b"{}"))
    assert answer.status == status


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"//", "//"),
        (b"/a//", "/a//"),
        (b"/A%2fB%41/", "/a%2fba"),
        (b"/a%2", "/a%2"),
        (b"/a/../..", "/"),
        (b"/a/b/..", "/a"),
        (b"/.a/..b/...", "/.a/..b/..."),
        (b"/%C3%86", "/\u00e6"),
        (b"*", "*"),
    ],
)
def test_paths_are_made_plain(raw: bytes, path: str) -> None:
    assert plain_path(raw) == path
