"""What is looked at before the newer interface's endpoints have their say (api.md 1.6; matrix of 6.1, both halves of
the table that begin with `/future`). Names of tests end with the column they prove."""

import json
from collections.abc import Mapping

import pytest

from tests.support.issuer import COMPOSED, CREATE
from tests.support.placing import BODIES, CHAIN_PATH, COMPOSED_PATH, INSTANT_PATH, Placed, place, refused
from tests.support.raw_http import RawAnswer, request
from tests.support.service import BASE, Service

ID = "6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01"
SHIPMENT, FEED = f"/future/shipment/{ID}", "/future/shipment/feed"
ENDPOINTS = [*(("POST", path) for path in BODIES), ("GET", SHIPMENT), ("GET", FEED)]
PARAMETERS = dict.fromkeys(BODIES, "request") | {
    CHAIN_PATH: "notificationOrderRequest",
    COMPOSED_PATH: "orderRequest",
}
JSON = {"Content-Type": "application/json"}
OTHER_TYPES = ("text/plain", "text/json", "application/xml", "text/x+json")


def assert_empty(answer: RawAnswer, status: int) -> None:
    """Hold an answer to a status alone."""
    assert (answer.status, answer.body, answer.headers["content-length"]) == (status, b"", "0")


def body_of(method: str, path: str) -> bytes:
    """Return a body that the endpoint accepts."""
    return json.dumps(BODIES[path]).encode() if method == "POST" else b""


async def test_who_may_not_is_told_nothing_401_403s_c12(service: Service) -> None:
    for method, path in ENDPOINTS:
        scope, other = (COMPOSED, CREATE) if path == COMPOSED_PATH else (CREATE, COMPOSED)
        refusals: list[tuple[Mapping[str, str], int]] = [
            ({}, 401),
            ({"Authorization": "Bearer x.y.z"}, 401),
            ({"PlatformAccessToken": "x.y.z"}, 401),
            (service.bearer(scopes=[other]), 403),
            (service.bearer(scopes=[f"{scope}.all"]), 403),
            (service.bearer(scopes=[scope.upper()]), 403),
        ]
        for headers, status in refusals:
            assert_empty(await service.raw(request(method, BASE + path, {**JSON, **headers}, b"{")), status)
    assert await service.stored() == 0


async def test_a_platform_token_alone_suffices_but_for_composed_e_mails_pat_c11(service: Service) -> None:
    expected = dict.fromkeys(BODIES, 201) | {INSTANT_PATH: 200, SHIPMENT: 404, FEED: 200, COMPOSED_PATH: 401}
    for method, path in ENDPOINTS:  # the older instant form repeats the id of the newer one
        headers = {**JSON, **service.platform("skd")}
        answer = await service.raw(request(method, BASE + path, headers, body_of(method, path)))
        assert answer.status == expected[path], path
        if path == COMPOSED_PATH:
            assert_empty(answer, 401)


async def test_without_a_creator_a_valid_request_is_403_and_an_invalid_post_400_403c_c11(service: Service) -> None:
    for method, path in ENDPOINTS:
        for nobody in (None, "", " "):
            headers = {**JSON, **service.bearer(nobody, scopes=[CREATE, COMPOSED])}
            assert_empty(await service.raw(request(method, BASE + path, headers, body_of(method, path))), 403)
            if method == "POST":
                assert (await service.raw(request(method, BASE + path, headers, b"{}"))).status == 400
    assert await service.stored() == 0


async def test_malformed_bodies_have_one_key_and_the_parameter_400_c1_c4_c5(service: Service) -> None:
    for path in BODIES:
        parameter = PARAMETERS[path]
        for body, key in [(b"", ""), (b"null", ""), (b"{}", "$")]:
            assert (await refused(service, path, body)).keys() == {key, parameter}
        for body in (b"{", b"[]", b'{"idempotencyId": "x",}', b'{"idempotencyId": 1}', b"{}//"):
            errors = await refused(service, path, body)
            assert errors.pop(parameter) == [f"The {parameter} field is required."]
            assert all(key.startswith("$") for key in errors)
        assert await service.stored() == 0


