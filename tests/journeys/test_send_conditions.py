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

from tests.support.condition_endpoint import YES, ConditionEndpoint, Does, Says
from tests.support.conditions import TRUSTS_NOBODY
from tests.support.maskinporten import CLIENT_ID, Maskinporten
from tests.support.oauth_server import CLIENT_ID as CLIENT_ID_OF_OAUTH
from tests.support.oauth_server import CLIENT_SECRET, OAuthServer
from tests.support.oauth_server import SCOPE as SCOPE_OF_OAUTH
from tests.support.orders import emails, make_order
from tests.support.rig import NOON, Rig
from tests.support.service import EMAIL_ORDER, Service, running_service
from tests.support.until import until
from tests.support.webhooks import SHARED, SignedEndpoint
from varsel.assembly.doctor import examine_conditions
from varsel.assembly.outgoing import open_outgoing
from varsel.assembly.tokens import oauth_tokens
from varsel.contacts.fixed import FixedDirectory
from varsel.errors import DependencyFailure
from varsel.model.clock import HandTurnedClock
from varsel.model.findings import Verdict
from varsel.model.orders import OrderStatus
from varsel.outgoing.verdict import Inconclusive, Met
from varsel.settings import Secret, Settings
from varsel.settings.choices import ConditionAuthentication
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
            condition_authentication=ConditionAuthentication.MASKINPORTEN,
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


_FIELD: dict[str, Any] = {
    "condition_authentication": ConditionAuthentication.HEADER,
    "condition_header_name": "X-Api-Key",
    "condition_header_value": Secret("fjord-42-lamp"),
    "condition_token_over_http": True,
}


@pytest.mark.parametrize(("trusted", "sent"), [("127.0.0.1", "fjord-42-lamp"), ("*.example.no", None)])
async def test_a_header_field_goes_to_trusted_hosts_only(
    clock: HandTurnedClock, trusted: str, sent: str | None
) -> None:
    chosen = settings(**_FIELD, condition_trusted_hosts=(trusted,))
    async with ConditionEndpoint() as endpoint, open_outgoing(chosen, clock, tls=TRUSTS_NOBODY) as outgoing:
        assert await outgoing.conditions.ask(endpoint.url()) == Met()
    assert [asked.headers.get("x-api-key") for asked in endpoint.received] == [sent]


async def test_the_token_of_another_server_goes_along_and_is_replaced_when_rejected(clock: HandTurnedClock) -> None:
    async with OAuthServer() as server, ConditionEndpoint(Says(401), YES, YES) as endpoint:
        chosen = settings(
            condition_authentication=ConditionAuthentication.OAUTH,
            condition_trusted_hosts=("127.0.0.1",),
            condition_token_over_http=True,
            oauth_token_address=server.token_url,
            oauth_client_id=CLIENT_ID_OF_OAUTH,
            oauth_client_secret=Secret(CLIENT_SECRET),
            oauth_scope=SCOPE_OF_OAUTH,
        )
        async with open_outgoing(chosen, clock, tls=TRUSTS_NOBODY) as outgoing:
            assert [await outgoing.conditions.ask(endpoint.url()) for _ in range(2)] == [Met(), Met()]
        (told,) = await examine_conditions(chosen, clock)
    presented = [asked.headers["authorization"] for asked in endpoint.received]
    assert presented == ["Bearer oauth-1", "Bearer oauth-2", "Bearer oauth-2"]
    assert (told.verdict, told.found) == (Verdict.OK, "oauth works, and is shown to 127.0.0.1")


async def test_a_secret_in_a_file_is_replaced_without_a_restart(clock: HandTurnedClock, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("fjord-42-lamp\n")
    chosen = Settings.read(
        {
            "VARSEL_CONDITION_AUTHENTICATION": "header",
            "VARSEL_CONDITION_HEADER_NAME": "X-Api-Key",
            "VARSEL_CONDITION_HEADER_VALUE_FILE": str(file),
            "VARSEL_CONDITION_TRUSTED_HOSTS": "127.0.0.1",
            "VARSEL_CONDITION_TOKEN_OVER_HTTP": "yes",
            "VARSEL_OUTGOING_ALLOWED": "127.0.0.0/8",
        }
    )
    async with ConditionEndpoint() as endpoint, open_outgoing(chosen, clock, tls=TRUSTS_NOBODY) as outgoing:
        assert await outgoing.conditions.ask(endpoint.url()) == Met()
        file.write_text("bridge-43-kettle")

        async def is_replaced() -> bool:
            await outgoing.conditions.ask(endpoint.url())
            return endpoint.received[-1].headers["x-api-key"] == "bridge-43-kettle"

        await until(is_replaced)
        file.write_text("")  # while it is being written, say
        file.unlink()
        await outgoing.conditions.ask(endpoint.url())
    assert endpoint.received[0].headers["x-api-key"] == "fjord-42-lamp"
    assert endpoint.received[-1].headers["x-api-key"] == "bridge-43-kettle"


async def test_the_client_of_a_token_server_changes_its_secret_without_a_restart(
    clock: HandTurnedClock, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("the old one")
    async with OAuthServer() as server:
        chosen = Settings.read(
            {
                "VARSEL_OAUTH_TOKEN_ADDRESS": server.token_url,
                "VARSEL_OAUTH_CLIENT_ID": CLIENT_ID_OF_OAUTH,
                "VARSEL_OAUTH_CLIENT_SECRET_FILE": str(file),
                "VARSEL_OAUTH_SCOPE": SCOPE_OF_OAUTH,
            }
        )
        tokens = oauth_tokens(chosen, clock, tls=TRUSTS_NOBODY)
        with pytest.raises(DependencyFailure, match="invalid_client"):
            await tokens.token()
        file.write_text(CLIENT_SECRET)

        async def is_given() -> bool:
            clock.turn(timedelta(minutes=2))  # rests of a server that refuses
            try:
                return await tokens.token() == "oauth-1"
            except DependencyFailure:
                return False

        await until(is_given)
        await tokens.aclose()


async def test_the_question_can_be_signed(clock: HandTurnedClock) -> None:
    chosen = settings(condition_authentication=ConditionAuthentication.SIGNATURE, condition_signing_keys=Secret(SHARED))
    async with SignedEndpoint(clock) as endpoint, open_outgoing(chosen, clock, tls=TRUSTS_NOBODY) as outgoing:
        assert await outgoing.conditions.ask(endpoint.url()) == Met()
    (told,) = await examine_conditions(chosen, clock)
    assert (told.verdict, told.found) == (Verdict.OK, "signature works, and is shown to all hosts that callers name")


async def test_the_doctor_fetches_a_token_where_one_is_wanted(
    clock: HandTurnedClock, maskinporten: Maskinporten
) -> None:
    named = settings(maskinporten, condition_trusted_hosts=("*.apps.altinn.no",))
    (named_only,) = await examine_conditions(named, clock)
    (fine,) = await examine_conditions(settings(maskinporten), clock)
    (unknown,) = await examine_conditions(settings(maskinporten, maskinporten_client_id="somebody-else"), clock)

    assert (named_only.subject, named_only.verdict) == ("send conditions", Verdict.OK)
    assert named_only.found == "maskinporten works, and is shown to *.apps.altinn.no"
    assert (fine.verdict, fine.found) == (
        Verdict.WARN,
        "maskinporten works, and is shown to all hosts that callers name",
    )
    assert "VARSEL_CONDITION_TRUSTED_HOSTS" in fine.advice
    assert unknown.verdict is Verdict.FAIL
    assert "invalid_client" in unknown.found
    assert "check client id" in unknown.found
    assert await examine_conditions(settings(), clock) == []
