"""The application: the contract's endpoints, what stands beside them, and the description of both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from varsel import __version__
from varsel.intake import send_condition
from varsel.intake.answers import document, empty
from varsel.intake.credentials import Caller, Gatekeeper, LocalIssuer
from varsel.intake.credentials.issuer import LOCAL_PATH
from varsel.intake.future_routes import future_endpoints
from varsel.intake.health import Health
from varsel.intake.inbox import Inbox
from varsel.intake.openapi_document import build_document
from varsel.intake.openapi_page import PAGE_POLICY, render_page
from varsel.intake.routing import ANY, Endpoint, Handler, Method, Paths, resources_of
from varsel.intake.services import IntakeOptions, Services
from varsel.intake.sms_reports import SmsReports
from varsel.intake.start_page import COUNTERS, INBOX, INTERFACE, READINESS, Link, StartPage
from varsel.intake.triggers import Triggers
from varsel.intake.v1_routes import BASE, v1_endpoints

_JSON_ONLY = ("application/json",)
_REPORT_TYPES = ("application/xml", "text/xml", "text/plain")


@dataclass(frozen=True, slots=True)
class Extras:
    """What stands beside the contract's interface; None or False leaves it out."""

    health: Health
    sms_reports: SmsReports
    triggers: Triggers
    inbox: Inbox | None
    issuer: LocalIssuer | None
    describe: bool
    count: bool


def make_app(services: Services, gatekeeper: Gatekeeper, extras: Extras) -> ASGIApp:
    """Make the application."""
    endpoints = [*v1_endpoints(services), *future_endpoints(services), send_condition.ENDPOINT]
    resources = _by_path(endpoints) | _beside(extras)
    if extras.count:
        resources["/metrics"] = {"GET": Method(services.counters.show)}
    if extras.describe:
        resources |= _description(endpoints, services.options)
        resources["/"] = {"GET": Method(StartPage(_links(extras)).show)}
    found = resources_of(gatekeeper, resources, longest=services.options.request_timeout)
    return Paths(found, nowhere=_no_such_path)


def _links(extras: Extras) -> Iterator[Link]:
    if extras.inbox is not None:
        yield INBOX
    yield INTERFACE
    yield READINESS
    if extras.count:
        yield COUNTERS


def _by_path(endpoints: Iterable[Endpoint]) -> dict[str, dict[str, Method]]:
    resources: dict[str, dict[str, Method]] = {}
    for endpoint in endpoints:
        resources.setdefault(endpoint.path, {})[endpoint.spec.method] = endpoint.answered
    orders, status = resources[f"{BASE}/orders/{{id}}"], resources[f"{BASE}/orders/{{id}}/status"]
    for literal in ("email", "sms"):  # a GET there reads the order whose id is 'email': 400 (api.md 3)
        resources[f"{BASE}/orders/{literal}"] |= {"GET": orders["GET"]}
    resources[f"{BASE}/order/{{id}}/status"] = status  # the public guide's spelling (contract/README.md)
    return resources


def _beside(extras: Extras) -> dict[str, dict[str, Method]]:
    reports = Method(extras.sms_reports.take, consumes=_REPORT_TYPES, needs_type=False)
    resources = {
        "/health": {ANY: Method(_healthy)},
        "/health/ready": {ANY: Method(extras.health.ready)},
        "/health/startup": {ANY: Method(extras.health.started)},
        "/notifications/sms/api/v1/reports": {"POST": reports},
    }
    for name in extras.triggers.names:
        resources[f"{BASE}/trigger/{name}"] = {
            "POST": Method(extras.triggers.fire, consumes=_JSON_ONLY, needs_type=False)
        }
    if extras.inbox is not None:
        resources["/dev/inbox"] = {"GET": Method(extras.inbox.show)}
    if extras.issuer is not None:
        discovery = f"{LOCAL_PATH}.well-known/openid-configuration"
        resources[discovery] = {"GET": Method(_fixed(extras.issuer.discovery()))}
        resources[f"{discovery}/jwks"] = {"GET": Method(_fixed(extras.issuer.key_set()))}
    return resources


def _description(endpoints: Sequence[Endpoint], options: IntakeOptions) -> dict[str, dict[str, Method]]:
    described = build_document(
        [endpoint.spec for endpoint in endpoints],
        title="Varsel",
        version=__version__,
        server=options.base_uri,
        contact=options.contact,
    )
    page = render_page(described)

    async def show_page(_request: Request, _caller: Caller) -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})

    return {
        "/swagger": {"GET": Method(show_page)},
        "/swagger/v1/swagger.json": {"GET": Method(_fixed(described))},
    }


def _fixed(content: Mapping[str, object]) -> Handler:
    async def answer(_request: Request, _caller: Caller) -> Response:
        return document(content)

    return answer


async def _healthy(_request: Request, _caller: Caller) -> Response:
    """Say that the process answers; the database is the doctor's business (api.md 1.10)."""
    return PlainTextResponse("Healthy", headers={"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})


async def _no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a path nobody has, without a body (api.md 1.8)."""
    if scope["type"] == "http":
        await empty(404)(scope, receive, send)
