"""`varsel demo`: the orders it posts, how it follows them, and what it says when something is wrong."""

import argparse
import io
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from varsel.cli import main
from varsel.cli.demo import demo_orders, send_and_follow
from varsel.cli.follow import Followed, ShipmentsClient, follow
from varsel.cli.screen import Screen
from varsel.errors import VarselError

BASE = "/notifications/api/v1/future/"
ARGUMENTS = argparse.Namespace(email="kari@example.com", mobile="+4799999999", wait=0.0)
TO_KARI = {"recipientEmail": {"emailAddress": "kari@example.com"}}


class ScriptedService:
    """Answers as api.md says; each look at a shipment shows the next state of its channel's script."""

    def __init__(self, email: list[str], sms: list[str]) -> None:
        self.scripts = {"recipientEmail": email, "recipientSms": sms}
        self.posted: dict[str, dict[str, Any]] = {}
        self.looks: Counter[str] = Counter()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer of-the-demo"
        path = request.url.path.removeprefix(BASE)
        if request.method == "POST":
            return self._accept(path, json.loads(request.content))
        return self._shipment(path.removeprefix("shipment/"))

    def client(self) -> httpx.Client:
        transport = httpx.MockTransport(self)
        return httpx.Client(
            transport=transport, base_url="http://varsel.test", headers={"Authorization": "Bearer of-the-demo"}
        )

    def _accept(self, path: str, body: dict[str, Any]) -> httpx.Response:
        assert path == "orders"
        shipment_id = f"shipment-{len(self.posted)}"
        self.posted[shipment_id] = body
        return httpx.Response(201, json={"notification": {"shipmentId": shipment_id}})

    def _shipment(self, shipment_id: str) -> httpx.Response:
        (kind,) = self.posted[shipment_id]["recipient"]
        script = self.scripts[kind]
        status = script[min(self.looks[shipment_id], len(script) - 1)]
        self.looks[shipment_id] += 1
        return httpx.Response(200, json={"status": "Order_Completed", "recipients": [{"status": status}]})


def test_in_the_sandbox_the_demo_ends_when_every_result_is_final(capsys: pytest.CaptureFixture[str]) -> None:
    service = ScriptedService(email=["Email_Delivered"], sms=["SMS_Failed_BarredReceiver"])
    with service.client() as client:
        assert send_and_follow(client, ARGUMENTS, sandboxed=True) == 0
    addresses = [body["recipient"].get("recipientEmail", {}).get("emailAddress") for body in service.posted.values()]
    assert addresses == ["kari@example.com", None, "bounced@example.com"]
    assert len({body["idempotencyId"] for body in service.posted.values()}) == 3
    shown = capsys.readouterr().out
    assert "1 SMS_Failed_BarredReceiver" in shown
    assert "Every message has its final result." in shown


def test_real_providers_get_messages_to_the_given_recipients_alone() -> None:
    service = ScriptedService(email=["Email_Succeeded"], sms=["SMS_Accepted"])
    with service.client() as client:
        assert send_and_follow(client, ARGUMENTS, sandboxed=False) == 0
    assert [body["recipient"] for body in service.posted.values()] == [
        recipient for _, recipient in demo_orders(ARGUMENTS, sandboxed=False)
    ]
    assert "bounced" not in json.dumps(list(service.posted.values()))


def test_the_sms_may_leave_at_any_hour() -> None:
    _, (_, sms), *_ = demo_orders(ARGUMENTS, sandboxed=True)
    assert sms["recipientSms"]["smsSettings"]["sendingTimePolicy"] == "Anytime"


@pytest.mark.parametrize(("sandboxed", "code"), [(True, 1), (False, 0)])
def test_a_hand_over_is_enough_where_reports_may_take_a_day(sandboxed: bool, code: int) -> None:
    with ScriptedService(email=["Email_Succeeded"], sms=["SMS_Delivered"]).client() as client:
        assert send_and_follow(client, ARGUMENTS, sandboxed) == code


def test_messages_that_do_not_leave_in_time_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedService(email=["Email_Succeeded"], sms=["SMS_New"]).client() as client:
        assert send_and_follow(client, ARGUMENTS, sandboxed=False) == 1
    assert "varsel doctor" in capsys.readouterr().err


def test_orders_are_followed_until_done_and_only_changes_are_printed() -> None:
    states = ["Email_New", "Email_Sending", "Email_Sending", "Email_Succeeded", "Email_Delivered"]
    service = ScriptedService(email=states, sms=[])
    out = io.StringIO()
    pauses: list[float] = []
    with service.client() as client:
        shipments = ShipmentsClient(client)
        order = shipments.post("one", TO_KARI)
        assert follow(shipments, [order], Screen(out), is_settled, timedelta(hours=1), pauses.append)
    shown = [line.split("  ")[-1].strip() for line in out.getvalue().splitlines()]
    assert shown == ["messages", *(f"1 {state}" for state in dict.fromkeys(states))]
    assert len(pauses) == 4


def is_settled(order: Followed) -> bool:
    return order.settled


def test_an_order_without_messages_is_not_settled() -> None:
    assert not Followed("one", "id").settled
    assert not Followed("one", "id", results=["Email_Delivered", "SMS_Sending"]).handed_over
    assert not Followed("one", "id", results=["Email_Delivered", "SMS_Accepted"]).settled
    assert Followed("one", "id", results=["Email_Delivered", "SMS_Accepted"]).handed_over
    assert Followed("one", "id", results=["Email_Delivered", "SMS_Failed"]).settled


def test_a_terminal_is_redrawn_in_place() -> None:
    out = Terminal()
    screen = Screen(out)
    for state in ("New", "New", "Delivered"):
        screen.show(("order", "state"), [("one", state)])
    assert out.getvalue() == "order  state\none    New\n\x1b[2A\x1b[Jorder  state\none    Delivered\n"


class Terminal(io.StringIO):
    """Memory that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (401, "", "the token is not accepted"),
        (403, "", "no organisation or lacks the scope"),
        (404, "", "not an installation of Varsel"),
        (400, '{"errors": {"Recipients": ["missing"]}}', '"Recipients"'),
        (500, "", "see the service's log"),
    ],
)
def test_refusals_say_what_to_do(status: int, body: str, word: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    with (
        httpx.Client(transport=transport, base_url="http://varsel.test") as client,
        pytest.raises(VarselError, match=f"was answered {status}") as caught,
    ):
        ShipmentsClient(client).post("one", TO_KARI)
    assert word in str(caught.value)


def test_an_installation_that_does_not_answer_is_told_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--url", "http://127.0.0.1:1", "--token", "of-the-demo"]) == 1
    assert "nothing answers at http://127.0.0.1:1" in capsys.readouterr().err
