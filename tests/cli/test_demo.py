"""`varsel demo`: the orders it posts, how it follows them, and what it says when something is wrong."""

import argparse
import io
import json
from datetime import timedelta

import httpx
import pytest

from varsel.cli import main
from varsel.cli.demo import rehearse
from varsel.cli.follow import Followed, OrdersClient, follow
from varsel.cli.screen import Screen
from varsel.errors import VarselError

BASE = "/notifications/api/v1/"
ARGUMENTS = argparse.Namespace(email="kari@example.com", mobile="+4799999999", wait=0.0)


class ScriptedService:
    """Answers as api.md says; each look at an order's notifications shows the next state of the script."""

    def __init__(self, email: list[str], sms: list[str]) -> None:
        self.scripts = {"email": email, "sms": sms}
        self.posted: dict[str, dict[str, object]] = {}
        self.looks: dict[tuple[str, str], int] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer of-the-demo"
        parts = request.url.path.removeprefix(BASE).split("/")
        if request.method == "POST":
            return self._accept("/".join(parts), json.loads(request.content))
        if parts[2] == "status":
            return httpx.Response(200, json={"processingStatus": {"status": "Completed"}})
        return httpx.Response(200, json={"notifications": self._notifications(parts[1], parts[3])})

    def client(self) -> httpx.Client:
        transport = httpx.MockTransport(self)
        return httpx.Client(
            transport=transport, base_url="http://varsel.test", headers={"Authorization": "Bearer of-the-demo"}
        )

    def _accept(self, path: str, body: dict[str, object]) -> httpx.Response:
        order_id = f"order-{len(self.posted)}"
        self.posted[order_id] = {"path": path, **body}
        return httpx.Response(202, json={"orderId": order_id})

    def _notifications(self, order_id: str, channel: str) -> list[dict[str, object]]:
        if (channel == "sms") != (self.posted[order_id]["path"] == "orders/sms"):
            return []
        look = self.looks.get((order_id, channel), 0)
        self.looks[order_id, channel] = look + 1
        script = self.scripts[channel]
        return [{"sendStatus": {"status": script[min(look, len(script) - 1)]}}]


def test_the_demo_ends_well_when_every_message_is_final(capsys: pytest.CaptureFixture[str]) -> None:
    service = ScriptedService(email=["Delivered"], sms=["Failed_BarredReceiver"])
    with service.client() as client:
        assert rehearse(client, ARGUMENTS, closed=False) == 0
    assert [body["path"] for body in service.posted.values()] == ["orders/email", "orders/sms", "orders"]
    shown = capsys.readouterr().out
    assert "1 sms Failed_BarredReceiver" in shown
    assert "Every message has its final result." in shown


@pytest.mark.parametrize(("closed", "code"), [(True, 0), (False, 1)])
def test_an_sms_waiting_for_daytime_is_not_waited_for_while_the_window_is_closed(closed: bool, code: int) -> None:
    with ScriptedService(email=["Delivered"], sms=["New"]).client() as client:
        assert rehearse(client, ARGUMENTS, closed) == code


def test_messages_that_are_not_final_in_time_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedService(email=["Succeeded"], sms=["New"]).client() as client:
        assert rehearse(client, ARGUMENTS, closed=True) == 1
    assert "varsel doctor" in capsys.readouterr().err


def test_orders_are_followed_until_done_and_only_changes_are_printed() -> None:
    service = ScriptedService(email=["New", "Sending", "Sending", "Succeeded", "Delivered"], sms=[])
    out = io.StringIO()
    pauses: list[float] = []
    with service.client() as client:
        orders = OrdersClient(client)
        order = orders.post("one", "orders/email", {})
        assert follow(orders, [order], Screen(out), is_settled, timedelta(hours=1), pauses.append)
    shown = [line.split("  ")[-1].strip() for line in out.getvalue().splitlines()]
    assert shown == ["messages", "1 email New", "1 email Sending", "1 email Succeeded", "1 email Delivered"]
    assert len(pauses) == 4


def is_settled(order: Followed) -> bool:
    return order.settled


def test_an_order_without_messages_is_not_settled() -> None:
    assert not Followed("one", "id").settled
    assert not Followed("one", "id", results={"email": [], "sms": []}).settled
    assert not Followed("one", "id", results={"email": ["Delivered", "Sending"], "sms": []}).settled
    assert Followed("one", "id", results={"email": ["Delivered", "Failed"], "sms": []}).settled


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
        (404, "", "no installation of Varsel"),
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
        OrdersClient(client).post("one", "orders/email", {})
    assert word in str(caught.value)


def test_an_installation_that_does_not_answer_is_told_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--url", "http://127.0.0.1:1", "--token", "of-the-demo"]) == 1
    assert "nothing answers at http://127.0.0.1:1" in capsys.readouterr().err
