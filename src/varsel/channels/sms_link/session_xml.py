"""The gateway's own language: writing a request and reading its answer (integrations.md 5.1 and 5.2)."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from xml.etree.ElementTree import Element, SubElement, tostring

from varsel.channels.protocol import SmsMessage
from varsel.channels.sms_link.link_settings import LinkSettings
from varsel.channels.sms_link.untrusted_xml import IllFormedXml, content_type, declared_xml, read_xml, text_of
from varsel.mechanisms.text import bounded_key
from varsel.model.addresses import e164
from varsel.model.gsm7 import fits_gsm7

_UNICODE_OPERATION = "9"
# XML 1.0, production 2: everything else, lone surrogates included, may not stand in a document.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_NUMBER = re.compile(r"(\+|00)?([0-9]+)")


def write_session(messages: Sequence[SmsMessage], settings: LinkSettings) -> bytes:
    """Write one request for `messages`, numbered from 1 in their order."""
    session = Element("SESSION")
    _add(session, "CLIENT", settings.username)
    _add(session, "PW", settings.password)
    listed = SubElement(session, "MSGLST")
    for number, message in enumerate(messages, start=1):
        _add_message(listed, number, message, settings)
    declaration = f'<?xml version="1.0" encoding="{settings.charset}"?>\n'.encode()
    document: bytes = tostring(session, encoding=settings.charset, xml_declaration=False)
    return declaration + document


def _add_message(listed: Element, number: int, message: SmsMessage, settings: LinkSettings) -> None:
    as_unicode = settings.unicode == "auto" and not fits_gsm7(message.body)
    element = SubElement(listed, "MSG")
    _add(element, "ID", str(number))
    _add(element, "TEXT", hexadecimal(message.body) if as_unicode else message.body)
    _add(element, "SND", message.sender)
    _add(element, "RCV", receiver(message.recipient, plus=settings.receiver_format == "plus"))
    if as_unicode:
        _add(element, "OP", _UNICODE_OPERATION)
    _add(element, "TTL", str(minutes(message.time_to_live)))


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = _FORBIDDEN.sub("", text)


def hexadecimal(text: str) -> str:
    """Return `text` as hexadecimal UTF-16BE, as operation 9 wants it; what XML forbids is left out here too."""
    return _FORBIDDEN.sub("", text).encode("utf-16-be").hex().upper()


def minutes(time_to_live: timedelta) -> int:
    """Return whole minutes, rounded up and never 0, which the gateway reads as its own maximum."""
    return max(1, math.ceil(time_to_live.total_seconds() / 60))


def receiver(number: str, *, plus: bool) -> str:
    """Return `number` with country code first: digits only, or with + before them.

    It is the number that was judged when it was accepted. What is not valid today gets no prefix that it does not have
    and, unless it is all digits, stays as it is: the gateway refuses it, instead of reaching somebody else.
    """
    text = number.strip()
    written = _PLAIN_NUMBER.fullmatch(e164(number) or text)
    if written is None:
        return text
    return f"+{written[2]}" if plus and written[1] else written[2]


@dataclass(frozen=True, slots=True)
class MessageAnswer:
    """What the gateway says of one message; fields it left out are empty."""

    status: str
    info: str
    reference: str


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """What the gateway says of a request: the verdict on the account, and on each message by its number."""

    logon: str
    reason: str
    messages: Mapping[str, MessageAnswer]


def read_answer(body: bytes, content_type_header: str | None) -> SessionAnswer:
    """Read the gateway's answer, elements in any order. Raises `IllFormedXml` if it is not one."""
    _, charset = content_type(content_type_header)
    root = read_xml(body, charset) if charset else declared_xml(body)
    if root.tag != "SESSION":
        raise IllFormedXml("the root is not SESSION")
    answers: dict[str, MessageAnswer] = {}
    for element in root.iter("MSG"):
        reference = bounded_key(text_of(element, "REF"))
        answer = MessageAnswer(text_of(element, "STATUS"), text_of(element, "INFO"), reference)
        answers.setdefault(text_of(element, "ID"), answer)
    return SessionAnswer(text_of(root, "LOGON"), text_of(root, "REASON"), answers)
