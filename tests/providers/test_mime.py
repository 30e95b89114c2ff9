"""Messages read back by the standard library say what was put in, and stay within the rules."""

import email
import email.policy
import re
import string
from datetime import UTC, datetime
from email.message import EmailMessage as StdlibMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.files import file_of
from varsel.channels.base64_lines import PIECE, Base64Lines, lines_of
from varsel.channels.html_text import html_to_text
from varsel.channels.mime import MAX_LINE, Template, Templates, attachment, date_header, template
from varsel.channels.protocol import File
from varsel.model.orders import ContentType

DATE = date_header(datetime(2026, 1, 1, 12, 30, 5, tzinfo=UTC))
# Text as people write it: no lone surrogates; the reader under test joins its lines at more characters than we do.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)


def written(ready: Template, *files: File) -> bytes:
    return b"".join(ready.addressed("kari@example.no", "id@example.com", DATE, files))


def read(raw: bytes) -> StdlibMessage:
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


def plain(body: str, *, subject: str = "Et brev", eight_bit: bool = True) -> bytes:
    return written(template("noreply@example.com", subject, body, ContentType.Plain, eight_bit=eight_bit))


def html(body: str, *, alone: bool = False) -> bytes:
    ready = template("noreply@example.com", "Et brev", body, ContentType.Html, eight_bit=True, html_alone=alone)
    return written(ready)


def normal(text: str) -> str:
    return re.sub(r"\r\n|\r|\n", "\n", text).rstrip("\n")


def assert_within_the_rules(raw: bytes, *, eight_bit: bool) -> None:
    assert max(map(len, raw.split(b"\r\n"))) <= MAX_LINE
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
    assert eight_bit or raw.isascii()


def test_a_message_carries_its_headers_once() -> None:
    message = read(plain("Hei"))
    assert message.items() == [
        ("From", "noreply@example.com"),
        ("To", "kari@example.no"),
        ("Message-ID", "<id@example.com>"),
        ("Date", "Thu, 01 Jan 2026 12:30:05 +0000"),
        ("Subject", "Et brev"),
        ("MIME-Version", "1.0"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
    ]
    assert not message.defects


@given(TEXT, st.booleans())
def test_bodies_read_back_as_written(body: str, eight_bit: bool) -> None:
    raw = plain(body, eight_bit=eight_bit)
    assert_within_the_rules(raw, eight_bit=eight_bit)
    assert normal(read(raw).get_content()) == normal(body)


@given(LINE)
def test_subjects_read_back_as_written(subject: str) -> None:
    raw = plain("Hei", subject=subject)
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert read(raw)["Subject"] == subject.strip()


@given(st.text(st.sampled_from("ab \r\n\t:=?æ\x00\x85\u2028"), max_size=100))
def test_no_subject_starts_a_header(subject: str) -> None:
    raw = plain("Hei", subject=f"{subject}\r\nBcc: ola@example.no\r\n\r\nBody")
    message = read(raw)
    assert message["Bcc"] is None
    assert message.get_content() == "Hei\r\n"
    assert len(message.items()) == 9


@pytest.mark.parametrize("word", ["a" * 300, "=?utf-8?B?aGVp?=", "two  blanks", "ordinary words " * 20])
def test_difficult_ascii_subjects(word: str) -> None:
    assert read(plain("Hei", subject=word))["Subject"] == word.strip()


@pytest.mark.parametrize(
    ("body", "eight_bit", "encoding"),
    [
        ("Hei", False, "7bit"),
        ("Blåbær", True, "8bit"),
        ("Blåbær og litt mer", False, "quoted-printable"),
        ("x" * 999, True, "quoted-printable"),
        ("日本語" * 50, False, "base64"),
        ("nul\x00", True, "quoted-printable"),
    ],
)
def test_the_plainest_encoding_that_fits(body: str, eight_bit: bool, encoding: str) -> None:
    message = read(plain(body, eight_bit=eight_bit))
    assert message["Content-Transfer-Encoding"] == encoding
    assert normal(message.get_content()) == body


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_quoted_printable_lines_have_76_characters_at_most(blank: str) -> None:
    """A blank at the end of a line takes three characters, wherever the line had to be broken (RFC 2045 6.7)."""
    for length in range(60, 90):
        for filler in ("x", "å", "=", ".", "€", blank):
            body = f"{'x' * length}å{filler}{blank}\nog mer"
            message = read(plain(body, eight_bit=False))
            assert message["Content-Transfer-Encoding"] == "quoted-printable"
            assert max(map(len, str(message.get_payload()).split("\r\n"))) <= 76
            assert normal(message.get_content()) == body


QUOTED = st.text(st.sampled_from("aaaaaaaaaaaaaaaaaaaab .=\t\nå€"), max_size=400)


@settings(deadline=None)
@given(QUOTED)
def test_any_quoted_printable_reads_back_and_has_short_lines(body: str) -> None:
    message = read(plain(body + "\x01å", eight_bit=False))
    if message["Content-Transfer-Encoding"] == "quoted-printable":
        assert max(map(len, str(message.get_payload()).split("\r\n"))) <= 76
    assert normal(message.get_content()) == normal(body + "\x01å")


@given(TEXT)
def test_html_and_its_plain_part(body: str) -> None:
    raw = html(body)
    assert_within_the_rules(raw, eight_bit=True)
    message = read(raw)
    assert message.get_content_type() == "multipart/alternative"
    first, second = message.iter_parts()
    assert (first.get_content_type(), second.get_content_type()) == ("text/plain", "text/html")
    assert normal(first.get_content()) == normal(html_to_text(body))
    assert normal(second.get_content()) == normal(body)


def test_html_alone() -> None:
    message = read(html("<p>Hei</p>", alone=True))
    assert message.get_content_type() == "text/html"
    assert message.get_content() == "<p>Hei</p>\r\n"


FILENAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=120)


