"""SMS through the LINK Mobility XML gateway, and its delivery reports (integrations.md, section 5)."""

from varsel.channels.sms_link.basic_auth import CHALLENGE, BasicCredentials
from varsel.channels.sms_link.link_settings import LinkSettings
from varsel.channels.sms_link.provider import PROVIDER, LinkProvider
from varsel.channels.sms_link.reports import ReportBatch, ReportRefused, read_reports

__all__ = [
    "CHALLENGE",
    "PROVIDER",
    "BasicCredentials",
    "LinkProvider",
    "LinkSettings",
    "ReportBatch",
    "ReportRefused",
    "read_reports",
]
