"""The ways a scripted LINK gateway can treat a request (integrations.md, section 5.2)."""

from enum import Enum, auto

from tests.support.http_server import HttpReply


class Reply(Enum):
    """How the gateway treats one request."""

    OK = auto()
    OK_WITH_DOCTYPE = auto()
    OK_IN_LATIN_1 = auto()
    OK_AFTER_BLANK_LINE = auto()
    OK_THEN_CLOSE = auto()
    MISSING_REF = auto()
    MISSING_MSG = auto()
    LOGON_FAIL = auto()
    LOGON_MISSING = auto()
    INVALID_RCV = auto()
    REFUSED = auto()
    REFUSED_WITHOUT_INFO = auto()
    HTTP_500 = auto()
    HTTP_502 = auto()
    HTTP_503 = auto()
    HTTP_504 = auto()
    HTTP_404 = auto()
    HTTP_429 = auto()
    HTTP_429_DATE = auto()
    REDIRECT = auto()
    EMPTY = auto()
    JUNK = auto()
    WEB_PAGE = auto()
    ENTITIES = auto()
    ENDLESS = auto()
    HANG = auto()
    DROP = auto()
    HOLD = auto()
    """Answered as OK once `release` is called."""


REFUSALS = {
    Reply.INVALID_RCV: "Invalid RCV: 4799999999",
    Reply.REFUSED: "Text of kari@example.no to +47 999 99 999 refused",
}

FIXED = {
    Reply.LOGON_FAIL: HttpReply(
        "200 OK", b'<?xml version="1.0"?><SESSION><LOGON>FAIL</LOGON><REASON>No such account 123456</REASON></SESSION>'
    ),
    Reply.HTTP_500: HttpReply("500 Internal Server Error", b"<SESSION><LOGON>OK</LOGON></SESSION>"),
    Reply.HTTP_502: HttpReply("502 Bad Gateway", b"<html>upstream closed the connection</html>", "text/html"),
    Reply.HTTP_503: HttpReply("503 Service Unavailable", b""),
    Reply.HTTP_504: HttpReply("504 Gateway Timeout", b"<html>upstream timed out</html>", "text/html"),
    Reply.HTTP_404: HttpReply("404 Not Found", b"", "text/html"),
    Reply.HTTP_429: HttpReply("429 Too Many Requests", b"", headers="Retry-After: 90\r\n"),
    Reply.HTTP_429_DATE: HttpReply(
        "429 Too Many Requests", b"", headers="Retry-After: Sun, 01 Mar 2026 00:01:30 GMT\r\n"
    ),
    Reply.REDIRECT: HttpReply("302 Found", b"", headers="Location: http://127.0.0.1:9/\r\n"),
    Reply.EMPTY: HttpReply("200 OK", b""),
    Reply.JUNK: HttpReply("200 OK", b"<SESSION><LOGON>OK"),
    Reply.WEB_PAGE: HttpReply("200 OK", b"<html><body>We are moving house</body></html>", "text/html"),
    Reply.ENTITIES: HttpReply(
        "200 OK",
        b'<!DOCTYPE SESSION [<!ENTITY ok "OK">]><SESSION><LOGON>&ok;</LOGON><MSGLST><MSG><ID>1</ID>'
        b"<STATUS>&ok;</STATUS><REF>1</REF></MSG></MSGLST></SESSION>",
    ),
    Reply.ENDLESS: HttpReply("200 OK", b"<SESSION>" + b" " * 1_000_000, close=True),
}