@given(FILENAMES, st.binary(max_size=300))
def test_attachments_read_back_as_written(filename: str, content: bytes) -> None:
    ready = template("noreply@example.com", "Et brev", "<p>Hei</p>", ContentType.Html, eight_bit=True)
    raw = written(ready, file_of(filename, "application/pdf", content))
    assert_within_the_rules(raw, eight_bit=True)
    message = read(raw)
    assert message.get_content_type() == "multipart/mixed"
    text, enclosed = message.iter_parts()
    assert text.get_content_type() == "multipart/alternative"
    assert enclosed.get_content_disposition() == "attachment"
    assert enclosed.get_filename() == filename
    assert enclosed.get_content_type() == "application/pdf"
    assert enclosed.get_payload(decode=True) == content


@given(st.binary(max_size=300), FILENAMES)
def test_no_line_of_an_attachment_begins_with_a_dot_or_a_hyphen(content: bytes, filename: str) -> None:
    raw = b"".join(attachment(file_of(f"--{filename}\r\n.pdf", "application/pdf", content)))
    assert not re.search(rb"^[.-]", raw, re.MULTILINE)


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 1024 - 1, 57 * 1024, 57 * 1024 + 1, 200_000])
def test_a_large_attachment_is_one_run_of_base64(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    ready = template("noreply@example.com", "Et brev", "Hei", ContentType.Plain, eight_bit=True)
    raw = written(ready, file_of("brev.pdf", "application/pdf", content[:size]))
    _, enclosed = read(raw).iter_parts()
    assert enclosed.get_payload(decode=True) == content[:size]
    assert {len(line) for line in str(enclosed.get_payload()).split()[:-1]} <= {76}


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(0, 2 * PIECE))
def test_content_is_encoded_alike_however_it_arrives(chunks: list[bytes], size: int) -> None:
    chunks = [*chunks, bytes(size), *chunks]
    encoded = Base64Lines()
    for chunk in chunks:
        encoded.take(chunk)
    whole = b"".join(chunks)
    assert encoded.size == len(whole)
    assert b"".join(encoded.finish()) == lines_of(whole)


def test_several_attachments_keep_their_order() -> None:
    files = [file_of(f"{number}.txt", "text/plain", b"%d" % number) for number in range(3)]
    ready = template("noreply@example.com", "Et brev", "Hei\n", ContentType.Plain, eight_bit=True)
    text, *enclosed = read(written(ready, *files)).iter_parts()
    assert normal(text.get_content()) == "Hei"
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in enclosed] == [
        ("0.txt", b"0"),
        ("1.txt", b"1"),
        ("2.txt", b"2"),
    ]


