"""Signed questions: the test vector, both kinds of key, and a receiver that recomputes (integrations.md 8.3.1, 12)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.conditions import condition_client
from tests.support.webhooks import SHARED, SignedEndpoint, is_signed_by
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.authentication import Introduction
from varsel.outgoing.signature import Signature, read_webhook_keys, signed
from varsel.outgoing.verdict import Inconclusive, Met

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_BODY = (
    b'{"specversion":"1.0","id":"evt-1","source":"/notifications/orders",'
    b'"type":"notifications.shipment.status.v1","data":{"status":"Order_Completed"}}'
)
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_SEED, _PUBLIC = _PRIVATE.private_bytes_raw(), _PRIVATE.public_key().public_bytes_raw()
_OTHER = f"whsec_{base64.b64encode(b'another secret of 24 byte').decode()}"


def written(prefix: str, key: bytes) -> str:
    return prefix + base64.b64encode(key).decode()


def test_the_signature_is_that_of_the_test_vector() -> None:
    assert signed(read_webhook_keys(SHARED), "evt-1", _MOMENT, _BODY) == {
        "webhook-id": "evt-1",
        "webhook-timestamp": "1767225600",
        "webhook-signature": "v1,jSjQ7pSkc3rrpMPbttdfG4AiykOTYQCsHv57whOhwb4=",
    }


@pytest.mark.parametrize("key", [_SEED, _SEED + _PUBLIC], ids=["seed", "with public half"])
def test_a_private_key_signs_so_that_its_public_half_can_tell(key: bytes) -> None:
    fields = dict(signed(read_webhook_keys(written("whsk_", key)), "evt-1", _MOMENT, _BODY))
    assert is_signed_by(_PRIVATE.public_key(), fields, _BODY)
    assert not is_signed_by(_PRIVATE.public_key(), fields, _BODY + b" ")


def test_every_key_makes_an_entry() -> None:
    fields = signed(read_webhook_keys(f"{SHARED}\n {_OTHER} {written('whsk_', _SEED)}"), "evt-1", _MOMENT, b"")
    assert [entry.partition(",")[0] for entry in fields["webhook-signature"].split(" ")] == ["v1", "v1", "v1a"]


@pytest.mark.parametrize("keys", [SHARED, f"{_OTHER} {SHARED}"], ids=["one", "while keys change"])
async def test_a_receiver_recognises_every_question_even_without_tls(keys: str) -> None:
    clock = HandTurnedClock(_MOMENT)
    async with SignedEndpoint(clock) as endpoint:
        asking = condition_client(clock, introduction=Introduction(Signature(lambda: read_webhook_keys(keys), clock)))
        assert [await asking.ask(endpoint.url()) for _ in range(3)] == [Met()] * 3
        clock.turn(timedelta(hours=1))
        assert await asking.ask(endpoint.url()) == Met(), "the time is that of the question"


async def test_a_rejected_signature_is_not_repeated() -> None:
    clock = HandTurnedClock(_MOMENT)
    async with SignedEndpoint(clock) as endpoint:
        asking = condition_client(clock, introduction=Introduction(Signature(lambda: read_webhook_keys(_OTHER), clock)))
        assert await asking.ask(endpoint.url()) == Inconclusive("the endpoint answered 401")
    assert len(endpoint.received) == 1


_WRONG = {
    "nothing": (" ", "no key"),
    "unnamed": ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "begin with"),
    "public": (written("whpk_", _PUBLIC), "begin with"),
    "no Base64": ("whsec_fjord!", "Base64"),
    "not ASCII": ("whsec_ø", "Base64"),
    "short secret": (written("whsec_", bytes(23)), "24 to 64"),
    "long secret": (written("whsec_", bytes(65)), "24 to 64"),
    "short key": (written("whsk_", bytes(31)), "32 bytes"),
    "two halves": (written("whsk_", _SEED + bytes(32)), "another key"),
    "one of two": (f"{SHARED} fjord", "begin with"),
}


@pytest.mark.parametrize(("text", "says"), _WRONG.values(), ids=_WRONG)
def test_wrong_keys_are_refused_without_showing_them(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refusal:
        read_webhook_keys(text)
    assert "fjord" not in str(refusal.value)
    assert "AAEC" not in str(refusal.value)


def test_keys_show_nothing_of_themselves() -> None:
    assert repr(read_webhook_keys(f"{SHARED} {written('whsk_', _SEED)}")) == "(SharedKey(), PrivateKey())"
