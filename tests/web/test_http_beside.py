"""What stands beside the contract's interface: inbox, local issuer, description, delivery reports of SMS."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from tests.support.link_reports import DeliveryReport, report_body
from tests.support.raw_http import request
from tests.support.service import BASE, EMAIL_ORDER, REPORT_PASSWORD, REPORT_USER, SMS_ORDER, Service, running_service
from varsel.storage.pool import Pool

REPORTS = "/notifications/sms/api/v1/reports"
ACCOUNT = (REPORT_USER, REPORT_PASSWORD)


async def post_report(
    service: Service, body: bytes, content_type: str | None = "application/xml", **options: Any
) -> Any:
    headers = {"Content-Type": content_type} if content_type else {}
    return await service.client.post(REPORTS, content=body, headers=headers, **({"auth": ACCOUNT} | options))


async def kept_reports(service: Service) -> int:
    return int(await service.rig.pool.fetchval("SELECT count(*) FROM delivery_reports"))


async def test_the_inbox_shows_what_was_kept_to_people_and_programs(service: Service) -> None:
    script = "<script>alert(1)</script>"
    await service.accepted(
        "/orders/email", {**EMAIL_ORDER, "subject": script, "body": f"æ {script}", "contentType": "Html"}
    )
    await service.accepted("/orders/sms", SMS_ORDER)
    await service.rig.work()

    document = (await service.client.get("/dev/inbox")).json()
    shown = {message.pop("channel"): message for message in document["messages"]}
    assert shown["Email"]["subject"] == script
    assert shown["Email"]["contentType"] == "Html"
    assert (shown["Sms"]["to"], shown["Sms"]["from"], shown["Sms"]["body"]) == ("+4799999999", "Altinn", "Text")
    only = (await service.client.get("/dev/inbox", params={"to": "kari@example.com"})).json()["messages"]
    assert [message["to"] for message in only] == ["kari@example.com"]

    page = await service.client.get("/dev/inbox", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert script not in page.text
    assert "&lt;script&gt;" in page.text
    again = await service.client.get("/dev/inbox?format=json", headers={"Accept": "text/html"})
    assert again.json() == (await service.client.get("/dev/inbox")).json()


async def test_html_with_an_endless_character_reference_is_sent_and_shown(service: Service) -> None:
    body = f"<p>&#{'1' * 5_000};</p>"
    order = await service.accepted("/orders/email", {**EMAIL_ORDER, "body": body, "contentType": "Html"})
    await service.rig.work()

    assert (await service.status(order))["notificationsStatusSummary"]["email"]["succeeded"] == 1
    for accept in ("text/html", "application/json"):
        assert (await service.client.get("/dev/inbox", headers={"Accept": accept})).status_code == 200


async def test_the_inbox_is_read_page_by_page(service: Service) -> None:
    for _ in range(5):
        await service.accepted("/orders/email", EMAIL_ORDER)
    await service.rig.work()
    seen: list[str] = []
    page = (await service.client.get("/dev/inbox", params={"limit": 2})).json()["messages"]
    while page:
        seen += [message["id"] for message in page]
        page = (await service.client.get("/dev/inbox", params={"limit": 2, "before": seen[-1]})).json()["messages"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def test_a_question_to_the_inbox_that_makes_no_sense_is_400(service: Service) -> None:
    for query in (
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=²",
        "limit=",
        "limit=-1",
        f"limit={'1' * 5_000}",
        "limit=٤",
        "before=x",
        "to=%00",
    ):
        answer = await service.client.get(f"/dev/inbox?{query}")
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [query.partition("=")[0]]


async def test_what_is_switched_off_is_not_there(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path, sandbox_inbox=False, swagger=False) as service:
        for path in ("/dev/inbox", "/swagger", "/swagger/v1/swagger.json"):
            answer = await service.client.get(path)
            assert (answer.status_code, answer.content) == (404, b"")


async def test_the_description_is_a_document_and_a_page(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path, swagger=True) as service:
        document = (await service.client.get("/Swagger/v1/Swagger.json")).json()
        assert document["openapi"].startswith("3.1")
        assert document["servers"] == [{"url": "https://varsel.example.no"}]
        page = await service.client.get("/swagger/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for operation in ("/orders/{id}/status", "/orders/sms"):
            assert operation in page.text


async def test_the_local_issuer_publishes_its_key(service: Service) -> None:
    discovery = (await service.client.get("/dev/openid/.well-known/openid-configuration")).json()
    assert discovery["issuer"] == "https://varsel.example.no/dev/openid/"
    keys = (await service.client.get(discovery["jwks_uri"].removeprefix("https://varsel.example.no"))).json()["keys"]
    assert [key["kty"] for key in keys] == ["RSA"]
    assert "d" not in keys[0]


async def test_a_delivery_report_is_kept_before_it_is_acknowledged(service: Service) -> None:
    """api.md 3.19: the body of the answer, and the content types that are taken."""
    for content_type in ("application/xml", "text/plain", "application/xml; charset=iso-8859-1", None):
        before = await kept_reports(service)
        answer = await post_report(service, report_body(DeliveryReport("gw-ref-1")), content_type)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/xml"
        assert "".join(answer.text.split()) == (
            '<?xmlversion="1.0"?><MSGLST><MSG><ID>1</ID><STATUS>OK</STATUS></MSG></MSGLST>'
        )
        assert await kept_reports(service) == before + 1


async def test_who_does_not_know_the_password_reports_nothing(service: Service) -> None:
    wrong = [(REPORT_USER, "wrong"), ("wrong", REPORT_PASSWORD), ("", ""), (REPORT_USER, REPORT_PASSWORD + " ")]
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !"},
        service.bearer(),
        *({"Authorization": f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}"} for pair in wrong),
    ]
    for each in headers:
        body = report_body(DeliveryReport("gw-ref-1"))
        answer = await service.raw(request("POST", REPORTS, {"Content-Type": "application/xml"} | each, body))
        assert (answer.status, answer.body) == (401, b"")
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert await kept_reports(service) == 0


async def test_the_right_password_is_heard_after_wrong_guesses_from_the_same_address(service: Service) -> None:
    body = report_body(DeliveryReport("1"))
    for _ in range(5):
        assert (await post_report(service, body, auth=(REPORT_USER, "guess"))).status_code == 401
    slowed = asyncio.create_task(post_report(service, body, auth=(REPORT_USER, "guess")))
    assert (await post_report(service, body)).status_code == 200
    assert (await slowed).status_code == 401


async def test_without_an_account_nobody_reports_anything(pool: Pool, tmp_path: Path) -> None:
    nobody = {"sms_report_username": None, "sms_report_password": None}
    async with running_service(pool, tmp_path, **nobody) as service:
        for account in (ACCOUNT, ("", "")):
            answer = await post_report(service, report_body(DeliveryReport("gw-ref-1")), auth=account)
            assert answer.status_code == 401


async def test_a_report_that_cannot_be_read_is_refused(service: Service) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><MSGLST><MSG><ID>&b;</ID></MSG></MSGLST>'
    for body in (b"", b"<MSGLST>", b"<MSGLST><MSG><ID>1</ID></MSG></MSGLST>", bomb, b"\xff\xfe"):
        answer = await post_report(service, body)
        assert answer.status_code == 400, body
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await post_report(service, b"x" * 1_000_001)).status_code == 413
    assert (await post_report(service, b"{}", "application/json")).status_code == 415
    assert (await service.client.get(REPORTS)).status_code == 405
    assert await kept_reports(service) == 0


async def test_head_is_answered_and_leaves_the_connection_fit_for_more(service: Service) -> None:
    """An answer to HEAD has a head alone, and must not wait for a body that never comes (RFC 9110, section 9.3.2)."""
    for path, status in (("/health", 200), ("/nowhere", 404), (f"{BASE}/orders", 405), ("/health", 200)):
        answer = await service.client.head(path)
        assert (answer.status_code, answer.content) == (status, b"")
    assert (await service.client.get("/health")).text == "Healthy"
