"""Values of maximal length, through every entrance whose values lie in an index (see tests/storage/test_indexes.py)."""

import random
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.link_gateway import LinkGateway
from tests.support.link_reports import DeliveryReport, report_body
from tests.support.placing import CHAIN, CHAIN_PATH
from tests.support.rig import NOON, Rig
from tests.support.service import (
    BASE,
    EMAIL_ORDER,
    REPORT_PASSWORD,
    REPORT_USER,
    SMS_ORDER,
    Service,
    running_service,
    write_directory,
)
from varsel.assembly.contacts import ImportReport, run_import
from varsel.channels.sms_link import LinkProvider, LinkSettings
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.import_file import FileFormat, read_lines
from varsel.contacts.register import RegisterDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.register import RefusedLine
from varsel.model.results import Channel, Result
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

LONG = 9_000
REPORTS = "/notifications/sms/api/v1/reports"
LONGEST_CREATOR = "".join(chr(0x20000 + n) for n in range(200))


def noise(length: int, seed: int = 1) -> str:
    """Return letters and digits that do not compress: PostgreSQL packs index entries before it measures them."""
    made = random.Random(seed).randbytes(length)
    return b64encode(made).decode().replace("+", "p").replace("/", "s")[:length]


async def report(service: Service, *reports: DeliveryReport) -> int:
    answer = await service.client.post(
        REPORTS,
        content=report_body(*reports),
        headers={"Content-Type": "application/xml"},
        auth=(REPORT_USER, REPORT_PASSWORD),
    )
    return answer.status_code


async def test_a_delivery_report_with_a_long_reference_is_kept(service: Service) -> None:
    long, spread = DeliveryReport(noise(LONG)), DeliveryReport(noise(LONG, 2), noise(LONG), noise(LONG), noise(LONG))
    assert await report(service, long) == 200
    assert await report(service, long, spread, DeliveryReport("1")) == 200
    assert await service.rig.pool.fetchval("SELECT count(*) FROM delivery_reports") == 4
    assert await service.rig.pool.fetchval("SELECT max(length(raw)) FROM delivery_reports") < 1_200
    await service.rig.work()  # nobody's, so they wait: their references are looked up and indexed


class LongReferences(LinkGateway):
    """Calls one of the messages by an unreasonable reference."""

    def _accept_message(self, message: dict[str, str]) -> str:
        reference = super()._accept_message(message)
        return noise(8_000) if message["RCV"] == "4799990025" else reference


async def test_one_sms_with_a_long_reference_costs_the_others_nothing_and_is_found_by_it(
    pool: Pool, tmp_path: Path
) -> None:
    clock = HandTurnedClock(NOON)
    async with LongReferences() as gateway:
        sms = LinkProvider(LinkSettings(username="varsel", password="synthetic", url=gateway.url), clock)
        rig = Rig(pool, FixedDirectory(None), clock=clock, sms=sms)
        async with running_service(pool, tmp_path, rig=rig) as service:
            recipients = [{"mobileNumber": f"+47999900{number:02}"} for number in range(50)]
            order = await service.accepted("/orders/sms", {**SMS_ORDER, "recipients": recipients})
            await rig.work()

            assert len(gateway.posted) == 50
            assert {line.result for line in await rig.listed(order, Channel.Sms)} == {Result.SMS_ACCEPTED}

            assert await report(service, DeliveryReport(noise(8_000))) == 200
            await rig.work()
            delivered = [
                line.address for line in await rig.listed(order, Channel.Sms) if line.result is Result.SMS_DELIVERED
            ]
            assert delivered == ["+4799990025"]
        await sms.close()


@pytest.mark.parametrize("org", [noise(LONG), "x" * 201, "tt\0d", "x" * 199 + "\0", "tt\ud800d"])
async def test_a_token_that_names_nobody_by_a_long_name_is_refused(service: Service, org: str) -> None:
    answer = await service.client.post(f"{BASE}/orders/email", json=EMAIL_ORDER, headers=service.bearer(org))
    assert answer.status_code == 401


