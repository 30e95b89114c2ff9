"""E-mails with files through a real SMTP server, read back by the standard library."""

import asyncio
import email
import email.policy
from email.message import EmailMessage as StdlibMessage

import pytest

from tests.support.files import content_of, file_of
from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import DROP, real_server
from varsel.channels.protocol import Accepted, Settled, Transient
from varsel.model.orders import ContentType
from varsel.model.results import Result

PDF = file_of("vedtak.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40)
FILES = (PDF, file_of("blåbær på tå.txt", "text/plain", "Hei\n.\n..prikk æøå\n".encode()))


def parsed(content: bytes) -> StdlibMessage:
    return email.message_from_bytes(content, policy=email.policy.SMTP)


def enclosed(content: bytes) -> list[tuple[str | None, str, object]]:
    _, *files = parsed(content).iter_parts()
    return [(file.get_filename(), file.get_content_type(), file.get_payload(decode=True)) for file in files]


@pytest.mark.parametrize("pipelining", [False, True], ids=["stepwise", "pipelined"])
async def test_files_arrive_as_they_were(pipelining: bool) -> None:
    body = "Hei\n.\n..prikk\n--=_strek\nslutt æøå"
    async with real_server(pipelining=pipelining) as server, smtp_provider(server.port) as provider:
        assert isinstance(await outcome(provider, message(body=body, files=FILES)), Accepted)
    (received,) = server.received
    arrived = parsed(received.content)
    assert arrived.get_content_type() == "multipart/mixed"
    text = next(arrived.iter_parts())
    assert text.get_content_type() == "text/plain"
    assert text.get_content().splitlines() == body.splitlines()
    assert enclosed(received.content) == [(file.filename, file.mime_type, content_of(file)) for file in FILES]


async def test_html_keeps_its_plain_alternative_beside_the_files() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        await outcome(provider, message(body="<p>Hei</p>", content_type=ContentType.Html, files=FILES))
    text, *files = parsed(server.received[0].content).iter_parts()
    assert [part.get_content_type() for part in text.iter_parts()] == ["text/plain", "text/html"]
    assert [file.get_content_disposition() for file in files] == ["attachment", "attachment"]


async def test_megabytes_arrive_whole_among_small_messages() -> None:
    large = file_of("video.mp4", "video/mp4", bytes(range(256)) * 8000)
    async with real_server(pipelining=True) as server, smtp_provider(server.port, max_connections=1) as provider:
        results = await asyncio.gather(
            outcome(provider, message(files=(large, large))),
            outcomes(provider, messages(5)),
            outcome(provider, message()),
        )
    assert isinstance(results[0], Accepted)
    (received,) = [each for each in server.received if len(each.content) > 1_000_000]
    assert enclosed(received.content) == [("video.mp4", "video/mp4", content_of(large))] * 2
    assert len(server.received) == 7
    assert f"SIZE={len(received.content)}" in received.mail_options


async def test_what_grows_above_the_servers_size_is_too_large() -> None:
    content = b"x" * 90_000  # fits as it is, not as Base64
    async with real_server(data_size_limit=100_000) as server, smtp_provider(server.port) as provider:
        refused = await outcome(provider, message(files=(file_of("brev.pdf", "application/pdf", content),)))
        taken = await outcome(provider, message(files=(file_of("brev.pdf", "application/pdf", content[:70_000]),)))
    assert isinstance(refused, Settled)
    assert refused.result is Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE
    assert isinstance(taken, Accepted)
    assert len(server.received) == 1


async def test_a_server_that_finds_it_too_large_itself_is_believed() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        server.refusals[("DATA", "kari@")] = "552 5.3.4 Message too big for system"
        refused = await outcome(provider, message(files=FILES))
    assert isinstance(refused, Settled)
    assert refused.result is Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE


async def test_a_connection_lost_before_the_content_leaves_the_files_to_another_try() -> None:
    async with real_server() as server, smtp_provider(server.port) as provider:
        server.refusals[("RCPT", "kari@")] = DROP
        assert isinstance(await outcome(provider, message(files=FILES)), Transient)
        server.refusals.clear()
        assert isinstance(await outcome(provider, message(files=FILES)), Accepted)
    assert len(enclosed(server.received[0].content)) == 2
