"""Reading XML that others wrote: a DOCTYPE is tolerated and never fetched, entities are refused."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import ErrorString

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_KNOWN_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "iso-8859-1",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_BLANKS = " \t\r\n"
"""Passed over before a document. XML allows nothing before its declaration, but gateways send blank lines there."""

_BYTE_ORDER_MARKS = {BOM_UTF8: "utf-8-sig", BOM_UTF16_BE: "utf-16", BOM_UTF16_LE: "utf-16"}


class IllFormedXml(ValueError):
    """The text is not XML we read. The message says what and where, and quotes nothing."""


def read_xml(body: bytes, charset: str | None) -> Element:
    """Parse `body`; a byte order mark decides the character set, then `charset`, then ISO-8859-1.

    The XML declaration is not asked: what transports the document wins (RFC 7303, section 3.2).
    """
    document = body.lstrip(_BLANKS.encode())
    try:
        text = document.decode(_encoding(document, charset))
    except UnicodeDecodeError as error:
        raise IllFormedXml(f"the text is not {error.encoding}, byte {error.start}") from None
    return _parse(text.lstrip(_BLANKS))


def declared_xml(body: bytes) -> Element:
    """Parse `body` by its own declaration, and as ISO-8859-1 where that does not work out."""
    try:
        return _parse(body.lstrip(_BLANKS.encode()))
    except IllFormedXml:
        return read_xml(body, None)


def content_type(header: str | None) -> tuple[str, str | None]:
    """Return media type and charset parameter of a Content-Type header, lower case; the type is empty if absent."""
    media_type, *parameters = (header or "").lower().split(";")
    named = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
    return media_type.strip(), named.get("charset", "").strip().strip("\"'") or None


def text_of(element: Element, name: str) -> str:
    """Return the trimmed text of the child `name`, empty if there is none."""
    return (element.findtext(name) or "").strip()


def _encoding(body: bytes, charset: str | None) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            return encoding
    return _KNOWN_CHARSETS.get(charset or "", "iso-8859-1")


def _parse(document: str | bytes) -> Element:
    try:
        root: Element = fromstring(document)
    except ParseError as error:
        line, column = error.position
        raise IllFormedXml(f"{ErrorString(error.code)}, line {line}, column {column}") from None
    except DefusedXmlException:
        raise IllFormedXml("entity declarations and external references are refused") from None
    except (ValueError, LookupError):
        raise IllFormedXml("the declared encoding is not supported") from None
    return root
