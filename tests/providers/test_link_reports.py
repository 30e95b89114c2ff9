"""Delivery reports: what is read, what is refused, what the gateway is answered."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.link_reports import DeliveryReport, report_body
from varsel.channels.protocol import Report
from varsel.channels.sms_link import ReportRefused, read_reports
from varsel.model.results import Result


def one(body: bytes, content_type: str | None = "application/xml", *, strict: bool = False) -> Report:
    (report,) = read_reports(body, content_type, strict_state_mapping=strict).reports
    return report


def refused(body: bytes, content_type: str | None = "application/xml") -> tuple[int, str]:
    with pytest.raises(ReportRefused) as caught:
        read_reports(body, content_type)
    return caught.value.status, str(caught.value)


def test_a_report_with_doctype() -> None:
    batch = read_reports(report_body(DeliveryReport("984342374")), "application/xml")
    (report,) = batch.reports
    assert (report.reference, report.notification_id, report.result) == ("984342374", None, Result.SMS_DELIVERED)
    assert report.at == datetime(2026, 2, 23, 14, 23, 23, tzinfo=UTC)
    assert json.loads(report.raw) == {
        "reference": "984342374",
        "receiver": "4799999999",
        "state": "DELIVRD",
        "deliveryTime": "2026.02.23 15:23:23",
        "rawState": "DELIVRD",
    }
    assert batch.answer == '<?xml version="1.0"?><MSGLST><MSG><ID>1</ID><STATUS>OK</STATUS></MSG></MSGLST>'


@pytest.mark.parametrize(
    ("word", "state", "result", "strict_state", "strict_result"),
    [
        ("DELIVRD", "DELIVRD", Result.SMS_DELIVERED, "DELIVRD", Result.SMS_DELIVERED),
        ("EXPIRED", "EXPIRED", Result.SMS_FAILED_EXPIRED, "EXPIRED", Result.SMS_FAILED_EXPIRED),
        ("DELETED", "DELETED", Result.SMS_FAILED_DELETED, "DELETED", Result.SMS_FAILED_DELETED),
        ("UNDELIV", "UNDELIV", Result.SMS_FAILED_UNDELIVERED, "UNDELIV", Result.SMS_FAILED_UNDELIVERED),
        ("REJECTD", "REJECTD", Result.SMS_FAILED_REJECTED, "REJECTD", Result.SMS_FAILED_REJECTED),
        ("FAILED", "FAILED", Result.SMS_FAILED, "FAILED", Result.SMS_FAILED),
        ("NULL", "NULL", Result.SMS_FAILED, "NULL", Result.SMS_FAILED),
        ("UNKNOWN", "UNKNOWN", Result.SMS_FAILED, "UNKNOWN", Result.SMS_FAILED),
        ("BARRED", "BARRED", Result.SMS_FAILED_BARRED_RECEIVER, "BARRED", Result.SMS_FAILED_BARRED_RECEIVER),
        ("BARREDA", "BARREDA", Result.SMS_FAILED_BARRED_RECEIVER, "BARREDA", Result.SMS_FAILED),
        ("ZEROBAL", "ZEROBAL", Result.SMS_FAILED_BARRED_RECEIVER, "ZEROBAL", Result.SMS_FAILED),
        ("BARREDT", "BARREDT", Result.SMS_FAILED_BARRED_RECEIVER, "UNKNOWN", Result.SMS_FAILED),
        ("BARREDC", "BARREDC", Result.SMS_FAILED_BARRED_RECEIVER, "UNKNOWN", Result.SMS_FAILED),
        ("BARREDP", "BARREDP", Result.SMS_FAILED_BARRED_RECEIVER, "UNKNOWN", Result.SMS_FAILED),
        ("ZERO_BAL", "ZERO_BAL", Result.SMS_FAILED_BARRED_RECEIVER, "UNKNOWN", Result.SMS_FAILED),
        ("REJECTE", "REJECTE", Result.SMS_FAILED_REJECTED, "UNKNOWN", Result.SMS_FAILED),
        ("INV_NET", "INV_NET", Result.SMS_FAILED_UNDELIVERED, "UNKNOWN", Result.SMS_FAILED),
        ("ACCEPTD", "ACCEPTD", None, "UNKNOWN", Result.SMS_FAILED),
        ("ENROUTE", "ENROUTE", None, "UNKNOWN", Result.SMS_FAILED),
        ("FORWARD", "FORWARD", None, "UNKNOWN", Result.SMS_FAILED),
        ("RETRIEV", "RETRIEV", None, "UNKNOWN", Result.SMS_FAILED),
        ("delivrd", "DELIVRD", Result.SMS_DELIVERED, "DELIVRD", Result.SMS_DELIVERED),
        ("Rejectd", "REJECTD", Result.SMS_FAILED_REJECTED, "REJECTD", Result.SMS_FAILED_REJECTED),
        ("enroute", "ENROUTE", None, "UNKNOWN", Result.SMS_FAILED),
        ("LOST", "UNKNOWN", None, "UNKNOWN", Result.SMS_FAILED),
        ("DELIVERED", "UNKNOWN", None, "UNKNOWN", Result.SMS_FAILED),
    ],
)
def test_every_state(
    word: str, state: str, result: Result | None, strict_state: str, strict_result: Result | None
) -> None:
    body = report_body(DeliveryReport("1", word))
    for strict, expected in ((False, (state, result)), (True, (strict_state, strict_result))):
        report = one(body, strict=strict)
        raw = json.loads(report.raw)
        assert (raw["state"], report.result) == expected
        assert raw["rawState"] == word


def test_all_messages_are_read_and_answered_by_their_numbers() -> None:
    body = report_body(
        DeliveryReport("r1", "DELIVRD", number="7"),
        DeliveryReport("r2", "EXPIRED", number="<8>"),
        DeliveryReport("", "LOST", number=""),
    )
    batch = read_reports(body, "text/xml")
    assert [(r.reference, r.result) for r in batch.reports] == [
        ("r1", Result.SMS_DELIVERED),
        ("r2", Result.SMS_FAILED_EXPIRED),
        (None, None),
    ]
    assert batch.unknown_states == 1
    numbers = ("7", "&lt;8&gt;", "3")
    listed = "".join(f"<MSG><ID>{n}</ID><STATUS>OK</STATUS></MSG>" for n in numbers)
    assert batch.answer == f'<?xml version="1.0"?><MSGLST>{listed}</MSGLST>'


@pytest.mark.parametrize(
    "content_type",
    ["application/xml", "text/xml", "text/plain", None, "", "Text/XML; charset=ISO-8859-1", "text/plain;x=y"],
)
def test_content_types_that_are_read(content_type: str | None) -> None:
    assert one(report_body(DeliveryReport("1")), content_type).reference == "1"


def test_other_content_types_are_refused() -> None:
    assert refused(report_body(DeliveryReport("1")), "application/json")[0] == 415


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/xml", "iso-8859-1"),
        ("text/xml; charset=utf-8", "utf-8"),
        ('text/xml; Charset="UTF-8"', "utf-8"),
        ("text/xml; charset=x-unheard-of", "iso-8859-1"),
        ("text/xml; charset=windows-1252", "windows-1252"),
        ("text/xml", "utf-8-sig"),
        ("text/xml; charset=iso-8859-1", "utf-16"),
    ],
)
def test_character_sets(content_type: str, charset: str) -> None:
    body = report_body(DeliveryReport("blåbær"), charset=charset)
    assert one(body, content_type).reference == "blåbær"


def test_the_declaration_does_not_decide_the_character_set() -> None:
    body = report_body(DeliveryReport("blåbær")).replace(b'"1.0"?>', b'"1.0" encoding="utf-8"?>', 1)
    assert one(body, "text/xml").reference == "blåbær"


def test_white_space_and_unknown_elements_are_passed_over() -> None:
    body = b"""
    <MSGLST>
      <MSG><NET>24201</NET><STATE> DELIVRD
        </STATE><REF>\t12 </REF><RCV> 4799999999 </RCV></MSG>
    </MSGLST>""".strip()
    report = one(body)
    assert (report.reference, report.result, report.at) == ("12", Result.SMS_DELIVERED, None)
    assert json.loads(report.raw)["deliveryTime"] is None


@pytest.mark.parametrize("blanks", [b"\n", b" \t\r\n\r\n"])
@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8-sig", "utf-16"])
def test_a_blank_line_before_the_declaration_is_passed_over(blanks: bytes, charset: str) -> None:
    body = report_body(DeliveryReport("1"), charset=charset)
    assert one(body if charset == "utf-16" else blanks + body).reference == "1"
    if charset != "iso-8859-1":
        assert one((blanks.decode() + report_body(DeliveryReport("1")).decode()).encode(charset)).reference == "1"


def test_a_time_written_otherwise_is_kept_as_text() -> None:
    report = one(report_body(DeliveryReport("1", delivered="yesterday")))
    assert report.at is None
    assert json.loads(report.raw)["deliveryTime"] == "yesterday"


def test_summer_time() -> None:
    report = one(report_body(DeliveryReport("1", delivered="2026.07.01 12:00:00")))
    assert report.at == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b" \r\n "])
def test_nothing_is_refused(body: bytes) -> None:
    assert refused(body) == (400, "Error: Content is empty")


@pytest.mark.parametrize(
    "body",
    [
        b"<MSGLST><MSG>",
        b"not xml",
        b"<MSGLST>&secret;</MSGLST>",
        b'<!DOCTYPE M [<!ENTITY secret "s">]><M>&secret;</M>',
        b'<!DOCTYPE M [<!ENTITY secret SYSTEM "file:///etc/passwd">]><M>&secret;</M>',
        b'<!DOCTYPE M [<!ENTITY % secret SYSTEM "http://127.0.0.1/x"> %secret;]><M/>',
        b"\xef\xbb\xbf<M>\xe5</M>",
    ],
)
def test_ill_formed_bodies_are_refused_without_quoting_them(body: bytes) -> None:
    status, text = refused(body)
    assert status == 400
    assert text.startswith("XML is not well formed: ")
    assert "secret" not in text


@pytest.mark.parametrize(
    ("inside", "missing"),
    [
        (b"<RCV>1</RCV><REF>1</REF>", "STATE"),
        (b"<STATE>NULL</STATE>", "RCV"),
        (b"<RCV/><STATE> </STATE>", "RCV and STATE"),
    ],
)
def test_incomplete_reports_are_refused(inside: bytes, missing: str) -> None:
    whole = report_body(DeliveryReport("1"), doctype=False)
    body = whole.replace(b"</MSGLST>", b"<MSG>" + inside + b"</MSG></MSGLST>")
    assert refused(body) == (400, f"Error: {missing} missing in MSG")


def test_a_body_without_reports_is_an_error() -> None:
    assert refused(b"<MSGLST/>")[0] == 500


@given(
    st.one_of(
        st.binary(),
        st.text().map(str.encode),
        st.lists(
            st.sampled_from([b"<MSG>", b"</MSG>", b"<RCV>1</RCV>", b"<STATE>NULL</STATE>", b"\x00", b"<!--x-->"])
        ).map(lambda parts: b"<MSGLST>" + b"".join(parts) + b"</MSGLST>"),
    ),
    st.sampled_from([None, "text/xml", "text/xml; charset=utf-8", "text/plain;charset", "application/xml;;=;"]),
)
def test_whatever_comes_is_read_or_refused(body: bytes, content_type: str | None) -> None:
    with contextlib.suppress(ReportRefused):
        batch = read_reports(body, content_type)
        assert batch.answer.count("<STATUS>OK</STATUS>") == len(batch.reports) > 0
