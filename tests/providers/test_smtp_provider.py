"""The SMTP provider against a real server (aiosmtpd): what arrives, and what its refusals become."""

import asyncio
import email
import email.policy
from email.message import EmailMessage as StdlibMessage

import pytest

from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import DROP, real_server
from varsel.channels.protocol import Accepted, Settled, Transient, Unknown
from varsel.errors import ProviderUnreachable
from varsel.model.orders import Attachment, ContentType
from varsel.model.results import Result

REFERENCE = "0197f3c2-8b1e-7c55-9d1a-1f2e3d4c5b6a@example.com"


@pytest.fixture(params=[False, True], ids=["stepwise", "pipelined"])
def pipelining(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def parsed(content: bytes) -> StdlibMessage:
    return email.message_from_bytes(content, policy=email.policy.SMTP)


async def test_a_message_arrives_whole(pipelining: bool) -> None:
    async with real_server(pipelining=pipelining) as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message(subject="Blåbær på tå", body="Hei\n.\n..prikk\r\nslutt æøå"))
    assert result == Accepted(REFERENCE)
    (received,) = server.received
    assert (received.mail_from, received.rcpt_to) == ("noreply@example.com", "kari@example.no")
    arrived = parsed(received.content)
    assert arrived["Message-ID"] == f"<{REFERENCE}>"
    assert arrived["Subject"] == "Blåbær på tå"
    assert arrived["To"] == "kari@example.no"
    assert arrived["Date"].datetime.isoformat() == "2026-01-01T12:00:00+00:00"
    assert arrived.get_content().splitlines() == ["Hei", ".", "..prikk", "slutt æøå"]


async def test_the_identity_stays_the_same_in_all_attempts() -> None:
    async with real_server() as server, smtp_provider(server.port, message_id_domain="id.example.com") as provider:
        first, second = [await outcome(provider, message(attempt=attempt)) for attempt in (1, 2)]
    assert first == second == Accepted("0197f3c2-8b1e-7c55-9d1a-1f2e3d4c5b6a@id.example.com")


async def test_many_messages_share_few_connections(pipelining: bool) -> None:
    async with (
        real_server(pipelining=pipelining) as server,
        smtp_provider(server.port, max_connections=3, messages_per_connection=10) as provider,
    ):
        batches = await asyncio.gather(*(outcomes(provider, messages(25)) for _ in range(4)))
    assert all(isinstance(one, Accepted) for batch in batches for one in batch)
    assert len(server.received) == 100
    assert server.connections >= 10


async def test_one_connection_is_used_again(pipelining: bool) -> None:
    async with real_server(pipelining=pipelining) as server, smtp_provider(server.port) as provider:
        for number in range(5):
            assert isinstance(await outcome(provider, message(number=number)), Accepted)
        assert server.connections == 1


async def test_refused_recipients_do_not_disturb_the_others(pipelining: bool) -> None:
    async with (
        real_server(pipelining=pipelining) as server,
        smtp_provider(server.port, max_connections=1) as provider,
    ):
        server.refusals[("RCPT", "user1@")] = "550 5.1.1 No such user"
        server.refusals[("RCPT", "user3@")] = "450 4.2.0 Greylisted"
        server.refusals[("DATA", "user5@")] = "554 5.7.1 Looks like spam"
        results = await outcomes(provider, messages(7))
    assert results[1] == Settled(Result.EMAIL_FAILED_BOUNCED, "550 at RCPT: 5.1.1 No such user")
    assert results[3] == Transient("450 at RCPT: 4.2.0 Greylisted")
    assert results[5] == Settled(Result.EMAIL_FAILED_FILTERED_SPAM, "554 at end of content: 5.7.1 Looks like spam")
    assert [isinstance(one, Accepted) for one in results] == [True, False, True, False, True, False, True]
    assert server.connections == 1


async def test_a_refused_sender_is_our_fault_and_final(pipelining: bool) -> None:
    async with real_server(pipelining=pipelining) as server, smtp_provider(server.port) as provider:
        server.refusals[("MAIL", "noreply@")] = "553 5.7.1 Sender not allowed"
        result = await outcome(provider, message())
    assert isinstance(result, Settled)
    assert result.result is Result.EMAIL_FAILED
    assert "sender" in str(result.detail)


