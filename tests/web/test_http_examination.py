"""The order in which a request is examined, and what is answered before an endpoint has its say (api.md 1.1 to 1.10).

Names of tests end with the row of the conformance checklist (api.md 6) they prove, where there is one.
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_http import RawAnswer, connected, request
from tests.support.service import BASE, CREATE, EMAIL_ORDER, ORDER, SMS_ORDER, Service, running_service
from varsel.storage.pool import Pool

ID = "6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01"
READS = [f"/orders/{ID}", "/orders?sendersReference=x", f"/orders/{ID}/status"]
LISTS = [f"/orders/{ID}/notifications/email", f"/orders/{ID}/notifications/sms"]
POSTS: list[tuple[str, Any]] = [("/orders", ORDER), ("/orders/email", EMAIL_ORDER), ("/orders/sms", SMS_ORDER)]
ENDPOINTS = [("GET", path) for path in READS + LISTS] + [("PUT", f"/orders/{ID}/cancel")]
ALLOWED = {
    "/orders": "GET, POST",
    "/orders/email": "GET, POST",
    "/orders/sms": "GET, POST",
    f"/orders/{ID}": "GET",
    f"/orders/{ID}/status": "GET",
    f"/order/{ID}/status": "GET",
    f"/orders/{ID}/cancel": "PUT",
    f"/orders/{ID}/notifications/email": "GET",
    f"/orders/{ID}/notifications/sms": "GET",
}


def assert_empty(answer: RawAnswer, status: int) -> None:
    """Hold an answer to a status alone: no body, nothing that announces one (api.md 1.8); a 401 names its scheme."""
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_an_unknown_path_is_404_without_a_body_c9(service: Service) -> None:
    for path in ("/", "/notifications", BASE, f"{BASE}/order", f"{BASE}/orders/{ID}/else", "/dev/x"):
        for method in ("GET", "POST", "DELETE"):
            assert_empty(await service.raw(request(method, path, {"Content-Type": "text/plain"})), 404)


async def test_another_method_is_405_before_credentials_and_type_c9(service: Service) -> None:
    for path, allowed in ALLOWED.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(allowed.split(", ")):
            answer = await service.raw(request(method, BASE + path, {"Content-Type": "text/plain"}, b"{"))
            assert_empty(answer, 405)
            assert answer.headers["allow"] == allowed
        assert (await service.client.head(BASE + path, headers=service.bearer())).status_code == 405


async def test_another_media_type_is_415_before_credentials(service: Service) -> None:
    for path, _ in POSTS:
        for content_type in ("text/json", "text/plain", "application/xml", "text/x+json", "x"):
            assert_empty(await service.raw(request("POST", BASE + path, {"Content-Type": content_type}, b"{}")), 415)


@pytest.mark.parametrize(("path", "order"), POSTS)
async def test_no_media_type_is_401_without_credentials_and_415_with_them(
    service: Service, path: str, order: Any
) -> None:
    assert_empty(await service.raw(request("POST", BASE + path, {}, b"{}")), 401)

    answer = await service.client.post(BASE + path, content=b"{}", headers=service.bearer())

    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    problem = answer.json()
    assert problem.pop("traceId")
    assert problem == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.16",
        "title": "Unsupported Media Type",
        "status": 415,
    }
    assert await service.stored() == 0
    assert (await service.post(path, order)).status_code == 202  # so the body was not what it stumbled over


@pytest.mark.parametrize(("path", "order"), POSTS)
async def test_a_valid_body_without_creator_is_403_and_an_invalid_one_400_c11(
    service: Service, path: str, order: Any
) -> None:
    anonymous = service.bearer(None)
    broken = await service.client.post(BASE + path, json={}, headers=anonymous)
    assert broken.status_code == 400

    refused = await service.raw(
        request("POST", BASE + path, {"Content-Type": "application/json", **anonymous}, json.dumps(order).encode())
    )

    assert_empty(refused, 403)
    assert await service.stored() == 0


async def test_reads_without_creator_are_403_after_the_id_was_bound(service: Service) -> None:
    for method, path in ENDPOINTS:
        assert_empty(await service.raw(request(method, BASE + path, service.bearer(None))), 403)
        unbound = path.replace(ID, "no-guid").replace("sendersReference", "other")
        answer = await service.client.request(method, BASE + unbound, headers=service.bearer(None))
        assert answer.status_code == 400


async def test_who_may_not_is_told_nothing_401_403s_c12_c13(service: Service) -> None:
    """Each row of the matrix, in front of a body nobody could read."""
    json_type = {"Content-Type": "application/json"}
    refused: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"Authorization": "Bearer x.y.z"}, 401),
        ({"Authorization": service.bearer()["Authorization"].replace("Bearer", "Basic")}, 401),
        ({"Authorization": service.bearer()["Authorization"][:-8] + "AAAAAAAA"}, 401),
        (service.bearer(expires_in=timedelta(minutes=-5)), 401),
        ({"PlatformAccessToken": "x.y.z"}, 401),
        (service.bearer(scopes=["altinn:serviceowner/notifications.create.all"]), 403),
        (service.bearer(scopes=["ALTINN:SERVICEOWNER/NOTIFICATIONS.CREATE"]), 403),
    ]
    for method, path in [*ENDPOINTS, *(("POST", path) for path, _ in POSTS)]:
        for headers, status in refused:
            assert_empty(await service.raw(request(method, BASE + path, json_type | headers, b"{")), status)
    assert await service.stored() == 0


@pytest.mark.parametrize(("path", "order"), POSTS)
async def test_every_credential_of_the_contract_opens_pat_c11_c12_c14(service: Service, path: str, order: Any) -> None:
    token = service.bearer()["Authorization"].removeprefix("Bearer ")
    for headers in (
        service.bearer(),
        {"Authorization": f"bEARER {token}"},
        {"Cookie": f"other=1; AltinnStudioRuntime={token}"},
        service.platform(),
        service.platform() | {"Authorization": "Bearer x.y.z"},
        service.bearer() | {"PlatformAccessToken": "x.y.z"},
        service.platform() | service.bearer(),
        service.platform() | service.bearer(scopes=["other"]),
        service.bearer(scopes=["altinn:other", CREATE]),
        service.bearer(scopes=["other"], claims={"urn:altinn:scope": CREATE}),
    ):
        answer = await service.client.post(BASE + path, json=order, headers=headers)
        assert answer.status_code == 202, headers
        read = await service.get(f"/orders/{answer.json()['orderId']}")
        assert read.json()["creator"] == "ttd"


async def test_the_altinn_scope_claim_alone_counts_where_both_are_c12(service: Service) -> None:
    headers = service.bearer(scopes=[CREATE], claims={"urn:altinn:scope": "altinn:other"})
    assert (await service.client.get(f"{BASE}/orders/{ID}", headers=headers)).status_code == 403


async def test_two_verified_credentials_of_different_organisations_are_refused_c11(service: Service) -> None:
    headers = service.platform("skd") | service.bearer("ttd")
    answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER, headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert await service.stored() == 0


async def test_the_platform_token_names_the_creator_where_the_other_names_none_c11(service: Service) -> None:
    headers = service.platform("skd") | service.bearer(None)
    answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER, headers=headers)
    assert (await service.status(answer.json()["orderId"], org="skd"))["creator"] == "skd"


async def test_a_cookie_counts_only_without_an_authorization_header_c14(service: Service) -> None:
    token = service.bearer()["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": "Bearer x.y.z", "Cookie": f"AltinnStudioRuntime={token}"}
    answer = await service.client.get(f"{BASE}/orders/{ID}", headers=headers)
    assert answer.status_code == 401


async def test_paths_and_query_names_match_in_any_case_with_or_without_a_slash_c9(service: Service) -> None:
    order_id = await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": "Ref-1"})
    for path in (
        f"/NOTIFICATIONS/API/V1/Orders/{str(order_id).upper()}/Status",
        f"{BASE}/orders/{order_id}/",
        f"{BASE}/orders/{order_id.hex}",
        f"{BASE}/orders/%7B{order_id}%7D/STATUS/",
        f"{BASE}/orders/({order_id})/notifications/EMAIL",
        f"{BASE}/Orders/?SENDERSREFERENCE=Ref-1",
    ):
        answer = await service.client.get(path, headers=service.bearer())
        assert answer.status_code == 200, path
    posted = await service.client.post(f"{BASE}/ORDERS/Email/", json=EMAIL_ORDER, headers=service.bearer())
    assert posted.status_code == 202


async def test_the_guide_s_singular_path_answers_too(service: Service) -> None:
    order_id = await service.accepted("/orders/email", EMAIL_ORDER)
    plural = await service.get(f"/orders/{order_id}/status")
    singular = await service.get(f"/order/{order_id}/status")
    assert singular.status_code == 200
    assert singular.content == plural.content


async def test_health_answers_any_method_to_anybody(service: Service) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        answer = await service.raw(request(method, "/Health", {"Content-Type": "text/plain"}, b"x"))
        assert (answer.status, answer.body) == (200, b"Healthy")
        assert answer.headers["content-type"].partition(";")[0] == "text/plain"
        assert {"no-store", "no-cache"} <= set(answer.headers["cache-control"].split(", "))
    head = await service.client.head("/health")
    assert (head.status_code, head.content) == (200, b"")


async def test_accept_is_ignored(service: Service) -> None:
    answer = await service.client.post(
        f"{BASE}/orders/email", json=EMAIL_ORDER, headers=service.bearer() | {"Accept": "application/xml"}
    )
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_links_and_location_come_from_the_settings_c10(service: Service) -> None:
    headers = service.bearer() | {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
    answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER, headers=headers)
    location = f"https://varsel.example.no{BASE}/orders/{answer.json()['orderId']}"
    assert answer.headers["location"] == location
    order = await service.document(f"/orders/{answer.json()['orderId']}")
    assert order["links"] == {"self": location, "status": f"{location}/status"}


async def test_a_problem_carries_the_caller_s_trace(service: Service) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    for given, wanted in [
        (f"00-{trace}-b7ad6b7169203331-01", rf"00-{trace}-(?!b7ad6b7169203331)[0-9a-f]{{16}}-01"),
        ("garbage", r"00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
    ]:
        answer = await service.client.put(
            f"{BASE}/orders/{ID}/cancel", headers=service.bearer() | {"traceparent": given}
        )
        assert re.fullmatch(wanted, answer.json()["traceId"])


async def test_a_connection_stays_usable_after_a_body_nobody_read(service: Service) -> None:
    """An answer that comes before the body was read must not spoil what follows on the same connection."""
    unread = request("POST", f"{BASE}/orders/email", {"Content-Type": "application/json"}, b"x" * 2_000_000)
    async with connected(service.port) as connection:
        connection.send(unread, request("GET", "/health"))
        assert_empty(await connection.answer(), 401)
        assert (await connection.answer()).body == b"Healthy"


async def test_a_request_that_takes_too_long_to_arrive_is_given_up(pool: Pool, tmp_path: Path) -> None:
    """RFC 9110, section 15.5.9: nobody may hold a place by sending a body for ever."""
    async with (
        running_service(pool, tmp_path, http_request_timeout=timedelta(milliseconds=50)) as service,
        connected(service.port) as connection,
    ):
        headers = {"Content-Type": "application/json", "Content-Length": "100", **service.bearer()}
        connection.send(request("POST", f"{BASE}/orders/email", headers), b'{"subject":')

        assert_empty(await connection.answer(), 408)

        assert await connection.ended()
        assert await service.stored() == 0


async def test_while_the_database_is_away_callers_are_told_to_come_again(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path) as service:
        pool.terminate()
        for answer in (await service.post("/orders/email", EMAIL_ORDER), await service.get(f"/orders/{ID}")):
            assert (answer.status_code, answer.content) == (503, b"")
            assert answer.headers["retry-after"]
        assert (await service.client.get("/health")).status_code == 200