@pytest.mark.parametrize("path", BODIES)
async def test_an_idempotency_id_must_say_something_400r(service: Service, path: str) -> None:
    for blank in ("", " ", None):
        errors = await refused(service, path, BODIES[path] | {"idempotencyId": blank})
        assert errors == {"IdempotencyId": ["The IdempotencyId field is required."]}
    for unkept in ("a\0b", "\ud800"):
        raw = json.dumps(BODIES[path] | {"idempotencyId": unkept}).encode()
        assert "$.idempotencyId" in await refused(service, path, raw)
    assert await service.stored() == 0
    assert (await place(service, path, BODIES[path] | {"idempotencyId": "x" * 100_000})).status_code == 201


async def test_another_media_type_is_415_before_credentials_415(service: Service) -> None:
    for path in BODIES:
        for other in OTHER_TYPES:
            assert_empty(await service.raw(request("POST", BASE + path, {"Content-Type": other}, b"{}")), 415)
        assert_empty(await service.raw(request("POST", BASE + path, {}, b"{}")), 401)
        headers = service.bearer(scopes=[CREATE, COMPOSED])
        untyped = await service.client.post(BASE + path, content=b"{}", headers=headers)
        assert (untyped.status_code, untyped.json()["title"]) == (415, "Unsupported Media Type")
        odd = {**headers, "Content-Type": "application/json; charset=ebcdic"}
        assert (await service.client.post(BASE + path, content=b"{}", headers=odd)).status_code == 415


async def test_the_feed_minds_its_media_type_and_a_shipment_does_not_415(service: Service) -> None:
    for other in OTHER_TYPES:
        assert_empty(await service.raw(request("GET", BASE + FEED, {"Content-Type": other})), 415)
        with_type = {**service.bearer(), "Content-Type": other}
        assert (await service.client.get(BASE + SHIPMENT, headers=with_type)).status_code == 404
    for mine in ({}, JSON, {"Content-Type": "application/json; charset=utf-8"}):
        assert (await service.client.get(BASE + FEED, headers={**service.bearer(), **mine})).status_code == 200


@pytest.mark.parametrize("path", BODIES)
async def test_what_is_created_has_a_location_at_which_nothing_is_loc_c10(service: Service, path: str) -> None:
    """api.md 1.9, and 5, item 16."""
    answer = await place(service, path, BODIES[path])
    told = Placed.told_by(answer)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"https://varsel.example.no{BASE}/orders/chain/{told.chain_id}"
    assert (await service.get(f"/orders/chain/{told.chain_id}")).status_code == 404
    assert (await service.get(f"/orders/{told.chain_id}")).status_code == 404
    assert (await service.get(f"/future/shipment/{told.chain_id}")).status_code == 404
    assert await service.stored() > 0


async def test_other_methods_are_405_and_unknown_paths_404_c9(service: Service) -> None:
    for method, path in ENDPOINTS:
        for other in {"GET", "POST", "PUT", "DELETE", "OPTIONS"} - {method}:
            answer = await service.raw(request(other, BASE + path, {"Content-Type": "text/plain"}))
            assert_empty(answer, 405)
            assert answer.headers["allow"] == method
    for nowhere in ("/future", "/future/orders/email", "/future/orders/instant/x", "/future/shipment"):
        assert_empty(await service.raw(request("GET", BASE + nowhere)), 404)


async def test_a_shipment_s_id_that_is_no_guid_is_no_path_at_all(service: Service) -> None:
    """api.md 3.14 and 5, item 3: 404 without a body, whoever asks and however."""
    for other in ("x", "1", f"{ID}0", ID[:-1], f"%7B{ID}", f"{ID}/x", "%00"):
        for method in ("GET", "PUT"):
            assert_empty(await service.raw(request(method, f"{BASE}/future/shipment/{other}")), 404)
    for form in (ID, ID.upper(), ID.replace("-", ""), f"%7B{ID}%7D", f"({ID})", f"{ID}/"):
        answer = await service.get(f"/future/shipment/{form}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT-00003")


async def test_paths_match_in_any_case_c9(service: Service) -> None:
    headers = service.bearer()
    posted = await service.client.post(f"{BASE}/Future/ORDERS/", json=BODIES[CHAIN_PATH], headers=headers)
    assert posted.status_code == 201
    order_id = Placed.told_by(posted).main
    for path in (f"/FUTURE/Shipment/{order_id}/", "/future/shipment/FEED/?SEQ=0&pagesize=1"):
        assert (await service.client.get(BASE + path, headers=headers)).status_code == 200
