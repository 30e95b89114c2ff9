"""E-mail through any SMTP submission server (RFC 6409), spoken by an asyncio client of our own."""

from varsel.channels.email_smtp.provider import SmtpProvider
from varsel.channels.email_smtp.settings import Security, SmtpSettings

__all__ = ["Security", "SmtpProvider", "SmtpSettings"]
