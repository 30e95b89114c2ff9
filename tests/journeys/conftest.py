"""A mail server and an SMS gateway on this machine, and a service that really sends through them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.link_gateway import LinkGateway
from tests.support.rig import NOON, Rig, crew_options, send_options
from tests.support.service import Service, running_service
from tests.support.smtp_server import RealServer, real_server
from varsel.channels.email_smtp import Security, SmtpProvider, SmtpSettings
from varsel.channels.sms_link import LinkProvider, LinkSettings
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.results import Channel
from varsel.storage.pool import Pool

ASSUMED_AFTER = timedelta(hours=24)


@pytest.fixture
async def mail() -> AsyncIterator[RealServer]:
    """An ordinary mail server."""
    async with real_server() as server:
        yield server


@pytest.fixture
async def gateway() -> AsyncIterator[LinkGateway]:
    """An SMS gateway that accepts everything."""
    async with LinkGateway() as server:
        yield server


@pytest.fixture
async def service(pool: Pool, tmp_path: Path, mail: RealServer, gateway: LinkGateway) -> AsyncIterator[Service]:
    """A running service that sends through both, and assumes delivery of e-mails a day later."""
    clock = HandTurnedClock(NOON)
    rig = Rig(
        pool,
        FixedDirectory(tmp_path / "directory.json"),
        clock=clock,
        email=SmtpProvider(SmtpSettings(host="127.0.0.1", port=mail.port, security=Security.NONE), clock),
        sms=LinkProvider(LinkSettings(username="varsel", password="synthetic", url=gateway.url), clock),
        options=crew_options({Channel.Email: send_options(assume=ASSUMED_AFTER), Channel.Sms: send_options()}),
    )
    rig.hand = clock
    async with running_service(pool, tmp_path, rig=rig) as running:
        yield running
    await rig.email.close()
    await rig.sms.close()
