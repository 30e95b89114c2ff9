"""A running Varsel for tests: the real interface on a real port, a crew that works when told to, and tokens.

Clock, database and event loop are the test's own, so that a test decides when anything is due and waits for nothing.
"""

import dataclasses
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import ASGIApp

from tests.support.described import HeldToDescription
from tests.support.issuer import rsa_key
from tests.support.raw_http import RawAnswer, exchange
from tests.support.rig import Rig
from varsel.assembly.http_server import bound_socket, http_server
from varsel.assembly.interface import interface
from varsel.assembly.providers import Outside, open_gatekeeper
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.intake.credentials import LocalIssuer
from varsel.model.clock import CorrectedClock
from varsel.settings import Settings
from varsel.storage import orders
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool
from varsel.storage.watch import DatabaseWatch

BASE = "/notifications/api/v1"
BASE_URI = "https://varsel.example.no"
"""What links must begin with: never the address a test happens to call."""

CREATE = "altinn:serviceowner/notifications.create"
REPORT_USER, REPORT_PASSWORD = "link-reports", "synthetic-report-password"

_TIMEOUT = 30.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading certificates nobody needs would double a test's time

EMAIL_ORDER: Mapping[str, Any] = {
    "recipients": [{"emailAddress": "kari@example.com"}],
    "subject": "Subject",
    "body": "Body",
}
SMS_ORDER: Mapping[str, Any] = {"recipients": [{"mobileNumber": "+4799999999"}], "body": "Text"}
ORDER: Mapping[str, Any] = {
    "notificationChannel": "EmailPreferred",
    "recipients": [{"emailAddress": "kari@example.com"}],
    "emailTemplate": {"subject": "Subject", "body": "Body"},
    "smsTemplate": {"body": "Text"},
}


