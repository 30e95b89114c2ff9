"""Composed e-mails: attachments and their addresses (api.md 3.10; checklist 6.3, POST composed-email)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.future_bodies import ATTACHMENT, COMPOSED, changed, future_errors, keys
from varsel.intake.wire_future import AZURE_BLOBS, ComposedRequest
from varsel.intake.wire_future.attachments import MIME_TYPES

HOST = "https://ttdfiles.blob.core.windows.net/out/decision.pdf"
SIGNED = {"sv": "2024-11-04", "se": "2026-05-05T12:00:00Z", "sr": "b", "sp": "r", "sig": "abc="}


def with_attachments(*attachments: Any) -> dict[str, Any]:
    return changed(COMPOSED, "recipient.emailSettings.attachments", list(attachments))


def keys_of(hosts: tuple[str, ...] = AZURE_BLOBS, **members: Any) -> set[str]:
    """Return the keys of the errors of one attachment, without their common beginning."""
    beginning = "Recipient.Settings.Attachments[0]"
    found = set(future_errors(ComposedRequest, with_attachments(ATTACHMENT | members), attachment_hosts=hosts))
    assert all(key.startswith(beginning) for key in found)
    return {key.removeprefix(beginning).removeprefix(".") for key in found}


def address(base: str = HOST, **query: str | None) -> str:
    """Return a pre-signed address; None takes a parameter out."""
    return f"{base}?{urlencode({name: value for name, value in {**SIGNED, **query}.items() if value is not None})}"


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_any_number_of_attachments(count: int) -> None:
    assert keys(ComposedRequest, with_attachments(*[ATTACHMENT] * count)) == set()


def test_a_null_attachment() -> None:
    spoilt = ATTACHMENT | {"filename": "x"}
    assert keys(ComposedRequest, with_attachments(ATTACHMENT, None, spoilt)) == {
        "Recipient.Settings.Attachments[1]",
        "Recipient.Settings.Attachments[2].Filename",
    }


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("decision.pdf", True),
        (".pdf", True),
        ("a.b.c", True),
        ("vedtak æøå 1.pdf", True),
        ("decision", False),
        ("decision.", False),
        ("decision.pdf.", False),
        (".", False),
        ("a/b.pdf", False),
        ("a\\b.pdf", False),
        ("a.p/df", False),
    ],
)
def test_file_names_have_an_extension_and_no_path(name: str, accepted: bool) -> None:
    assert keys_of(filename=name) == (set() if accepted else {"Filename"})


def test_60_types_are_allowed() -> None:
    assert len(MIME_TYPES) == len(set(MIME_TYPES)) == 60


@pytest.mark.parametrize("name", [*MIME_TYPES, "APPLICATION/PDF", "application/vnd.ms-excel.sheet.MACROENABLED.12"])
def test_allowed_types_in_any_case(name: str) -> None:
    assert keys_of(mimeType=name) == set()


@pytest.mark.parametrize(
    "name",
    ["image/jpg", "text/html", "application/octet-stream", "text/plain; charset=utf-8", " text/plain", "pdf", "text/*"],
)
def test_other_types(name: str) -> None:
    assert keys_of(mimeType=name) == {"MimeType"}


UNESCAPED_PLUS = "?se=2026-05-05T12:00:00+02:00&sp=r&sig=x&sr=b"
"""A plus sign in a query is a blank."""

FIRST_LINE = ["", " ", "out/decision.pdf", "/out/decision.pdf", address(HOST.replace("https", "http")), "ftp://a/b"]
SECOND_LINE = [
    address("https://example.com/out/decision.pdf"),
    address("https://blob.core.windows.net/x"),
    address("https://ttdfiles.blob.core.windows.net.example.com/x"),
    address("https://ttdfiles.blob.core.windows.net@example.com/x"),
    address("https://example.com/.blob.core.windows.net"),
    address("https://127.0.0.1/x"),
]
THIRD_LINE = [
    HOST,
    address(se=None),
    address(se=" "),
    address(sp=None),
    address(sp=""),
    address(sig=None),
    address(sig=" "),
    address(sr=None),
    address(sr="c"),
    address(sr=""),
    address() + "&sr=b",
    address() + "&x=1" * 200,
]
FOURTH_LINE = [address(se="soon"), address(sp="w"), address(sp="R"), address(se="30/05/2026"), HOST + UNESCAPED_PLUS]


@pytest.mark.parametrize("url", [*FIRST_LINE, *SECOND_LINE, *THIRD_LINE, *FOURTH_LINE])
def test_unacceptable_addresses(url: str) -> None:
    assert keys_of(sasUrl=url) == {"SasUrl"}


def messages(url: str) -> list[str]:
    found = future_errors(ComposedRequest, with_attachments(ATTACHMENT | {"sasUrl": url}))
    return found["Recipient.Settings.Attachments[0].SasUrl"]


@pytest.mark.parametrize("lines", [FIRST_LINE, SECOND_LINE, THIRD_LINE])
def test_the_first_failing_line_is_the_only_one_told(lines: list[str]) -> None:
    assert len({message for url in lines for message in messages(url)}) == 1


def test_lines_are_checked_in_their_sequence() -> None:
    wrong = {"sr": "c", "se": "soon", "sp": "w"}
    told = [
        messages(address("http://example.com/x", **wrong)),
        messages(address("https://example.com/x", **wrong)),
        messages(address(**wrong)),
        messages(address(se="soon", sp="w")),
    ]
    assert [len(line) for line in told] == [1, 1, 1, 2]
    assert len({message for line in told for message in line}) == 5


@pytest.mark.parametrize(
    "url",
    [
        address(),
        address(HOST.replace("ttdfiles.blob", "TTDfiles.BLOB")),
        address(sr="B", sp="racwd"),
        address(se="2026-05-05"),
        address(se="2026-05-05T12:00Z"),
        address(se="2026-05-05T12:00:00.1234567+02:00"),
        address(se="2026-05-05T12:00:00"),
        address(se="05/05/2026 12:00 PM"),
        address(se="Tue, 05 May 2026 12:00:00 GMT"),
        address(se="\t2026-05-05 "),
        HOST + "?SE=2026-05-05&Sp=r&SIG=x&sR=B",
        address("https://ttdfiles.blob.core.windows.net:443/out/med mellomrom æ.pdf"),
    ],
)
def test_acceptable_addresses(url: str) -> None:
    assert keys_of(sasUrl=url) == set()


@pytest.mark.parametrize(
    ("expiry", "accepted"),
    [
        ("2026-05-04T12:15:00Z", True),
        ("2026-05-04T14:15:00+02:00", True),
        ("2026-05-04T12:15:00", True),
        ("2026-05-04T12:14:59.9999999Z", False),
        ("2026-05-04T12:14:59Z", False),
        ("2026-05-04", False),
        ("2026/05/04 12:15z", True),
        ("2026/05/04 12:14 -00:00", False),
        ("May 4 2026 2:15 PM +0200", True),
        ("May 4 2026 2:14 PM +0200", False),
        ("12:15Z", True),
        ("12:14", False),
        ("0001-01-01", False),
    ],
)
def test_an_address_outlives_the_send_time_by_15_minutes(expiry: str, accepted: bool) -> None:
    assert keys_of(sasUrl=address(se=expiry)) == (set() if accepted else {""})


def test_the_expiry_is_counted_from_the_send_time_to_100_ns() -> None:
    document = changed(COMPOSED, "requestedSendTime", "2026-05-04T12:00:00.0000002Z")
    for expiry, accepted in (("2026-05-04T12:15:00.0000002Z", True), ("2026-05-04T12:15:00.0000001Z", False)):
        url = address(se=expiry)
        found = keys(ComposedRequest, changed(document, "recipient.emailSettings.attachments[0].sasUrl", url))
        assert found == (set() if accepted else {"Recipient.Settings.Attachments[0]"})


def test_without_a_send_time_it_is_counted_from_now() -> None:
    document = {name: value for name, value in COMPOSED.items() if name != "requestedSendTime"}
    for expiry, accepted in (("2026-05-04T09:15:00Z", True), ("2026-05-04T09:14:59Z", False)):
        url = address(se=expiry)
        found = keys(ComposedRequest, changed(document, "recipient.emailSettings.attachments[0].sasUrl", url))
        assert found == (set() if accepted else {"Recipient.Settings.Attachments[0]"})


def test_the_expiry_is_judged_whatever_else_is_wrong_with_the_address() -> None:
    assert keys_of(sasUrl=address("http://example.com/x", se="2026-05-04", sr="c")) == {"SasUrl", ""}


def test_a_send_time_at_the_calendar_s_end() -> None:
    document = changed(COMPOSED, "requestedSendTime", "9999-12-31T23:59:59Z")
    assert keys(ComposedRequest, document) == {"Recipient.Settings.Attachments[0]"}


HOSTS = (*AZURE_BLOBS, ".blobs.example.no", "files.example.no", "127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize(
    "base",
    [
        HOST,
        "https://ttd.blobs.example.no/x",
        "https://files.example.no/x",
        "https://127.0.0.1:8443/x",
        "http://127.0.0.1:8080/x",
        "http://localhost:8080/x",
        "http://[::1]:8080/x",
    ],
)
def test_a_setting_may_allow_further_hosts_on_this_machine_by_http_too(base: str) -> None:
    assert keys_of(HOSTS, sasUrl=address(base)) == set()


@pytest.mark.parametrize(
    "base",
    [
        "http://files.example.no/x",
        "http://ttd.blobs.example.no/x",
        "http://127.0.0.2/x",
        "https://127.0.0.2/x",
        "https://my.files.example.no/x",
        "https://blobs.example.no/x",
        "https://notlocalhost/x",
    ],
)
def test_no_others_than_those(base: str) -> None:
    assert keys_of(HOSTS, sasUrl=address(base)) == {"SasUrl"}


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/x", "http://localhost/x", "https://localhost/x"])
def test_this_machine_must_be_allowed_by_name(base: str) -> None:
    assert keys_of(sasUrl=address(base)) == {"SasUrl"}


def test_the_e_mail_itself_is_held_to_its_rules() -> None:
    document = changed(COMPOSED, "recipient.emailAddress", "x")
    document = changed(document, "recipient.emailSettings.senderEmailAddress", "")
    document = changed(document, "recipient.emailSettings.sendingTimePolicy", "Daytime")
    assert keys(ComposedRequest, document) == {
        "Recipient.EmailAddress",
        "Recipient.Settings.SenderEmailAddress",
        "Recipient.Settings.SendingTimePolicy",
    }


@pytest.mark.parametrize(
    ("moment", "accepted"), [("2026-05-04T09:00:00Z", True), ("2026-05-04T08:59:59Z", False), ("2026-05-05", False)]
)
def test_the_send_time(moment: str, accepted: bool) -> None:
    found = keys(ComposedRequest, changed(COMPOSED, "requestedSendTime", moment))
    assert found == (set() if accepted else {"RequestedSendTime"})
