"""Addresses and content as SMTP wants them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.channels.email_smtp.addresses import mailbox, original_recipient, xtext
from varsel.channels.email_smtp.draft import transparent


@pytest.mark.parametrize(
    ("address", "ready"),
    [
        ("kari@example.no", "kari@example.no"),
        (" padded@example.com ", "padded@example.com"),
        ("gratis-netflix+1@gmail.com", "gratis-netflix+1@gmail.com"),
        ("æge_sjøåsen@domain.com", "æge_sjøåsen@domain.com"),
        ("kari@BLÅBÆR.example.no", "kari@xn--blbr-roah.example.no"),
        ("semi;colon@example.no", '"semi;colon"@example.no'),
        ("kari@192.0.2.1", "kari@[192.0.2.1]"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_what_the_interface_accepts_can_be_sent_to(address: str, ready: str) -> None:
    assert mailbox(address) == ready


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kari",
        "@example.no",
        "kari@",
        ".user@example.com",
        "user@example..com",
        "user@exa!mple.com",
        "user@-example.com",
        "kari nordmann@example.no",
        "kari@example.no\r\nRCPT",
        "Kari <kari@example.no>",
        '"kari"@example.no',
        "kari\x00@example.no",
        "kari@999.0.2.1",
        "x" * 65 + "@example.no",
        "ø" * 33 + "@example.no",
        "x@" + ".".join(["y" * 60] * 5),
        "kari@" + "å" * 70 + ".no",
        "kari@å..no",
    ],
)
def test_what_no_server_could_understand_is_told(address: str) -> None:
    assert mailbox(address) is None


@given(st.text(max_size=80))
def test_an_address_never_breaks_its_brackets(text: str) -> None:
    ready = mailbox(f"{text}@example.no")
    assert ready is None or not re.search(r"[\x00-\x20<>\x7f]", ready)


def test_xtext_vector() -> None:
    assert xtext("kari+a=b c@example.no") == "kari+2Ba+3Db+20c@example.no"  # integrations.md 12


def test_original_recipient_outside_ascii() -> None:
    assert original_recipient("kari@example.no") == "rfc822;kari@example.no"
    assert original_recipient("bjørn+a@example.no") == r"utf-8;bjørn\x{2B}a@example.no"


def received(wire: bytes) -> bytes:
    """Undo transparency as a server does (RFC 5321 section 4.5.2)."""
    return b"".join(line.removeprefix(b".") for line in wire.splitlines(keepends=True))


PIECES = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\r\n.\r\n", b"\xc3\xa6"]), max_size=30)


@given(PIECES.map(b"".join))
def test_content_cannot_end_itself(content: bytes) -> None:
    wire = transparent(content)
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire)
    assert wire.endswith(b"\r\n")
    lines = re.split(rb"\r\n|\r|\n", content)
    expected = b"\r\n".join(lines if lines[-1] == b"" and len(lines) > 1 else [*lines, b""])
    assert received(wire) == expected
