"""Reading delivery reports and answering them (integrations.md 5.3 to 5.5)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from varsel.channels.protocol import Report
from varsel.channels.sms_link.report_states import is_known, meaning
from varsel.channels.sms_link.untrusted_xml import IllFormedXml, content_type, read_xml, text_of
from varsel.errors import VarselError
from varsel.mechanisms.text import bounded_key, storable

ANSWER_TYPE = "application/xml"
"""Content type of the answer."""

_ACCEPTED_TYPES = {"", "application/xml", "text/xml", "text/plain"}
_GATEWAY_ZONE = ZoneInfo("Europe/Oslo")
_LONGEST_KEPT = 200
"""Characters that are kept of each value; all that a gateway should send are shorter."""
_BAD_REQUEST, _UNSUPPORTED, _ERROR = 400, 415, 500


class ReportRefused(VarselError):
    """The body is no delivery report. `status` is the HTTP status to answer with, the message its text (5.4)."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class ReportBatch:
    """The reports of one request, and the body that tells the gateway they are safe."""

    reports: tuple[Report, ...]
    answer: str
    unknown_states: int
    """Reports whose state is no word that is known."""


def read_reports(body: bytes, content_type_header: str | None, *, strict_state_mapping: bool = False) -> ReportBatch:
    """Read every report in `body`; to be answered with `answer` once they are stored.

    A report without reference has `reference` None and can match nothing; it is answered all the same.
    `strict_state_mapping` knows only the gateway's classic state words. Raises `ReportRefused`.
    """
    received = list(_read(body, content_type_header).iter("MSG"))
    if not received:
        raise ReportRefused(_ERROR, "Error: No MSG element was found")
    for element in received:
        _require(element, "RCV", "STATE")
    reports = tuple(_report(element, strict=strict_state_mapping) for element in received)
    unknown = sum(not is_known(text_of(element, "STATE")) for element in received)
    return ReportBatch(reports, _answer(_numbers(received)), unknown)


def _read(body: bytes, content_type_header: str | None) -> Element:
    media_type, charset = content_type(content_type_header)
    if media_type not in _ACCEPTED_TYPES:
        raise ReportRefused(_UNSUPPORTED, "Send the report as application/xml, text/xml or text/plain")
    if not body.strip():
        raise ReportRefused(_BAD_REQUEST, "Error: Content is empty")
    try:
        return read_xml(body, charset)
    except IllFormedXml as error:
        raise ReportRefused(_BAD_REQUEST, f"XML is not well formed: {error}") from error


def _require(element: Element, *names: str) -> None:
    missing = [name for name in names if not text_of(element, name)]
    if missing:
        raise ReportRefused(_BAD_REQUEST, f"Error: {' and '.join(missing)} missing in MSG")


def _report(element: Element, *, strict: bool) -> Report:
    reference = bounded_key(text_of(element, "REF")) or None
    raw_state = _kept(element, "STATE")
    delivered = _kept(element, "DELIVERYTIME") or None
    state, result = meaning(raw_state, strict=strict)
    raw = {
        "reference": reference,
        "receiver": _kept(element, "RCV"),
        "state": state,
        "deliveryTime": delivered,
        "rawState": raw_state,
    }
    return Report(reference, None, result, json.dumps(raw, ensure_ascii=False), _instant(delivered))


def _kept(element: Element, name: str) -> str:
    return storable(text_of(element, name), _LONGEST_KEPT)


def _instant(local: str | None) -> datetime | None:
    """Return the gateway's local time as UTC; None if absent or written otherwise."""
    try:
        written = datetime.strptime(local or "", "%Y.%m.%d %H:%M:%S").replace(tzinfo=_GATEWAY_ZONE)
        return written.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _numbers(received: list[Element]) -> list[str]:
    """Return the gateway's number of each report; its place stands in for a missing one."""
    return [text_of(element, "ID") or str(place) for place, element in enumerate(received, start=1)]


def _answer(numbers: Iterable[str]) -> str:
    listed = "".join(f"<MSG><ID>{escape(number)}</ID><STATUS>OK</STATUS></MSG>" for number in numbers)
    return f'<?xml version="1.0"?><MSGLST>{listed}</MSGLST>'