async def test_dropped_before_the_content_is_transient(pipelining: bool) -> None:
    async with real_server(pipelining=pipelining) as server, smtp_provider(server.port) as provider:
        server.refusals[("RCPT", "kari@")] = DROP
        result = await outcome(provider, message())
    assert result == Transient("the server closed the connection before the message was sent")


async def test_dropped_after_the_content_is_unknown(pipelining: bool) -> None:
    async with (
        real_server(pipelining=pipelining) as server,
        smtp_provider(server.port, max_connections=1) as provider,
    ):
        server.refusals[("DATA", "user2@")] = DROP
        results = await outcomes(provider, messages(5))
    assert [type(one) for one in results] == [Accepted, Accepted, Unknown, Accepted, Accepted]
    assert len(server.received) == 4


async def test_too_large_is_seen_before_sending() -> None:
    async with real_server(data_size_limit=2000) as server, smtp_provider(server.port) as provider:
        small, large = await outcomes(provider, [message(number=1), message(body="x" * 3000, number=2)])
    assert isinstance(small, Accepted)
    assert isinstance(large, Settled)
    assert large.result is Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE
    assert len(server.received) == 1


async def test_a_large_message_arrives_whole() -> None:
    body = "\n".join(f".{number} " + "x" * 200 for number in range(20_000))
    async with real_server(pipelining=True) as server, smtp_provider(server.port) as provider:
        results = await outcomes(provider, [message(number=number, body=body) for number in range(3)])
    assert all(isinstance(one, Accepted) for one in results)
    assert parsed(server.received[2].content).get_content().splitlines() == body.splitlines()


async def test_letters_outside_ascii_go_by_smtputf8() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        assert isinstance(await outcome(provider, message("bjørn.åsen@blåbær.example.no")), Accepted)
    (received,) = server.received
    assert received.rcpt_to == "bjørn.åsen@xn--blbr-roah.example.no"
    assert "SMTPUTF8" in received.mail_options
    assert parsed(received.content)["To"] == "bjørn.åsen@xn--blbr-roah.example.no"


async def test_a_domain_outside_ascii_needs_no_smtputf8() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        assert isinstance(await outcome(provider, message("kari@blåbær.example.no", body="Hei")), Accepted)
    (received,) = server.received
    assert received.rcpt_to == "kari@xn--blbr-roah.example.no"
    assert not {"SMTPUTF8", "BODY=8BITMIME"} & set(received.mail_options)


async def test_a_malformed_address_is_refused_without_the_server() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message("kari@example.no>\r\nRCPT TO:<ola@example.no"))
    assert result == Settled(Result.EMAIL_FAILED_INVALID_FORMAT, "the recipient's address is malformed")
    assert not server.received


async def test_a_malformed_sender_is_a_failure() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message(from_address="Altinn"))
    assert isinstance(result, Settled)
    assert result.result is Result.EMAIL_FAILED


async def test_attachments_are_not_silently_left_out() -> None:
    attachment = Attachment("brev.pdf", "application/pdf", "https://files.example.com/brev.pdf")
    async with real_server() as server, smtp_provider(server.port) as provider:
        result = await outcome(provider, message(attachments=(attachment,)))
    assert isinstance(result, Settled)
    assert result.result is Result.EMAIL_FAILED
    assert not server.received


async def test_html_travels_with_a_plain_part() -> None:
    html = "<p>Hei <b>Kari</b></p>"
    async with real_server() as server, smtp_provider(server.port) as provider:
        await outcome(provider, message(body=html, content_type=ContentType.Html))
    arrived = parsed(server.received[0].content)
    assert arrived.get_content_type() == "multipart/alternative"
    assert [part.get_content().strip() for part in arrived.iter_parts()] == ["Hei Kari", html]


async def test_check_names_what_is_offered() -> None:
    async with real_server(pipelining=True, data_size_limit=5000) as server, smtp_provider(server.port) as provider:
        found = await provider.check()
    where = f"127.0.0.1:{server.port}"
    offers = "PIPELINING, 8BITMIME, SMTPUTF8, SIZE 5000"
    assert found == f"SMTP server {where} answers (no encryption, without signing in) and offers {offers}."
    with pytest.raises(ProviderUnreachable, match="check host, port and firewall"):
        await provider.check()
