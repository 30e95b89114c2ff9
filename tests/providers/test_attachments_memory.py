"""What an e-mail with attachments takes of memory, from the store of blobs to the mail server."""

import asyncio
import sys
import tracemalloc
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.blob_store import loopback_fetching
from tests.support.loopback import LoopbackServer, Received
from tests.support.smtp_sending import message, smtp_provider
from varsel.channels.attachments import AttachingProvider
from varsel.channels.protocol import Accepted, Outcome
from varsel.model.orders import Attachment

FILE = 3_500_000
PIECE = b"\x00" * 50_000
"""What a store holds of a file at a time, so that what is measured is held by who fetches and sends it."""


class Stream(LoopbackServer):
    """Answers every request with a file of `FILE` bytes, made while it is sent."""

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:  # noqa: ARG002 - always the same
        """Send the file piece by piece."""
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % FILE)
        for _ in range(FILE // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()


@asynccontextmanager
async def sink_elsewhere() -> AsyncIterator[int]:
    """Run a mail server as a process of its own, whose memory is not ours; give its port."""
    arguments = ("-m", "tests.support.fast_sink", "--port", "0")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    try:
        yield int((await process.stdout.readline()).split()[1])
    finally:
        process.terminate()
        await process.communicate()


async def test_files_are_held_once_in_the_form_in_which_they_are_sent() -> None:
    """In Base64, a third larger than they are, and little beside.

    `VARSEL_ATTACHMENT_EMAILS` promises one and a half times their size. It was four times when they were held as they
    are too, and joined into the message.
    """
    settled: list[Outcome] = []
    async with Stream() as store, sink_elsewhere() as port, smtp_provider(port) as smtp:
        provider = AttachingProvider(smtp, loopback_fetching())
        attachments = tuple(Attachment(f"{name}.pdf", "application/pdf", store.url()) for name in ("one", "two"))
        composed = [message(attachments=attachments)]
        await provider.send(composed, lambda _, outcome: settled.append(outcome))  # loads what is loaded only once
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await provider.send(composed, lambda _, outcome: settled.append(outcome))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert [type(outcome) for outcome in settled] == [Accepted] * 2
    assert peak - before < 1.5 * 2 * FILE
