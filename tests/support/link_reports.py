"""Delivery reports as a LINK gateway posts them (integrations.md, section 5.3)."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

import httpx


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One delivery report as the gateway tells it; an empty field is left out."""

    reference: str
    state: str = "DELIVRD"
    receiver: str = "4799999999"
    delivered: str = "2026.02.23 15:23:23"
    number: str = "1"
    extra: str = ""

    def to_xml(self) -> str:
        """Write the MSG element."""
        fields = {
            "ID": self.number,
            "REF": self.reference,
            "RCV": self.receiver,
            "STATE": self.state,
            "DELIVERYTIME": self.delivered,
            "OPERATOR": self.extra,
        }
        return f"<MSG>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in fields.items() if text)}</MSG>"


def report_body(*reports: DeliveryReport, doctype: bool = True, charset: str = "iso-8859-1") -> bytes:
    """Write the body of one report request."""
    kind = '<!DOCTYPE MSGLST SYSTEM "pswincom_report_request.dtd">' if doctype else ""
    listed = "".join(report.to_xml() for report in reports)
    return f'<?xml version="1.0"?>{kind}<MSGLST>{listed}</MSGLST>'.encode(charset)


async def post_report(
    url: str, credentials: tuple[str, str], *reports: DeliveryReport, content_type: str | None = "application/xml"
) -> httpx.Response:
    """Post delivery reports the way the gateway does and return what was answered."""
    headers = {"Content-Type": content_type} if content_type else {}
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        return await client.post(url, content=report_body(*reports), headers=headers, auth=credentials)
