"""The gateway posts reports over HTTP to an endpoint made of nothing but the room's own functions."""

from tests.support.http_server import HttpReply, HttpRequest, LoopbackServer
from tests.support.link_reports import DeliveryReport, post_report
from varsel.channels.protocol import Report
from varsel.channels.sms_link import CHALLENGE, BasicCredentials, ReportRefused, read_reports
from varsel.channels.sms_link.reports import ANSWER_TYPE
from varsel.model.results import Result

CREDENTIALS = BasicCredentials([("link", "ord")])


class Endpoint(LoopbackServer):
    """What the intake makes of the room's functions, without the rest of Varsel."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Report] = []

    async def answer(self, request: HttpRequest) -> HttpReply:
        if not CREDENTIALS.accepts(request.headers.get("authorization")):
            return HttpReply("401 Unauthorized", b"", headers=f"WWW-Authenticate: {CHALLENGE}\r\n")
        try:
            batch = read_reports(request.body, request.headers.get("content-type"))
        except ReportRefused as refusal:
            return HttpReply(f"{refusal.status} Refused", str(refusal).encode(), "text/plain")
        self.stored.extend(batch.reports)
        return HttpReply("200 OK", batch.answer.encode(), ANSWER_TYPE)


async def test_reports_are_stored_and_the_gateway_is_told() -> None:
    reports = [DeliveryReport("r1"), DeliveryReport("r2", "ACCEPTD", number="2"), DeliveryReport("blåbær", number="3")]
    async with Endpoint() as endpoint:
        response = await post_report(endpoint.url, ("link", "ord"), *reports)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/xml")
    assert response.text.count("<STATUS>OK</STATUS>") == 3
    assert [(r.reference, r.result) for r in endpoint.stored] == [
        ("r1", Result.SMS_DELIVERED),
        ("r2", None),
        ("blåbær", Result.SMS_DELIVERED),
    ]


async def test_a_wrong_password_stores_nothing() -> None:
    async with Endpoint() as endpoint:
        response = await post_report(endpoint.url, ("link", "annet"), DeliveryReport("r1"))
    assert (response.status_code, response.text, endpoint.stored) == (401, "", [])
    assert response.headers["www-authenticate"] == CHALLENGE


async def test_an_incomplete_report_stores_nothing() -> None:
    async with Endpoint() as endpoint:
        response = await post_report(
            endpoint.url, ("link", "ord"), DeliveryReport("r1"), DeliveryReport("r2", state="")
        )
    assert (response.status_code, response.text, endpoint.stored) == (400, "Error: STATE missing in MSG", [])


async def test_a_report_without_content_type() -> None:
    async with Endpoint() as endpoint:
        response = await post_report(endpoint.url, ("link", "ord"), DeliveryReport("r1"), content_type=None)
    assert (response.status_code, len(endpoint.stored)) == (200, 1)
