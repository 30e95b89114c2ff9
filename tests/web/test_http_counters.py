"""`/metrics`: replays are counted, by family and by whether the body is the first one's."""

import re

import pytest

from tests.support.future_bodies import changed
from tests.support.placing import (
    BODIES,
    CHAIN_PATH,
    COMPOSED_PATH,
    INSTANT_EMAIL_PATH,
    INSTANT_PATH,
    INSTANT_SMS_PATH,
    instant_email,
    place,
)
from tests.support.service import Service

TEXT = {
    CHAIN_PATH: "recipient.recipientEmail.emailSettings.body",
    COMPOSED_PATH: "recipient.emailSettings.body",
    INSTANT_SMS_PATH: "recipientSms.smsSettings.body",
    INSTANT_EMAIL_PATH: "recipientEmail.emailSettings.body",
    INSTANT_PATH: "recipient.recipientSms.smsSettings.body",
}
FAMILIES = dict.fromkeys(BODIES, "instant") | {CHAIN_PATH: "chain", COMPOSED_PATH: "composed"}


async def counted(service: Service) -> dict[tuple[str, str], int]:
    """Read the counts by family and body."""
    shown = await service.client.get("/metrics")
    assert shown.status_code == 200
    lines = re.findall(r'replays_total\{family="(\w+)",body="(\w+)"\} (\d+)\n', shown.text)
    return {(family, body): int(count) for family, body, count in lines}


@pytest.mark.parametrize("path", BODIES)
async def test_replays_are_counted(service: Service, path: str) -> None:
    """6.3 POST future/orders, composed-email and instant: replays, of a family of its own each."""
    assert (await place(service, path, BODIES[path])).status_code == 201
    assert await counted(service) == {}

    for body in (BODIES[path], BODIES[path], changed(BODIES[path], TEXT[path], "Other")):
        assert (await place(service, path, body)).status_code == 200

    assert await counted(service) == {(FAMILIES[path], "same"): 2, (FAMILIES[path], "differs"): 1}


async def test_instant_replays_are_counted_across_their_endpoints(service: Service) -> None:
    first = BODIES[INSTANT_SMS_PATH]
    assert (await place(service, INSTANT_SMS_PATH, first)).status_code == 201
    for path, body in ((INSTANT_PATH, BODIES[INSTANT_PATH]), (INSTANT_EMAIL_PATH, instant_email("kari", "otp-9c1e"))):
        assert (await place(service, path, body)).status_code == 200
    assert sum((await counted(service)).values()) == 2
    assert {family for family, _ in await counted(service)} == {"instant"}


async def test_what_was_refused_is_no_replay(service: Service) -> None:
    await place(service, CHAIN_PATH, BODIES[CHAIN_PATH])
    assert (await place(service, CHAIN_PATH, BODIES[CHAIN_PATH] | {"recipient": None})).status_code == 400
    assert (await place(service, CHAIN_PATH, BODIES[CHAIN_PATH], org="skd")).status_code == 201
    assert await counted(service) == {}