async def test_everything_in_an_order_may_be_long_under_the_longest_name(service: Service, tmp_path: Path) -> None:
    """Placed, found by its reference, processed, ended, in feed and log: each step has its indexes."""
    identity = f"urn:altinn:party:username:{noise(4_000)}"
    write_directory(tmp_path, {"externalIdentities": [{"externalIdentity": identity, "email": "kari@example.com"}]})
    recipient = {
        "recipientExternalIdentity": {
            "externalIdentity": identity,
            "channelSchema": "Email",
            "resourceId": f"urn:altinn:resource:{noise(LONG)}",
            "emailSettings": {"subject": noise(LONG), "body": noise(LONG)},
        }
    }
    chain: dict[str, Any] = {
        "idempotencyId": noise(LONG),
        "sendersReference": noise(LONG),
        "dialogportenAssociation": {"dialogId": noise(LONG), "transmissionId": noise(LONG, 2)},
        "recipient": recipient,
    }
    reference = noise(7_000, 3)  # the longest that a target of 8 kB can ask for
    placed = await service.post(CHAIN_PATH, CHAIN | chain, org=LONGEST_CREATOR)
    assert placed.status_code == 201, placed.text
    v1 = await service.accepted("/orders/email", {**EMAIL_ORDER, "sendersReference": reference}, org=LONGEST_CREATOR)
    await service.rig.work()

    assert (await service.post(CHAIN_PATH, CHAIN | chain, org=LONGEST_CREATOR)).status_code == 200
    assert (await service.status(v1, org=LONGEST_CREATOR))["processingStatus"]["status"] == "Completed"
    found = await service.document("/orders", org=LONGEST_CREATOR, params={"sendersReference": reference})
    assert [order["id"] for order in found["orders"]] == [str(v1)]
    assert await service.rig.pool.fetchval("SELECT count(*) FROM notification_log") == 2
    feed = await service.get("/future/shipment/feed", org=LONGEST_CREATOR)
    assert feed.status_code == 200


@pytest.mark.parametrize("host", ["a" * LONG, ".".join(["ab"] * 3_000)])
async def test_a_condition_endpoint_with_a_long_host_is_refused_or_kept(service: Service, host: str) -> None:
    order = {**EMAIL_ORDER, "conditionEndpoint": f"https://{host}.example.com/"}
    assert (await service.post("/orders/email", order)).status_code in {202, 400}


@pytest.mark.parametrize("value", ["a%00b", "%00", "a%ED%A0%80b", "a\u0301%F0%9F%98%80"])
async def test_an_identity_that_decodes_to_what_no_database_holds_is_known_to_nobody(
    pool: Pool, tmp_path: Path, value: str
) -> None:
    recipient = {
        "recipientExternalIdentity": {
            "externalIdentity": f"urn:altinn:party:username:{value}",
            "channelSchema": "Email",
            "emailSettings": {"subject": "s", "body": "b"},
        }
    }
    async with running_service(
        pool, tmp_path, directory=RegisterDirectory(ContactRegister(pool), HandTurnedClock(NOON))
    ) as service:
        answer = await service.post(CHAIN_PATH, CHAIN | {"recipient": recipient})
        assert answer.status_code in {400, 422}, answer.text


class Quiet:
    """Remembers what an import refuses."""

    def __init__(self) -> None:
        self.lines: list[RefusedLine] = []

    def refused(self, line: RefusedLine) -> None:
        self.lines.append(line)

    def progress(self, report: ImportReport) -> None:
        """Take no notice."""


async def test_the_longest_that_a_register_may_hold_fits_into_its_indexes(pool: Pool) -> None:
    """And what is longer is refused, line by line."""
    wide = "".join(chr(0x20000 + n * 7) for n in range(500))
    identity = ("urn:altinn:party:username:" + wide)[:500]
    email = f"{'æ' * 64}@{'.'.join(['å' * 45] * 4)}.no"
    person = {"nationalIdentityNumber": "16069412345", "name": wide[:300], "email": email}
    good = [
        person | {"mobileNumber": "+4799999999"},
        {"externalIdentity": identity, "email": email},
        {"organizationNumber": "310123456", "name": wide[:300]},
    ]
    bad = [person | {"name": noise(LONG)}, {"externalIdentity": identity + noise(LONG), "email": email}]
    watcher = Quiet()

    for listed in (good, bad):
        lines = read_lines(map(msgspec.json.encode, listed), FileFormat.JSON_LINES)
        await run_import(pool, lines, watcher, replace=False)

    assert [line.number for line in watcher.lines] == [1, 2]
    assert await pool.fetchval("SELECT name FROM register_persons") == wide[:300]
    assert await pool.fetchval("SELECT external_identity FROM register_external_identities") == identity