@dataclass(kw_only=True)
class Service:
    """One running service and what a test does with it."""

    settings: Settings
    rig: Rig
    issuer: LocalIssuer
    port: int
    client: httpx.AsyncClient
    app: ASGIApp
    watch: DatabaseWatch
    """Looks at the database when a test says so."""
    _bearers: dict[str, str] = field(default_factory=dict)

    def bearer(self, org: str | None = "ttd", **others: Any) -> dict[str, str]:
        """Return the header of a token for `org`; see `LocalIssuer.token` for what else it may say."""
        key = f"{org} {others} {self.rig.clock.now()}"
        if key not in self._bearers:
            self._bearers[key] = f"Bearer {self.issuer.token(org, **others)}"
        return {"Authorization": self._bearers[key]}

    def platform(self, issuer: str = "ttd") -> dict[str, str]:
        """Return the header of a platform access token, its issuer registered."""
        return {"PlatformAccessToken": self.issuer.platform_token(issuer)}

    async def post(self, path: str, body: Any, *, org: str = "ttd", **options: Any) -> httpx.Response:
        """Post an order as `org`."""
        headers = self.bearer(org) | options.pop("headers", {})
        return await self.client.post(f"{BASE}{path}", json=body, headers=headers, **options)

    async def get(self, path: str, *, org: str = "ttd", **options: Any) -> httpx.Response:
        """Get `path`, which begins with the slash after the base path, as `org`."""
        return await self.client.get(f"{BASE}{path}", headers=self.bearer(org), **options)

    async def put(self, path: str, *, org: str = "ttd", **options: Any) -> httpx.Response:
        """Put, as cancel wants it."""
        return await self.client.put(f"{BASE}{path}", headers=self.bearer(org), **options)

    async def accepted(self, path: str, body: Any, *, org: str = "ttd") -> UUID:
        """Post an order that must be accepted and return its id."""
        answer = await self.post(path, body, org=org)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["orderId"])

    async def document(self, path: str, *, org: str = "ttd", **options: Any) -> dict[str, Any]:
        """Read a document that must be there, written the way of api.md 1.4."""
        answer = await self.get(path, org=org, **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        document: dict[str, Any] = answer.json()
        assert not holds_null(document)
        return document

    async def status(self, order_id: UUID, *, org: str = "ttd") -> dict[str, Any]:
        """Read an order's status."""
        return await self.document(f"/orders/{order_id}/status", org=org)

    async def claim(self, now: datetime) -> list[UUID]:
        """Claim the small orders that are due at `now`, as a worker does, and return their ids."""
        claimed = await orders.claim_due(
            self.rig.pool, Queue.Small, now=now, lease=timedelta(minutes=1), look_ahead=timedelta(0), limit=10
        )
        return [order.id for order in claimed]

    async def raw(self, *pieces: bytes) -> RawAnswer:
        """Send bytes on a connection of their own and read one answer."""
        return await exchange(self.port, *pieces)

    async def stored(self) -> int:
        """Count everything that a request may have stored."""
        counted = await self.rig.pool.fetchval(
            "SELECT count(*) FROM (SELECT FROM orders UNION ALL SELECT FROM order_parts"
            " UNION ALL SELECT FROM delivery_reports) AS everything"
        )
        return int(counted)


def holds_null(value: Any) -> bool:
    """Whether a document has a null anywhere."""
    if isinstance(value, dict):
        return any(holds_null(each) for each in value.values())
    if isinstance(value, list):
        return any(holds_null(each) for each in value)
    return value is None


@asynccontextmanager
async def running_service(
    pool: Pool, data_dir: Path, *, rig: Rig | None = None, directory: Directory | None = None, **changed: Any
) -> AsyncIterator[Service]:
    """Run the interface on a free port for the time of the block; `rig` brings its own providers and options.

    `changed` are settings by attribute. The directory is by default the file that `write_directory` writes.
    """
    settings = dataclasses.replace(settings_of_test(data_dir), **changed)
    directory = directory or FixedDirectory(settings.fixed_directory_file)
    rig = rig or Rig(pool, directory)
    write_key(data_dir)
    issuer = LocalIssuer(
        data_dir / "issuer", service=settings.base_uri, platform_keys=settings.platform_keys_dir, clock=rig.clock
    )
    outside = Outside(rig.email, rig.sms, directory)
    async with open_gatekeeper(settings, rig.clock, issuer) as gatekeeper:
        watch = DatabaseWatch(pool, CorrectedClock(rig.clock))
        await watch.look()
        app = interface(settings, pool, rig.clock, rig.hints, outside, gatekeeper, issuer, rig.crew, watch.history).app
        async with _listening(settings, app) as port, _client(port) as client:
            yield Service(settings=settings, rig=rig, issuer=issuer, port=port, client=client, app=app, watch=watch)


def settings_of_test(data_dir: Path) -> Settings:
    """Return the settings of a test's service: those of a first run, but nothing that is slow to start."""
    return Settings.read(
        {
            "VARSEL_DATA_DIR": str(data_dir),
            "VARSEL_PORT": "0",
            "VARSEL_BASE_URI": BASE_URI,
            "VARSEL_SWAGGER": "no",
            "VARSEL_SMS_REPORT_USERNAME": REPORT_USER,
            "VARSEL_SMS_REPORT_PASSWORD": REPORT_PASSWORD,
        }
    )


def write_key(data_dir: Path) -> None:
    """Give the local issuer its key, for making one takes longer than the rest of a test."""
    key_file = data_dir / "issuer" / "signing-key.pem"
    key_file.parent.mkdir(exist_ok=True)
    private = rsa_key("local issuer").private
    key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def write_directory(data_dir: Path, contents: Mapping[str, Any]) -> None:
    """Write the file the service's directory answers from."""
    (data_dir / "directory.json").write_bytes(msgspec.json.encode(contents))


@asynccontextmanager
async def _listening(settings: Settings, app: ASGIApp) -> AsyncIterator[int]:
    """Run the very server of `varsel serve`."""
    server = http_server(settings, app)
    listening = bound_socket(settings)
    await server.start(listening)
    try:
        yield listening.getsockname()[1]
    finally:
        await server.stop(linger=0, within=_TIMEOUT)


@asynccontextmanager
async def _client(port: int) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=50)
    async with HeldToDescription(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=_NO_TLS, timeout=_TIMEOUT, limits=limits
    ) as client:
        yield client
