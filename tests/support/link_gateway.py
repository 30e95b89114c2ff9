"""A scripted LINK gateway: a real HTTP server on loopback that speaks the documented XML (integrations.md, section 5).

In tests each request is answered by the next `Reply` of the script, or accepted when the script is empty. Run as
`python -m tests.support.link_gateway --port 5099` it accepts everything, and with `--report-to` it posts a delivery
report for each SMS.
"""

import argparse
import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from itertools import count
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import httpx
from defusedxml.ElementTree import fromstring

from tests.support.http_server import HttpReply, HttpRequest, LoopbackServer
from tests.support.link_replies import FIXED, REFUSALS, Reply
from tests.support.link_reports import DeliveryReport, post_report


def messages_in(body: bytes) -> list[dict[str, str]]:
    """Return the elements of each MSG of a request by name, in the order they came."""
    return [{child.tag: child.text or "" for child in message} for message in fromstring(body).iter("MSG")]


class LinkGateway(LoopbackServer):
    """The server. `posted` keeps what arrived, `refusals` refuses receivers by INFO whatever the script says."""

    def __init__(self, *script: Reply, port: int = 0) -> None:
        super().__init__(port)
        self.script = deque(script)
        self.posted: list[HttpRequest] = []
        self.refusals: dict[str, str] = {}
        self.on_accepted: Callable[[str, dict[str, str]], None] = lambda _reference, _message: None
        self.in_flight = 0
        self.most_in_flight = 0
        self._arrived = asyncio.Condition()
        self._references = count(984342374)
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let all held requests go, now and later."""
        self._released.set()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds after some arrival; fails after five seconds."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(condition)

    async def answer(self, request: HttpRequest) -> HttpReply | None:
        """Answer by the script; a request without a body is only somebody looking whether we are here."""
        if not request.body:
            return HttpReply("200 OK", b"gateway", "text/plain")
        reply = self.script.popleft() if self.script else Reply.OK
        self.posted.append(request)
        async with self._counted():
            if reply is Reply.HOLD:
                await self._released.wait()
            if reply is Reply.HANG:
                await asyncio.Event().wait()
            return None if reply is Reply.DROP else self._answer(reply, messages_in(request.body))

    @contextlib.asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self._arrived:
            self._arrived.notify_all()
        try:
            yield
        finally:
            self.in_flight -= 1

    def _answer(self, reply: Reply, messages: Sequence[dict[str, str]]) -> HttpReply:
        if reply in FIXED:
            return FIXED[reply]
        parts = [self._message(reply, message) for message in messages]
        if reply is Reply.MISSING_MSG:
            parts = parts[1:]
        logon = "" if reply is Reply.LOGON_MISSING else "<LOGON>OK</LOGON>"
        # Last message first and LOGON at the end: the documentation promises no order.
        listed = f"<MSGLST>{''.join(reversed(parts))}</MSGLST>"
        document = f"<SESSION>{listed}<REASON></REASON>{logon}</SESSION>"
        if reply is Reply.OK_WITH_DOCTYPE:
            document = f'<!DOCTYPE SESSION SYSTEM "pswincom_submit_answer.dtd">\n{document}'
        text = f'<?xml version="1.0"?>\n{document}'
        if reply is Reply.OK_AFTER_BLANK_LINE:
            text = f"\r\n{text}"
        encoding = "iso-8859-1" if reply is Reply.OK_IN_LATIN_1 else "utf-8"
        return HttpReply("200 OK", text.encode(encoding), close=reply is Reply.OK_THEN_CLOSE)

    def _message(self, reply: Reply, message: dict[str, str]) -> str:
        info = self.refusals.get(message["RCV"]) or REFUSALS.get(reply, "")
        refused = bool(info) or reply is Reply.REFUSED_WITHOUT_INFO
        status = "FAIL" if refused else "OK"
        told = "Takk for sist, blåbær" if reply is Reply.OK_IN_LATIN_1 else info
        reference = "" if refused or reply is Reply.MISSING_REF else f"<REF>{self._accept_message(message)}</REF>"
        return f"<MSG>{reference}<INFO>{escape(told)}</INFO><STATUS>{status}</STATUS><ID>{message['ID']}</ID></MSG>"

    def _accept_message(self, message: dict[str, str]) -> str:
        reference = str(next(self._references))
        self.on_accepted(reference, message)
        return reference


async def _demo(arguments: argparse.Namespace) -> None:
    """Accept every SMS until interrupted; report each one if an address is given."""
    async with LinkGateway(port=arguments.port) as gateway, asyncio.TaskGroup() as reporters:

        def tell(reference: str, message: dict[str, str]) -> None:
            print(f"SMS {reference} to {message['RCV']} from {message['SND']}: {message['TEXT']}", flush=True)
            if arguments.report_to:
                reporters.create_task(_report(arguments, reference, message["RCV"]))

        gateway.on_accepted = tell
        print(f"LINK gateway on {gateway.url}", flush=True)
        await asyncio.Event().wait()


async def _report(arguments: argparse.Namespace, reference: str, receiver: str) -> None:
    await asyncio.sleep(arguments.delay)
    when = datetime.now(ZoneInfo("Europe/Oslo")).strftime("%Y.%m.%d %H:%M:%S")
    report = DeliveryReport(reference, arguments.state, receiver, when)
    try:
        answer = await post_report(arguments.report_to, (arguments.user, arguments.password), report)
        print(f"  report {arguments.state} of {reference}: HTTP {answer.status_code}", flush=True)
    except httpx.HTTPError as error:
        print(f"  report of {reference} was not taken: {type(error).__name__}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A LINK gateway that accepts every SMS, for demonstrations.")
    parser.add_argument("--port", type=int, default=5099, help="port on 127.0.0.1 (default 5099)")
    parser.add_argument("--report-to", metavar="URL", help="post a delivery report for each SMS to this address")
    parser.add_argument("--user", default="link", help="user name for the reports (default link)")
    parser.add_argument("--password", default="link", help="password for the reports (default link)")
    parser.add_argument("--state", default="DELIVRD", help="state to report (default DELIVRD)")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds from SMS to report (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_demo(_arguments()))
