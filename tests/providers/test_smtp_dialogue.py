"""The dialogue against a puppet: pipelining to the letter, refusals, extensions, logins."""

from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import obliging, puppet, stepwise
from varsel.channels.email_smtp import Security
from varsel.channels.protocol import Accepted, Settled, Transient
from varsel.model.results import Result


async def test_pipelined_commands_come_in_the_order_of_rfc_2920() -> None:
    async with puppet() as server, smtp_provider(server.port, max_connections=1) as provider:
        await outcomes(provider, messages(2))
    verbs = [line.partition(" ")[0] for line in server.lines]
    assert verbs == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_data_opened_without_a_recipient_is_ended_by_a_single_dot() -> None:
    def script(line: str) -> str:
        if "user0@" in line:
            return "550 5.1.1 No such user"
        return obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        first, second = await outcomes(provider, messages(2))
    assert isinstance(first, Settled)
    assert first.result is Result.EMAIL_FAILED_BOUNCED
    assert isinstance(second, Accepted)
    assert server.contents[0] == b""
    assert b"user1@example.no" in server.contents[1]
    assert not server.heard("RSET")


async def test_a_refused_transaction_is_reset_before_the_next() -> None:
    refused = False

    def script(line: str) -> str:
        nonlocal refused
        if line.startswith("RCPT"):
            refused = "user0@" in line
            return "550 5.1.1 No such user" if refused else "250 Ok"
        return "554 No valid recipients" if line == "DATA" and refused else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        first, second = await outcomes(provider, messages(2))
    assert isinstance(first, Settled)
    assert isinstance(second, Accepted)
    verbs = [line.partition(" ")[0] for line in server.lines]
    assert verbs == ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]
    assert len(server.contents) == 1


async def test_without_pipelining_each_command_waits_for_its_answer() -> None:
    def script(line: str) -> str:
        return "450 4.2.0 Later" if "user0@" in line else stepwise(line)

    async with puppet(script) as server, smtp_provider(server.port, max_connections=1) as provider:
        first, second = await outcomes(provider, messages(2))
    assert isinstance(first, Transient)
    assert isinstance(second, Accepted)
    verbs = [line.partition(" ")[0] for line in server.lines]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_helo_where_ehlo_is_unknown() -> None:
    def script(line: str) -> str:
        return "502 5.5.1 What?" if line.startswith("EHLO") else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, ehlo_name="mail.example.com") as provider:
        assert isinstance(await outcome(provider, message()), Accepted)
    assert server.lines[:3] == ["EHLO mail.example.com", "HELO mail.example.com", "MAIL FROM:<noreply@example.com>"]


async def test_our_name_is_an_address_literal_unless_told() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        await provider.check()
    assert server.lines == ["EHLO [127.0.0.1]", "QUIT"]


async def test_dsn_is_asked_for_where_offered() -> None:
    def script(line: str) -> str:
        return "250-puppet\r\n250-DSN\r\n250 SIZE" if line.startswith("EHLO") else obliging(line)

    async with (
        puppet(script) as server,
        smtp_provider(server.port, dsn_notify=("SUCCESS", "FAILURE"), return_path="bounce@example.com") as provider,
    ):
        await outcome(provider, message("kari+a=b@example.no"))
    mail, rcpt = server.lines[1:3]
    assert mail.startswith("MAIL FROM:<bounce@example.com> SIZE=")
    assert mail.endswith(" RET=HDRS ENVID=0197f3c2-8b1e-7c55-9d1a-1f2e3d4c5b6a")
    assert rcpt == "RCPT TO:<kari+a=b@example.no> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;kari+2Ba+3Db@example.no"


async def test_dsn_is_left_out_where_not_offered() -> None:
    async with puppet() as server, smtp_provider(server.port, dsn_notify=("FAILURE",)) as provider:
        await outcome(provider, message())
    assert server.lines[1:3] == ["MAIL FROM:<noreply@example.com>", "RCPT TO:<kari@example.no>"]


async def test_without_8bitmime_everything_is_ascii() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        await outcome(provider, message(body="æøå"))
    assert server.contents[0].isascii()


async def test_without_smtputf8_a_local_part_outside_ascii_is_malformed() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message("bjørn@example.no"))
        sender = await outcome(provider, message(from_address="bjørn@example.no"))
    assert isinstance(result, Settled)
    assert result.result is Result.EMAIL_FAILED_INVALID_FORMAT
    assert "SMTPUTF8" in str(result.detail)
    assert isinstance(sender, Settled)
    assert sender.result is Result.EMAIL_FAILED
    assert not server.heard("MAIL")


async def test_dots_travel_doubled() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        await outcome(provider, message(body=".\n.two\n"))
    assert server.contents[0].endswith(b"\r\n\r\n..\r\n..two\r\n")


async def test_authentication_demanded_at_mail_pauses_the_channel() -> None:
    def script(line: str) -> str:
        return "530 5.7.0 Authentication required" if line.startswith("MAIL") else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert result.pause


async def test_words_after_starttls_in_the_clear_are_refused() -> None:
    """What a third party slips in before the handshake must not pass for the protected dialogue."""

    def script(line: str) -> str:
        if line.startswith("EHLO"):
            return "250-puppet\r\n250 STARTTLS"
        return "220 Go\r\n250 slipped in" if line == "STARTTLS" else obliging(line)

    async with (
        puppet(script) as server,
        smtp_provider(server.port, security=Security.STARTTLS, failure_threshold=1) as provider,
    ):
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert "between STARTTLS and the TLS handshake" in result.detail


async def test_a_login_that_is_refused_tells_no_secret() -> None:
    def script(line: str) -> str:
        if line.startswith("EHLO"):
            return "250-puppet\r\n250 AUTH LOGIN"
        return "535 5.7.8 varsel-user is unknown" if line.startswith("AUTH") else obliging(line)

    async with puppet(script) as server, smtp_provider(server.port, username="varsel-user", password="x") as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert result.pause
    assert "varsel-user" not in result.detail


async def test_a_login_nobody_offers_is_not_tried() -> None:
    async with puppet() as server, smtp_provider(server.port, username="varsel-user", password="x") as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert "neither AUTH PLAIN nor LOGIN" in result.detail
    assert not server.heard("AUTH")


async def test_an_empty_batch_is_done_at_once() -> None:
    async with puppet() as server, smtp_provider(server.port) as provider:
        assert await outcomes(provider, []) == []
    assert server.connections == 0
