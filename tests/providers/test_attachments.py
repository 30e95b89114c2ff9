"""E-mails with attachments: fetched over real HTTP through the guard, all or nothing, before anything is sent."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.blob_store import SIGNATURE, BlobStore, Does, loopback_fetching
from tests.support.condition_endpoint import Says
from tests.support.files import content_of, file_of
from tests.support.providers import HeldProvider, ScriptedProvider
from tests.support.smtp_sending import message
from varsel.channels.attachments import AttachingProvider, AttachmentLimits, BeginFetching, Take
from varsel.channels.protocol import Accepted, Capabilities, EmailMessage, Outcome, Settled, Transient
from varsel.model.clock import HandTurnedClock
from varsel.model.orders import Attachment
from varsel.model.results import Result

TAKEN = Accepted("reference")
TINY = timedelta(milliseconds=50)
INVALID = Result.EMAIL_FAILED_INVALID_SAS_URL
TOO_LARGE = Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE


@pytest.fixture
async def store() -> AsyncIterator[BlobStore]:
    async with BlobStore() as running:
        yield running


@pytest.fixture
def sender() -> ScriptedProvider:
    return ScriptedProvider(lambda _: TAKEN)


async def outcomes(provider: AttachingProvider, messages: Sequence[EmailMessage]) -> list[Outcome]:
    settled: dict[int, Outcome] = {}

    def settle(position: int, outcome: Outcome) -> None:
        assert position not in settled
        settled[position] = outcome

    await provider.send(messages, settle)
    return [settled[position] for position in range(len(messages))]


async def outcome(
    sender: ScriptedProvider,
    *attachments: Attachment,
    fetching: BeginFetching | None = None,
    limits: AttachmentLimits | None = None,
) -> Outcome:
    """Send one e-mail with these attachments."""
    provider = AttachingProvider(sender, fetching or loopback_fetching(), limits or AttachmentLimits())
    (only,) = await outcomes(provider, [message(attachments=attachments)])
    return only


async def test_files_arrive_whole_in_the_order_of_the_attachments(store: BlobStore, sender: ScriptedProvider) -> None:
    contents = {
        "vedtak.pdf": b"%PDF" + bytes(range(256)) * 1000,
        "blåbær på tå (kopi).txt": "æøå".encode(),
        "tom.csv": b"",
    }
    attachments = [Attachment(name, "text/plain", store.put(name, content)) for name, content in contents.items()]

    assert await outcome(sender, *attachments) == TAKEN

    (sent,) = sender.taken
    assert sent == message(files=tuple(file_of(name, "text/plain", content) for name, content in contents.items()))


async def test_an_email_without_attachments_passes_through(sender: ScriptedProvider) -> None:
    assert await outcome(sender) == TAKEN
    assert sender.taken == [message()]


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 409, 410, 412, 416])
async def test_an_address_that_answers_no_is_final(store: BlobStore, sender: ScriptedProvider, status: int) -> None:
    refused = store.attachment("brev.pdf", b"", Says(status))
    assert await outcome(sender, refused) == Settled(INVALID, f"an attachment's address answered {status}")
    assert not sender.taken


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_store_in_trouble_is_tried_again(store: BlobStore, sender: ScriptedProvider, status: int) -> None:
    attachment = store.attachment("brev.pdf", b"content", Says(status))
    assert await outcome(sender, attachment) == Transient(f"an attachment's address answered {status}")
    assert not sender.taken
    assert await outcome(sender, attachment) == TAKEN


async def test_a_wrong_signature_and_a_missing_blob_are_final(store: BlobStore, sender: ScriptedProvider) -> None:
    forged = Attachment("brev.pdf", "application/pdf", store.put("brev.pdf").replace("sig=", "sig=x"))
    vanished = store.attachment("borte.pdf")
    store.remove("borte.pdf")
    assert await outcome(sender, forged) == Settled(INVALID, "an attachment's address answered 403")
    assert await outcome(sender, vanished) == Settled(INVALID, "an attachment's address answered 404")


@pytest.mark.parametrize("deed", [Does.DROP, Does.BREAK_OFF])
async def test_a_broken_connection_is_tried_again(store: BlobStore, sender: ScriptedProvider, deed: Does) -> None:
    attachment = store.attachment("brev.pdf", b"content", deed)
    assert isinstance(await outcome(sender, attachment), Transient)
    assert await outcome(sender, attachment) == TAKEN


async def test_nobody_listening_is_tried_again(sender: ScriptedProvider) -> None:
    async with BlobStore() as gone:
        attachment = gone.attachment()
    assert await outcome(sender, attachment) == Transient("http://127.0.0.1 could not be asked (ConnectError).")


async def test_a_slow_download_is_tried_again(store: BlobStore, sender: ScriptedProvider) -> None:
    slow = store.attachment("brev.pdf", b"", Does.DRIP)
    late = await outcome(sender, slow, fetching=loopback_fetching(within=TINY))
    assert late == Transient("http://127.0.0.1 did not answer in full within 0.05 s.")
    await store.wait_for(lambda: store.in_flight == 0)


async def test_all_files_of_an_email_share_a_time_limit(store: BlobStore, sender: ScriptedProvider) -> None:
    slow = store.attachment("brev.pdf", b"", Does.DRIP)
    late = await outcome(sender, slow, limits=AttachmentLimits(in_all=TINY))
    assert late == Transient("the attachments could not all be fetched within 0.05 s")
    await store.wait_for(lambda: store.in_flight == 0)


async def test_a_file_that_is_stored_compressed_is_attached_as_it_was(
    store: BlobStore, sender: ScriptedProvider
) -> None:
    content = b"%PDF-1.7 " * 1_000
    compressed = Says(200, gzip.compress(content), {"Content-Encoding": "gzip"})
    assert await outcome(sender, store.attachment("brev.pdf", b"", compressed)) == TAKEN
    (sent,) = sender.taken
    assert content_of(sent.files[0]) == content


async def test_a_gzip_file_is_attached_as_it_is(store: BlobStore, sender: ScriptedProvider) -> None:
    content = gzip.compress(b"log " * 1_000)
    address = store.put("log.gz", b"", Says(200, content, {"Content-Encoding": "gzip"}))
    assert await outcome(sender, Attachment("log.gz", "Application/GZip", address)) == TAKEN
    (sent,) = sender.taken
    assert content_of(sent.files[0]) == content


async def test_a_compressed_file_counts_with_what_it_expands_to(store: BlobStore, sender: ScriptedProvider) -> None:
    bomb = Says(200, gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"})
    refused = await outcome(sender, store.attachment("brev.pdf", b"", bomb))
    assert isinstance(refused, Settled)
    assert refused.result is TOO_LARGE


async def test_a_coding_that_is_not_known_is_final(store: BlobStore, sender: ScriptedProvider) -> None:
    unknown = Says(200, b"content", {"Content-Encoding": "br"})
    refused = await outcome(sender, store.attachment("brev.pdf", b"", unknown))
    assert isinstance(refused, Settled)
    assert refused.result is INVALID
    assert "compressed in a way that is not known" in (refused.detail or "")


@pytest.mark.parametrize("wish", ["120", "Wed, 01 Jul 2026 12:02:00 GMT"])
async def test_a_store_that_is_busy_says_when_to_come_back(
    store: BlobStore, sender: ScriptedProvider, wish: str
) -> None:
    clock = HandTurnedClock(datetime(2026, 7, 1, 12, tzinfo=UTC))
    busy = store.attachment("brev.pdf", b"", Says(503, b"", {"Retry-After": wish}))
    later = await outcome(sender, busy, fetching=loopback_fetching(clock=clock))
    assert later == Transient("an attachment's address answered 503", timedelta(minutes=2))


@pytest.mark.parametrize("wish", ["0", "Wed, 01 Jul 2020 12:02:00 GMT", "soon"])
async def test_a_wish_of_no_time_is_none(store: BlobStore, sender: ScriptedProvider, wish: str) -> None:
    busy = store.attachment("brev.pdf", b"", Says(503, b"", {"Retry-After": wish}))
    assert await outcome(sender, busy) == Transient("an attachment's address answered 503")


async def test_redirects_are_not_followed(store: BlobStore, sender: ScriptedProvider) -> None:
    elsewhere = {"Location": store.url("/latest/meta-data/")}
    assert await outcome(sender, store.attachment("brev.pdf", b"", Says(302, b"", elsewhere))) == Settled(
        INVALID, "an attachment's address answered 302"
    )
    assert len(store.received) == 1


async def test_what_the_guard_refuses_is_never_called(store: BlobStore, sender: ScriptedProvider) -> None:
    refused = await outcome(sender, store.attachment(), fetching=loopback_fetching(allowed="10.0.0.0/8"))
    assert isinstance(refused, Settled)
    assert refused.result is INVALID
    assert "loopback" in str(refused.detail)
    assert not store.received


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://127.0.0.1/brev.pdf", "https://user:pass@127.0.0.1/brev.pdf"]
)
async def test_what_is_no_address_is_final(sender: ScriptedProvider, address: str) -> None:
    refused = await outcome(sender, Attachment("brev.pdf", "application/pdf", address))
    assert isinstance(refused, Settled)
    assert refused.result is INVALID


@pytest.mark.parametrize(("size", "expected"), [(500, TAKEN), (501, None)])
async def test_files_are_counted_together(
    store: BlobStore, sender: ScriptedProvider, size: int, expected: Outcome | None
) -> None:
    attachments = [store.attachment("one.pdf", b"x" * 500), store.attachment("two.pdf", b"x" * size)]
    detail = "the attachments together are larger than VARSEL_ATTACHMENT_LIMIT allows"
    fetching = loopback_fetching(limit=1000)
    assert await outcome(sender, *attachments, fetching=fetching) == (expected or Settled(TOO_LARGE, detail))
    assert len(sender.taken) == (expected is not None)
    assert await outcome(sender, attachments[0], fetching=fetching) == TAKEN, "every e-mail has a limit of its own"


async def test_what_is_announced_too_large_is_not_read(store: BlobStore, sender: ScriptedProvider) -> None:
    announced = store.attachment("brev.pdf", b"", Says(200, b"x", {"Content-Length": "7000001"}))
    refused = await outcome(sender, announced)
    assert isinstance(refused, Settled)
    assert refused.result is TOO_LARGE


async def test_what_never_ends_is_given_up_at_the_limit(store: BlobStore, sender: ScriptedProvider) -> None:
    refused = await outcome(sender, store.attachment("brev.pdf", b"", Does.POUR))
    assert isinstance(refused, Settled)
    assert refused.result is TOO_LARGE
    await store.wait_for(lambda: store.in_flight == 0)


async def test_the_words_of_a_failure_are_neither_read_nor_counted(store: BlobStore, sender: ScriptedProvider) -> None:
    wordy = store.attachment("brev.pdf", b"", Says(404, b"x" * 5000))
    refused = await outcome(sender, wordy, fetching=loopback_fetching(limit=1000))
    assert refused == Settled(INVALID, "an attachment's address answered 404")


async def test_only_so_many_files_are_fetched_at_once(store: BlobStore, sender: ScriptedProvider) -> None:
    attachments = [store.attachment(f"{number}.pdf", b"%d" % number, Does.HOLD) for number in range(12)]
    sending = asyncio.create_task(outcome(sender, *attachments))
    await store.wait_for(lambda: store.in_flight == 5)
    store.release()
    assert await sending == TAKEN
    assert store.most_at_once == 5
    assert [content_of(file) for file in sender.taken[0].files] == [b"%d" % number for number in range(12)]


async def test_the_first_failure_ends_the_others(store: BlobStore, sender: ScriptedProvider) -> None:
    dripping = [store.attachment(f"{number}.pdf", b"", Does.DRIP) for number in range(4)]
    missing = store.attachment("borte.pdf")
    store.remove("borte.pdf")
    assert await outcome(sender, *dripping, missing) == Settled(INVALID, "an attachment's address answered 404")
    await store.wait_for(lambda: store.in_flight == 0)
    assert not sender.taken


async def test_only_so_many_emails_are_in_hand_at_once(store: BlobStore) -> None:
    held = HeldProvider()
    provider = AttachingProvider(held, loopback_fetching(), AttachmentLimits(emails=2))
    batch = [message(number=number, attachments=(store.attachment(f"{number}.pdf"),)) for number in range(4)]
    sending = [asyncio.create_task(outcomes(provider, batch[:2])), asyncio.create_task(outcomes(provider, batch[2:]))]

    await held.called(2)
    assert len(store.received) == 2, "files of others are not in memory while these are being sent"
    for call in range(4):
        held.answer(TAKEN)
        await held.called(min(3 + call, 4))

    assert await asyncio.gather(*sending) == [[TAKEN, TAKEN], [TAKEN, TAKEN]]


async def test_failures_leave_their_place_to_others(store: BlobStore, sender: ScriptedProvider) -> None:
    provider = AttachingProvider(sender, loopback_fetching(), AttachmentLimits(emails=1))
    attachments = [store.attachment(f"{n}.pdf", b"", *([Says(500)] if n % 2 else [])) for n in range(6)]
    batch = [message(number=number, attachments=(each,)) for number, each in enumerate(attachments)]
    results = await outcomes(provider, batch)
    assert [isinstance(each, Accepted) for each in results] == [True, False] * 3


async def test_what_breaks_for_one_email_does_not_end_the_others(store: BlobStore) -> None:
    def script(each: EmailMessage) -> Outcome:
        if each.to_address.startswith("bad"):
            raise RuntimeError("outside its contract")
        return TAKEN

    settled: dict[int, Outcome] = {}
    provider = AttachingProvider(ScriptedProvider(script), loopback_fetching())
    batch = [message(to, attachments=(store.attachment(),)) for to in ("bad@example.com", "kari@example.com")]
    with pytest.raises(RuntimeError, match="outside"):
        await provider.send(batch, settled.__setitem__)
    assert settled == {1: TAKEN}


async def test_the_window_is_what_may_be_in_hand(sender: ScriptedProvider) -> None:
    provider = AttachingProvider(sender, loopback_fetching(), AttachmentLimits(emails=3))
    assert provider.capabilities == Capabilities(window=3, reports=True)
    assert await provider.check() == "follows its script"


def _raises(error: Exception) -> BeginFetching:
    async def fetch(_address: str, _take: Take, *, decode: bool) -> None:
        del decode
        raise error

    return lambda: fetch  # type: ignore[return-value]  # it never returns


async def test_even_a_fault_of_ours_tells_no_address(
    store: BlobStore, sender: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    attachment = store.attachment()
    failed = await outcome(sender, attachment, fetching=_raises(ValueError(attachment.sas_url)))
    assert failed == Transient("an attachment could not be fetched (ValueError)")
    assert "ValueError" in caplog.text
    assert SIGNATURE not in caplog.text
    assert "brev.pdf" not in caplog.text


Misfortune = Callable[[BlobStore], Attachment]


@pytest.mark.parametrize(
    "misfortune",
    [
        lambda store: store.attachment("secret.pdf"),
        lambda store: store.attachment("secret.pdf", b"", Says(404)),
        lambda store: store.attachment("secret.pdf", b"", Says(503)),
        lambda store: store.attachment("secret.pdf", b"", Does.DROP),
        lambda store: store.attachment("secret.pdf", b"", Does.DRIP),
        lambda store: store.attachment("secret.pdf", b"", Does.POUR),
        lambda store: Attachment("a.pdf", "application/pdf", store.put("secret.pdf").replace("127.0.0.1", "10.0.0.1")),
        lambda store: Attachment("a.pdf", "application/pdf", store.put("secret.pdf").replace("http", "ftp")),
        lambda store: Attachment("a.pdf", "application/pdf", store.put("secret.pdf").replace("//", "//\n")),
    ],
    ids=["good", "final", "again", "dropped", "slow", "large", "refused", "scheme", "unreadable"],
)
async def test_no_address_is_told(
    store: BlobStore, sender: ScriptedProvider, caplog: pytest.LogCaptureFixture, misfortune: Misfortune
) -> None:
    caplog.set_level(logging.DEBUG)
    told = str(await outcome(sender, misfortune(store), fetching=loopback_fetching(within=timedelta(seconds=0.2))))
    for secret in (SIGNATURE, SIGNATURE.replace("=", "%3D"), "sig=", "secret.pdf", "/out/"):
        assert secret not in told
        assert secret not in caplog.text
