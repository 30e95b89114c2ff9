"""Signing in to a mail server: which way is tried, what follows a refusal, and tokens that are replaced."""

import base64
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.oauth_server import CLIENT_ID, CLIENT_SECRET, SCOPE, OAuthServer
from tests.support.smtp_sending import START, message
from tests.support.smtp_server import DROP, Puppet, obliging, puppet
from varsel.channels.email_smtp import Security, SmtpProvider, SmtpSettings
from varsel.channels.email_smtp.login import Tokens
from varsel.channels.protocol import Accepted, Outcome, Transient
from varsel.model.clock import HandTurnedClock
from varsel.outgoing.client_credentials import Client, ClientCredentials
from varsel.outgoing.token_file import TokenFile
from varsel.outgoing.tokens import KeptTokens

USERNAME, PASSWORD = "noreply@example.com", "synthetic-password"
TAKEN = "235 2.7.0 Accepted"
REFUSED = "535 5.7.8 Wrong"


class Server:
    """Offers these ways of signing in and answers each with the next reply of its script."""

    def __init__(self, offers: str, **answers: Sequence[str]) -> None:
        self._offers = offers
        self._answers = {way: deque(replies) for way, replies in answers.items()}
        self._way = ""

    def __call__(self, line: str) -> str:
        """Answer one line."""
        verb, _, rest = line.partition(" ")
        if verb == "EHLO":
            return f"250-puppet\r\n250 AUTH {self._offers}"
        if verb == "AUTH":
            self._way = rest.partition(" ")[0]
        elif not self._way:
            return obliging(line)
        answer = self._answers[self._way].popleft()
        if not answer.startswith("334"):
            self._way = ""
        return answer


async def sent(server: Puppet, *, tokens: Tokens | None = None) -> Outcome:
    """Send one message with a login, and return what came of it."""
    settings = SmtpSettings(
        host="127.0.0.1", port=server.port, security=Security.NONE, username=USERNAME, password=PASSWORD
    )
    provider = SmtpProvider(settings, HandTurnedClock(START), tokens)
    try:
        results = list[Outcome]()
        await provider.send([message()], lambda _, result: results.append(result))
        return results[0]
    finally:
        await provider.close()


def shown(server: Puppet) -> list[str]:
    """Return the tokens that were shown, in order."""
    said = [line.split(" ")[2] for line in server.lines if line.startswith("AUTH XOAUTH2")]
    fields = [base64.b64decode(text).decode().split("\x01") for text in said]
    assert all(user == f"user={USERNAME}" and end == ["", ""] for user, _, *end in fields)
    return [bearer.removeprefix("auth=Bearer ") for _, bearer, *_ in fields]


# --- by password


@pytest.mark.parametrize("refusal", [REFUSED, "504 5.5.4 Unrecognized authentication type", "538 encryption required"])
async def test_login_is_tried_where_plain_is_refused(refusal: str) -> None:
    script = Server("PLAIN LOGIN", PLAIN=[refusal], LOGIN=["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", TAKEN])
    async with puppet(script) as server:
        assert isinstance(await sent(server), Accepted)
    answers = server.lines[server.lines.index("AUTH LOGIN") + 1 :][:2]
    assert [base64.b64decode(answer).decode() for answer in answers] == [USERNAME, PASSWORD]


async def test_a_refusal_for_the_moment_leads_to_no_second_login() -> None:
    async with puppet(Server("PLAIN LOGIN", PLAIN=["454 4.7.0 Temporary failure"] * 3)) as server:
        result = await sent(server)
    assert isinstance(result, Transient)
    assert server.heard("AUTH LOGIN") == 0


@pytest.mark.parametrize("then", [[REFUSED], [DROP]])
async def test_a_wrong_password_stops_the_channel_at_once_whatever_the_server_does_next(then: Sequence[str]) -> None:
    """Repeated wrong logins lock accounts."""
    async with puppet(Server("PLAIN LOGIN", PLAIN=[REFUSED], LOGIN=then)) as server:
        result = await sent(server)
    assert isinstance(result, Transient)
    assert result.pause
    assert "user name and password" in result.detail
    assert server.connections == 1


# --- by token


async def test_a_token_from_a_file_is_read_anew_at_every_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    clock = HandTurnedClock(START)
    async with puppet(Server("LOGIN XOAUTH2", XOAUTH2=[TAKEN, TAKEN])) as server:
        for token in ("first.token", "second.token"):
            file.write_text(f"{token}\n")
            assert isinstance(await sent(server, tokens=KeptTokens(TokenFile(file, clock), clock)), Accepted)
    assert shown(server) == ["first.token", "second.token"]


@pytest.mark.parametrize("content", [None, "", "two words", "a\nb", "ø"])
async def test_a_file_without_a_token_is_said_and_nothing_is_shown(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    clock = HandTurnedClock(START)
    async with puppet(Server("XOAUTH2")) as server:
        result = await sent(server, tokens=KeptTokens(TokenFile(file, clock), clock))
    assert isinstance(result, Transient)
    assert "token file" in result.detail
    assert server.heard("AUTH") == 0


def oauth(server: OAuthServer) -> KeptTokens:
    clock = HandTurnedClock(START)
    client = Client(server.token_url, CLIENT_ID, CLIENT_SECRET, SCOPE, secret_in_body=True)
    return KeptTokens(ClientCredentials(lambda: client, clock), clock)


async def test_a_refused_token_is_replaced_by_one_from_the_token_server_once() -> None:
    """The refusal comes in two steps: its reason, which wants an empty line, and then the reply."""
    answers = ["334 eyJzdGF0dXMiOiI0MDAifQ==", REFUSED, TAKEN]
    async with OAuthServer(in_body=True) as issuer, puppet(Server("PLAIN XOAUTH2", XOAUTH2=answers)) as server:
        assert isinstance(await sent(server, tokens=oauth(issuer)), Accepted)
    assert shown(server) == ["oauth-1", "oauth-2"]
    assert server.connections == 1
    assert "" in server.lines


async def test_a_second_refusal_stops_the_channel() -> None:
    answers = ["334 e30=", REFUSED, "334 e30=", REFUSED]
    async with OAuthServer(in_body=True) as issuer, puppet(Server("XOAUTH2", XOAUTH2=answers)) as server:
        result = await sent(server, tokens=oauth(issuer))
    assert isinstance(result, Transient)
    assert result.pause
    assert len(shown(server)) == 2
    assert "oauth-" not in result.detail


async def test_a_server_without_xoauth2_is_never_shown_a_password_instead() -> None:
    async with OAuthServer(in_body=True) as issuer, puppet(Server("PLAIN LOGIN")) as server:
        result = await sent(server, tokens=oauth(issuer))
    assert isinstance(result, Transient)
    assert "XOAUTH2" in result.detail
    assert server.heard("AUTH") == 0
