"""From a message to what is said on the wire for it: MAIL, RCPT and the content."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from varsel.channels.email_smtp.addresses import domain_of, mailbox, original_recipient, xtext
from varsel.channels.email_smtp.extensions import Extensions
from varsel.channels.email_smtp.settings import SmtpSettings
from varsel.channels.mime import Pieces, Templates, date_header
from varsel.channels.protocol import EmailMessage, Settled
from varsel.mechanisms.bounded_cache import cached_if_short
from varsel.model.results import Result

_SECOND = timedelta(seconds=1)

_LONGEST_MAILBOX = 320  # RFC 5321 section 4.5.3.1: 64 octets, `@` and 255
MAX_ORCPT = 500  # RFC 3461 section 4.2


class Draft(NamedTuple):
    """One transaction, ready to be spoken; `reference` is the Message-ID without its angle brackets.

    `size` is that of the content, in octets.
    """

    mail: bytes
    rcpt: bytes
    content: Pieces
    size: int
    recipient: str
    reference: str


class Drafter:
    """Writes drafts for one server's settings; remembers texts and the second's date."""

    def __init__(self, settings: SmtpSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._templates = Templates(html_alone=settings.html_alone, finish=transparent)
        self._own_mailbox = cached_if_short(entries=64, longest=_LONGEST_MAILBOX)(mailbox)
        self._second = datetime.min.replace(tzinfo=UTC)
        self._date = b""

    def draft(self, message: EmailMessage, offered: Extensions) -> Draft | Settled:
        """Write `message` for a server with these extensions, or say why it cannot be sent through it."""
        if message.attachments:
            return Settled(Result.EMAIL_FAILED, "the attachments were not fetched before the message was handed over")
        recipient, sender = mailbox(message.to_address), self._own_mailbox(message.from_address)
        path = self._own_mailbox(self._settings.return_path or message.from_address)
        if recipient is None:
            return Settled(Result.EMAIL_FAILED_INVALID_FORMAT, "the recipient's address is malformed")
        if sender is None or path is None:
            return Settled(Result.EMAIL_FAILED, "the sender's address is malformed (check the order's fromAddress)")
        if not offered.utf8 and not recipient.isascii():
            detail = "the server does not offer SMTPUTF8, which letters outside ASCII before the @ need"
            return Settled(Result.EMAIL_FAILED_INVALID_FORMAT, detail)
        if not offered.utf8 and not (sender.isascii() and path.isascii()):
            return Settled(Result.EMAIL_FAILED, "the sender's address needs SMTPUTF8, which the server does not offer")
        return self._within_size(message, recipient, sender, path, offered)

    def _within_size(
        self, message: EmailMessage, recipient: str, sender: str, path: str, offered: Extensions
    ) -> Draft | Settled:
        identity = str(message.notification_id)
        reference = f"{identity}@{self._settings.message_id_domain or domain_of(sender).strip('[]')}"
        template = self._templates.of(
            sender, message.subject, message.body, message.content_type, eight_bit=offered.eight_bit
        )
        content = template.addressed(recipient, reference, self._date_now(), message.files)
        size = sum(map(len, content))
        if offered.size and size > offered.size:
            detail = f"the message has {size} octets, the server takes {offered.size}"
            return Settled(Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE, detail)
        utf8 = not (recipient.isascii() and sender.isascii() and path.isascii())
        return Draft(
            mail=self._mail(path, identity, size, offered, utf8=utf8, ascii_only=all(map(bytes.isascii, content))),
            rcpt=self._rcpt(recipient, offered),
            content=content,
            size=size,
            recipient=recipient,
            reference=reference,
        )

    def _mail(
        self, path: str, envelope_id: str, size: int, offered: Extensions, *, utf8: bool, ascii_only: bool
    ) -> bytes:
        command = f"MAIL FROM:<{path}>"
        if offered.size_offered:
            command += f" SIZE={size}"
        if offered.eight_bit and not ascii_only:
            command += " BODY=8BITMIME"
        if utf8:
            command += " SMTPUTF8"
        if offered.dsn and self._settings.dsn_notify:
            command += f" RET={self._settings.dsn_return} ENVID={xtext(envelope_id)}"
        return f"{command}\r\n".encode()

    def _rcpt(self, recipient: str, offered: Extensions) -> bytes:
        command = f"RCPT TO:<{recipient}>"
        if offered.dsn and self._settings.dsn_notify:
            command += f" NOTIFY={','.join(self._settings.dsn_notify)}"
            original = original_recipient(recipient)
            if len(original) <= MAX_ORCPT:
                command += f" ORCPT={original}"
        return f"{command}\r\n".encode()

    def _date_now(self) -> bytes:
        now = self._now()
        if not self._second <= now < self._second + _SECOND:
            self._second = now.replace(microsecond=0)
            self._date = date_header(self._second)
        return self._date


def transparent(content: bytes) -> bytes:
    """Return `content` as it travels after DATA: CRLF line ends only, a dot doubled where it begins a line.

    RFC 5321 sections 2.3.8 and 4.5.2. A bare CR or LF on the wire could end the message early for some servers.
    """
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..")
