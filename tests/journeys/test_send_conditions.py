"""Send conditions through the whole service, joined as `varsel serve` joins it (api.md 3.18)."""

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.support.condition_endpoint import ConditionEndpoint, Does
from tests.support.conditions import TRUSTS_NOBODY
from tests.support.maskinporten import CLIENT_ID, Maskinporten
from tests.support.orders import emails, make_order
from tests.support.rig import NOON, Rig
from tests.support.service import EMAIL_ORDER, Service, running_service
from varsel.assembly.doctor import examine_tokens
from varsel.assembly.outgoing import open_outgoing
from varsel.contacts.fixed import FixedDirectory
from varsel.model.clock import HandTurnedClock
from varsel.model.findings import Verdict
from varsel.model.orders import OrderStatus
from varsel.outgoing.verdict import Inconclusive
from varsel.settings import Secret, Settings
from varsel.settings.choices import ConditionToken
from varsel.storage.pool import Pool

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_KEY_ID = "notifications-1"
_HERE = ("127.0.0.0/8",)


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock(NOON)


@pytest.fixture
async def service(pool: Pool, tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(pool, tmp_path) as running:
        yield running


@pytest.fixture
async def maskinporten(clock: HandTurnedClock) -> AsyncIterator[Maskinporten]:
    async with Maskinporten(clock, _KEY.public_key(), _KEY_ID) as server:
        yield server


def settings(maskinporten: Maskinporten | None = None, **changed: Any) -> Settings:
    """Return settings that let endpoints on this machine be asked, with a token of `maskinporten`."""
    plain = dataclasses.replace(Settings.read({}), outgoing_allowed=_HERE)
    if maskinporten is not None:
        plain = dataclasses.replace(
            plain,
            condition_token=ConditionToken.MASKINPORTEN,
            condition_token_over_http=True,
            maskinporten_issuer=maskinporten.url(""),
            maskinporten_client_id=CLIENT_ID,
            maskinporten_key=Secret(json.dumps(RSAAlgorithm.to_jwk(_KEY, as_dict=True))),
            maskinporten_key_id=_KEY_ID,
        )
    return dataclasses.replace(plain, **changed)


@pytest.mark.parametrize(("wanted", "status"), [("true", "Completed"), ("false", "SendConditionNotMet")])
async def test_the_service_can_be_asked_itself(service: Service, wanted: str, status: str) -> None:
    url = f"http://varsel.example.no:{service.port}/notifications/api/v1/tests/sendcondition?conditionMet={wanted}"
    order = await service.accepted("/orders/email", {**EMAIL_ORDER, "conditionEndpoint": url})

    await service.rig.work()

    told = await service.status(order)
    assert (told["conditionEndpoint"], told["processingStatus"]["status"]) == (url, status)
    assert len(await service.rig.kept()) == (wanted == "true")


async def test_the_question_carries_a_token_as_long_as_it_holds(
    pool: Pool, clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    async with (
        ConditionEndpoint() as endpoint,
        open_outgoing(settings(maskinporten), clock, tls=TRUSTS_NOBODY) as outgoing,
    ):
        rig = Rig(pool, FixedDirectory(None), clock=clock, ask_condition=outgoing.conditions.ask)
        for minutes in (0, 1, 1):
            clock.turn(timedelta(minutes=minutes))
            order = await rig.store(make_order(emails("kari"), clock.now(), condition_endpoint=endpoint.url()))
            await rig.work()
            assert (await rig.state(order)).status is OrderStatus.Completed

    presented = [asked.headers["authorization"] for asked in endpoint.received]
    assert presented == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"outgoing_allowed": ()}, "loopback"),
        ({"outgoing_allowed": ("condition.example.com", "10.0.0.0/8")}, "loopback"),
        ({"outgoing_ports": (443, 8443)}, "port"),
        ({"condition_timeout": timedelta(milliseconds=50)}, "within 0.05 s"),
    ],
)
async def test_the_settings_bound_what_is_asked(clock: HandTurnedClock, changed: dict[str, Any], word: str) -> None:
    async with (
        ConditionEndpoint(otherwise=Does.HOLD) as endpoint,
        open_outgoing(settings(**changed), clock, tls=TRUSTS_NOBODY) as outgoing,
    ):
        verdict = await outgoing.conditions.ask(endpoint.url())
    assert isinstance(verdict, Inconclusive)
    assert word in verdict.reason
    assert len(endpoint.received) == ("condition_timeout" in changed)


async def test_the_token_stays_home_unless_allowed(clock: HandTurnedClock, maskinporten: Maskinporten) -> None:
    careful = settings(maskinporten, condition_token_over_http=False)
    async with (
        ConditionEndpoint() as endpoint,
        open_outgoing(careful, clock, tls=TRUSTS_NOBODY) as outgoing,
    ):
        await outgoing.conditions.ask(endpoint.url())
    assert [asked.headers.get("authorization") for asked in endpoint.received] == [None]
    assert maskinporten.given == 0


async def test_the_doctor_fetches_a_token_where_one_is_wanted(
    clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    (fine,) = await examine_tokens(settings(maskinporten), clock)
    (unknown,) = await examine_tokens(settings(maskinporten, maskinporten_client_id="somebody-else"), clock)

    assert (fine.subject, fine.verdict) == ("Maskinporten", Verdict.OK)
    assert unknown.verdict is Verdict.FAIL
    assert "invalid_client" in unknown.found
    assert "check client id" in unknown.found
    assert await examine_tokens(settings(), clock) == []