@pytest.mark.parametrize("mime_type", ["nonsense", "text/plain\r\nBcc: x", "message/rfc822", ""])
def test_a_mime_type_that_cannot_be_is_octets(mime_type: str) -> None:
    ready = template("noreply@example.com", "Et brev", "Hei", ContentType.Plain, eight_bit=True)
    _, enclosed = read(written(ready, file_of('a"b\\c\r\n.pdf', mime_type, b"x"))).iter_parts()
    assert enclosed.get_content_type() == "application/octet-stream"
    assert enclosed.get_filename() == 'a"b\\c .pdf'


def test_a_text_is_encoded_once_for_all_its_recipients() -> None:
    finished: list[bytes] = []

    def finish(content: bytes) -> bytes:
        finished.append(content)
        return content

    templates = Templates(finish=finish)
    text = ("noreply@example.com", "Et brev", "Hei", ContentType.Plain)
    assert templates.of(*text, eight_bit=True) is templates.of(*text, eight_bit=True)
    assert templates.of(*text, eight_bit=False) is not templates.of(*text, eight_bit=True)
    assert len(finished) == 2


def test_large_texts_do_not_pile_up() -> None:
    templates = Templates(size=100_000)
    large = [("noreply@example.com", str(number), "Hei " * 10_000, ContentType.Plain) for number in range(3)]
    first = [templates.of(*text, eight_bit=True) for text in large]
    assert templates.of(*large[2], eight_bit=True) is first[2], "the recipients of one order follow one another"
    assert templates.of(*large[0], eight_bit=True) is not first[0]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hei", "Hei"),
        ("<p>Hei</p><p>Kari &amp; Ola</p>", "Hei\n\nKari & Ola"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("  much \n  white   space ", "much white space"),
        ("<b>no</b>gap, <i>a</i> gap", "nogap, a gap"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<ol><li>one<li>two</ol>after", "1. one\n2. two\n\nafter"),
        ("<ul><li>one<ul><li>inner</li></ul></li></ul>", "- one\n  - inner"),
        ('<a href="https://example.no/a?b=1&amp;c=2">here</a>', "here (https://example.no/a?b=1&c=2)"),
        ("<a href='https://example.no'>https://example.no</a>", "https://example.no"),
        ("<a href='mailto:post@example.no'>post@example.no</a>", "post@example.no"),
        ("<a href='#top'>top</a>", "top"),
        ("<a href=\"javascript:alert('x')\">click</a>", "click"),
        ('<img src="x.png" alt="Logo">', "Logo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<style>p > a { color: red }</style><script>if (a < b) {}</script>Hei", "Hei"),
        ("<html><head><title>T</title></head><body>Hei</body></html>", "Hei"),
        ("<!-- <p>hidden</p> -->Hei<!DOCTYPE html>", "Hei"),
        ("<pre>one\n  two</pre>", "one\n  two"),
        ("a<hr>b", "a\n\n" + "-" * 40 + "\n\nb"),
        ('<p title="a > b">Hei</p>', "Hei"),
        ("<p title=it's>Hei</p>", "Hei"),
        ("1 < 2 &lt;b&gt;", "1 < 2 <b>"),
        ("Hei <!-- unclosed", "Hei"),
        ("", ""),
    ],
)
def test_html_becomes_readable_text(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("&#" + "1" * 4_301 + ";", "\ufffd"),
        ("&#" + "9" * 1_000_000, "\ufffd"),
        ("&#x" + "f" * 1_000_000 + ";", "\ufffd"),
        ("&#" + "0" * 5_000 + "65;", "A"),
        ("&#" + "0" * 5_000 + ";", "\ufffd"),
        ("&#1114112;", "\ufffd"),
        ("&#0001114111;", ""),  # no character, and none to stand for it
        ("&#00000229;", "å"),
    ],
)
def test_a_character_reference_may_have_any_number_of_digits(reference: str, text: str) -> None:
    assert html_to_text(f"<p>{reference}</p>") == text
    assert html_to_text(f'<img alt="{reference}">') == text


@given(st.text(st.sampled_from("<>!-/\"'= &;#abp\n" + string.ascii_lowercase), max_size=400))
def test_no_html_is_too_broken(source: str) -> None:
    assert not re.search(r"\n{4,}", html_to_text(source)) or "<pre" in source
