"""The request's XML: what the gateway is told, byte for byte where it matters."""

from datetime import timedelta
from uuid import UUID

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from varsel.channels.protocol import SmsMessage
from varsel.channels.sms_link import LinkSettings
from varsel.channels.sms_link.session_xml import minutes, receiver, write_session


def sms(body: str = "Hello", recipient: str = "+4799999999", ttl: timedelta = timedelta(hours=48)) -> SmsMessage:
    return SmsMessage(UUID(int=1), recipient, "Altinn", body, ttl)


def settings(**fields: object) -> LinkSettings:
    return LinkSettings(**{"username": "user", "password": "p&ss", **fields})  # type: ignore[arg-type]  # fields vary by test


def text_in(document: bytes) -> str:
    return str(fromstring(document).findtext(".//TEXT") or "")


def test_elements_stand_in_the_documented_order() -> None:
    assert write_session([sms()], settings()).decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<SESSION><CLIENT>user</CLIENT><PW>p&amp;ss</PW><MSGLST><MSG><ID>1</ID><TEXT>Hello</TEXT><SND>Altinn</SND>"
        "<RCV>4799999999</RCV><TTL>2880</TTL></MSG></MSGLST></SESSION>"
    )


def test_messages_are_numbered_from_one() -> None:
    root = fromstring(write_session([sms("a"), sms("b"), sms("c")], settings()))
    assert [(m.findtext("ID"), m.findtext("TEXT")) for m in root.iter("MSG")] == [("1", "a"), ("2", "b"), ("3", "c")]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 1), (1, 1), (29, 1), (60, 1), (60.5, 2), (61, 2), (90, 2), (172_800, 2880)]
)
def test_time_to_live_is_whole_minutes_rounded_up(seconds: float, expected: int) -> None:
    assert minutes(timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("number", "digits", "plus"),
    [
        ("+4799999999", "4799999999", "+4799999999"),
        ("004799999999", "4799999999", "+4799999999"),
        ("+47 999 99 999", "4799999999", "+4799999999"),
        ("00 47 99 99 99 99", "4799999999", "+4799999999"),
        ("+47-999 (99).999", "4799999999", "+4799999999"),
        ("+44 (0)7911 123456", "447911123456", "+447911123456"),
        ("+47\u00ad99\u00ad999999", "4799999999", "+4799999999"),
        ("+47 99\u200b999999\u2060", "4799999999", "+4799999999"),
        ("+47\u2013999\u2013999\u201399", "4799999999", "+4799999999"),
        ("+4799999999 ext. 5", "4799999999", "+4799999999"),
        ("+1 800 FLOWERS", "18003569377", "+18003569377"),
        (" +4799999999 ", "4799999999", "+4799999999"),
        ("+47\uff19\uff19999999", "4799999999", "+4799999999"),
        ("4799999999", "4799999999", "4799999999"),
        ("+4799999999;ext=5", "4799999999", "+4799999999"),
        ("+4712345678", "4712345678", "+4712345678"),
        ("+47 12 34 56 78", "+47 12 34 56 78", "+47 12 34 56 78"),
        ("kari", "kari", "kari"),
    ],
)
def test_receiver(number: str, digits: str, plus: str) -> None:
    assert receiver(number, plus=False) == digits
    assert receiver(number, plus=True) == plus


def test_receiver_format_is_a_setting() -> None:
    assert b"<RCV>+4799999999</RCV>" in write_session([sms()], settings(receiver_format="plus"))


def test_utf8_is_declared_and_written() -> None:
    assert "<TEXT>Blåbær \U0001f353</TEXT>".encode() in write_session([sms("Blåbær \U0001f353")], settings())


def test_latin_1_writes_what_it_lacks_as_references() -> None:
    document = write_session([sms("Blåbær € \U0001f353")], settings(charset="iso-8859-1"))
    assert document.startswith(b'<?xml version="1.0" encoding="iso-8859-1"?>\n')
    assert b"<TEXT>Bl\xe5b\xe6r &#8364; &#127827;</TEXT>" in document
    assert text_in(document) == "Blåbær € \U0001f353"


def test_markup_in_a_text_stays_text() -> None:
    trick = "</TEXT><RCV>4711111111</RCV>&amp;]]>"
    document = write_session([sms(trick)], settings())
    assert text_in(document) == trick
    assert len(list(fromstring(document).iter("RCV"))) == 1


def test_characters_xml_forbids_are_left_out() -> None:
    assert text_in(write_session([sms("a\x00\x0b\x1b\ud800\ufffeb\tc\nd")], settings())) == "ab\tc\nd"


@given(st.text(alphabet=st.characters(codec=None)), st.sampled_from(["utf-8", "iso-8859-1"]))
def test_any_text_makes_a_readable_request(body: str, charset: str) -> None:
    document = write_session([sms(body)], settings(charset=charset))
    assert fromstring(document).findtext(".//RCV") == "4799999999"


def test_plain_text_always_unless_unicode_is_wanted() -> None:
    assert b"<OP>" not in write_session([sms("Привет")], settings())


def test_unicode_goes_as_hexadecimal_when_the_alphabet_does_not_suffice() -> None:
    document = write_session([sms("Ж\U0001f353"), sms("Blåbær €")], settings(unicode="auto"))
    foreign, norwegian = fromstring(document).iter("MSG")
    assert [child.tag for child in foreign] == ["ID", "TEXT", "SND", "RCV", "OP", "TTL"]
    assert (foreign.findtext("OP"), foreign.findtext("TEXT")) == ("9", "0416D83CDF53")
    assert (norwegian.find("OP"), norwegian.findtext("TEXT")) == (None, "Blåbær €")
