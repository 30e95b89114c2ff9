"""`varsel demo`: post a few orders to a running installation and follow them live."""

import argparse
import sys
from datetime import timedelta
from typing import Any

import httpx

from varsel.cli.arguments import Commands, add_command, settings_with
from varsel.cli.follow import Followed, ShipmentsClient, follow
from varsel.cli.screen import Screen
from varsel.cli.token import local_issuer
from varsel.settings import Settings
from varsel.settings.choices import EmailProvider, SmsProvider

_LESSON = """\
examples:
  varsel demo                              against http://127.0.0.1:5090, as organisation ttd
  varsel demo --email me@example.com       to an address of your own (needs a real provider)
  varsel demo --url https://varsel.example.no --token "$TOKEN"

It posts an e-mail, and an SMS that may leave at any hour; where the sandbox takes the e-mails
also one that bounces. Then it shows how they go until the sandbox has reported every result, or
real providers have taken every message (exit code 0), or --wait is over (exit code 1).

what next: the inbox at /dev/inbox shows what the sandbox kept.
"""
_REQUEST_TIMEOUT = 10
_EMAIL = {"subject": "Hello from Varsel", "body": "This is the first message of the demo."}
_BOUNCING = "bounced@example.com"


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "demo", "Send a few orders and watch them arrive", _LESSON, run)
    parser.add_argument("--url", metavar="URL", help="where Varsel answers (default from VARSEL_HOST and VARSEL_PORT)")
    parser.add_argument("--token", metavar="TOKEN", help="bearer token (default: one of the local issuer for ttd)")
    parser.add_argument("--email", metavar="ADDRESS", default="kari@example.com", help="who gets the e-mail")
    parser.add_argument("--mobile", metavar="NUMBER", default="+4799999999", help="who gets the SMS")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=60.0, help="how long to follow (default 60)")


def run(arguments: argparse.Namespace) -> int:
    """Post the orders and follow them; 0 when every message is as far as it can be seen to get."""
    settings = settings_with()
    url = arguments.url or _own_address(settings)
    # What another installation sends with is not known here: it is treated as one that really sends.
    sandboxed = arguments.url is None and _is_sandboxed(settings)
    headers = {"Authorization": f"Bearer {arguments.token or _own_token(settings)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_REQUEST_TIMEOUT, trust_env=False) as client:
        print(f"varsel demo at {url}")
        code = send_and_follow(client, arguments, sandboxed)
    if code == 0 and sandboxed and settings.sandbox_inbox:
        print(f"The sandbox keeps what it was given at {url}/dev/inbox")
    return code


def send_and_follow(client: httpx.Client, arguments: argparse.Namespace, sandboxed: bool) -> int:
    """Post and follow: in the sandbox until every result is final, elsewhere until every message is handed over."""
    shipments = ShipmentsClient(client)
    followed = [shipments.post(title, recipient) for title, recipient in demo_orders(arguments, sandboxed)]

    def done(order: Followed) -> bool:
        return order.settled if sandboxed else order.handed_over

    if not follow(shipments, followed, Screen(sys.stdout), done, timedelta(seconds=arguments.wait)):
        print("\nNot every message got that far in time; varsel doctor looks for the reason.", file=sys.stderr)
        return 1
    if all(order.settled for order in followed):
        print("\nEvery message has its final result.")
    else:
        print("\nEvery message was handed over. What providers report later shows in the shipments.")
    return 0


def demo_orders(arguments: argparse.Namespace, sandboxed: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return title and recipient of each order (api.md 3.9); nobody but the given recipients for real providers."""
    sms = {"body": "Hello from Varsel", "sendingTimePolicy": "Anytime"}
    orders: list[tuple[str, dict[str, Any]]] = [
        ("an e-mail", _to_address(arguments.email)),
        ("an SMS", {"recipientSms": {"phoneNumber": arguments.mobile, "smsSettings": sms}}),
    ]
    if sandboxed:
        orders.append(("an e-mail that bounces", _to_address(_BOUNCING)))
    return orders


def _to_address(address: str) -> dict[str, Any]:
    return {"recipientEmail": {"emailAddress": address, "emailSettings": _EMAIL}}


def _is_sandboxed(settings: Settings) -> bool:
    return settings.email_provider is EmailProvider.SANDBOX and settings.sms_provider is SmsProvider.SANDBOX


def _own_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{host}:{settings.port}"


def _own_token(settings: Settings) -> str:
    return local_issuer(settings).token("ttd", "991825827")
