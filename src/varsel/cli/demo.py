"""`varsel demo`: post a few orders to a running installation and follow them live."""

import argparse
import sys
from datetime import UTC, datetime, timedelta

import httpx

from varsel.cli.arguments import Commands, add_command, settings_with
from varsel.cli.follow import Followed, OrdersClient, follow
from varsel.cli.screen import Screen
from varsel.cli.token import local_issuer
from varsel.schedule import DaytimeWindow
from varsel.settings import Settings

_LESSON = """\
examples:
  varsel demo                              against http://127.0.0.1:5090, as organisation ttd
  varsel demo --email me@example.com       to an address of your own (needs a real provider)
  varsel demo --url https://varsel.example.no --token "$TOKEN"

It posts an e-mail to two recipients (the sandbox lets one of them bounce), an SMS, and an order
that prefers e-mail. Then it shows how they go until every message has its final result (exit
code 0), or --wait is over (exit code 1).
SMS without a sending time policy leave in daytime only, 9 to 17 in Oslo; outside these hours
the demo says so and does not wait for the SMS.

what next: the inbox at /dev/inbox shows what the sandbox kept.
"""
_REQUEST_TIMEOUT = 10


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "demo", "Send a few orders and watch them arrive", _LESSON, run)
    parser.add_argument("--url", metavar="URL", help="where Varsel answers (default from VARSEL_HOST and VARSEL_PORT)")
    parser.add_argument("--token", metavar="TOKEN", help="bearer token (default: one of the local issuer for ttd)")
    parser.add_argument("--email", metavar="ADDRESS", default="kari@example.com", help="who gets the e-mails")
    parser.add_argument("--mobile", metavar="NUMBER", default="+4799999999", help="who gets the SMS")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=60.0, help="how long to follow (default 60)")


def run(arguments: argparse.Namespace) -> int:
    """Post the orders and follow them; 0 when every message is final."""
    settings = settings_with()
    url = arguments.url or _own_address(settings)
    headers = {"Authorization": f"Bearer {arguments.token or _own_token(settings)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_REQUEST_TIMEOUT) as client:
        print(f"varsel demo at {url}")
        code = rehearse(client, arguments, _daytime_closed(settings, datetime.now(UTC)))
    if code == 0 and settings.sandbox_inbox:
        print(f"The sandbox keeps what it was given at {url}/dev/inbox")
    return code


def rehearse(client: httpx.Client, arguments: argparse.Namespace, closed: bool) -> int:
    """Post and follow; while the daytime window is `closed`, SMS that wait for it are not waited for."""
    orders = OrdersClient(client)
    followed = [orders.post(title, path, body) for title, path, body in demo_orders(arguments)]

    def done(order: Followed) -> bool:
        return order.settled or (closed and order.waits_with_sms)

    if not follow(orders, followed, Screen(sys.stdout), done, timedelta(seconds=arguments.wait)):
        print("\nNot every message became final in time; varsel doctor looks for the reason.", file=sys.stderr)
        return 1
    if all(order.settled for order in followed):
        print("\nEvery message has its final result.")
    else:
        print("\nEverything has its final result but the SMS, which leaves when the daytime window opens.")
    return 0


def demo_orders(arguments: argparse.Namespace) -> list[tuple[str, str, dict[str, object]]]:
    """Return title, path and body of each order (api.md 3.6 and 3.7)."""
    email, mobile = {"emailAddress": arguments.email}, {"mobileNumber": arguments.mobile}
    template = {"subject": "Your case is decided", "body": "The decision is in your inbox."}
    return [
        (
            "an e-mail to two",
            "orders/email",
            {
                "sendersReference": "demo-1",
                "subject": "Hello from Varsel",
                "body": "This is the first message of the demo.",
                "recipients": [email, {"emailAddress": "bounced@example.com"}],
            },
        ),
        (
            "an SMS",
            "orders/sms",
            {"sendersReference": "demo-2", "body": "Hello from Varsel", "recipients": [mobile]},
        ),
        (
            "e-mail preferred",
            "orders",
            {
                "sendersReference": "demo-3",
                "notificationChannel": "EmailPreferred",
                "emailTemplate": template,
                "smsTemplate": {"body": "The decision is in your inbox."},
                "recipients": [{**email, **mobile}],
            },
        ),
    ]


def _own_address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{host}:{settings.port}"


def _own_token(settings: Settings) -> str:
    return local_issuer(settings).token("ttd", "991825827")


def _daytime_closed(settings: Settings, now: datetime) -> bool:
    window = DaytimeWindow(settings.sms_window_zone, settings.sms_window_start, settings.sms_window_end)
    return not window.is_open(now)
