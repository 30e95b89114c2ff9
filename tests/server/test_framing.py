"""Where one request ends and the next begins: read as h11 reads it, or refused.

Two servers that disagree about it let a caller smuggle a request past the one in front (RFC 9112, section 11.2).
"""

import asyncio
from dataclasses import dataclass

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.http_memory import Read, Reading, read_stream

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass(slots=True)
class Oracle:
    """What h11 understood: whole requests, and whether it refused what followed."""

    requests: list[Read]
    refused: bool


def read_by_h11(stream: bytes) -> Oracle:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=200_000)
    connection.receive_data(stream)
    requests: list[Read] = []
    method, target, body = "", b"", b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target, body = event.method.decode(), event.target, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                requests.append((method, target, body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return Oracle(requests, refused=False)
                connection.start_next_cycle()
            else:
                return Oracle(requests, refused=False)
    except h11.RemoteProtocolError:
        return Oracle(requests, refused=True)


RIGHT_LINES = [b"POST /a HTTP/1.1", b"GET /b?c=d HTTP/1.1", b"PUT /e HTTP/1.0"]
WRONG_LINES = [
    b"POST  /a HTTP/1.1",
    b"POST /a HTTP/1.1 ",
    b" POST /a HTTP/1.1",
    b"POST /a HTTP/1.2",
    b"POST /a\tHTTP/1.1",
    b"POST /a",
    b"PRI * HTTP/2.0",
]
WRONG_FIELDS = st.sampled_from(
    [
        b"Host: a",
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Content-Length: 36",
        b"Content-Length: 36, 36",
        b"Content-Length: +5",
        b"Content-Length: 0x5",
        b"Content-Length: 5 ",
        b"Content-Length:\t5",
        b"Content-Length: 5_0",
        b"Content-Length: -1",
        b"Content-Length:",
        b"Content-Length : 5",
        b"content-length: 05",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding:\x0bchunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:",
        b"Transfer_Encoding: chunked",
        b"X: y\r\n Transfer-Encoding: chunked",
        b"X: y\r\n\tfolded",
        b"X: y\nContent-Length: 5",
        b"X: y\rContent-Length: 5",
        b"X: \x00",
        b": empty",
        b"no colon",
    ]
)
RIGHT_FIELDS = st.sampled_from(
    [
        b"Connection: Upgrade\r\nUpgrade: x",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        b"Connection: upgrade\r\nUpgrade: websocket",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Expect: 100-continue",
        b"X: y",
    ]
)
RIGHT_CHUNKS = [
    b"5\r\nhello\r\n",
    b"5;a=b\r\nhello\r\n",
    b'5;a="b;c"\r\nhello\r\n',
    b"05\r\nhello\r\n",
    b"24\r\n" + SMUGGLED + b"\r\n",
]
WRONG_CHUNKS = [
    b"5 \r\nhello\r\n",
    b"5\nhello\r\n",
    b"5\r\nhello\n",
    b"5\r\nhello",
    b"5\r\nhello!\r\n",
    b"5;\nx\r\nhello\r\n",
    b"0x5\r\nhello\r\n",
    b"+5\r\nhello\r\n",
    b"-5\r\nhello\r\n",
    b"5_\r\nhello\r\n",
    b"\r\n",
    b"ffffffffffffffffffff\r\nhello\r\n",
]
RIGHT_ENDS = [b"0\r\n\r\n", b"000\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n"]
WRONG_ENDS = [b"", b"0\r\nX: y\nZ: w\r\n\r\n", b"0\r\n folded\r\n\r\n", b"0\n\n", b"0\r\n\n"]
LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
FAULTS = ["line", "field", "host", "line end", "chunk", "end"]


def mostly(right: list[bytes], wrong: list[bytes], *, faulty: bool) -> st.SearchStrategy[bytes]:
    return st.sampled_from(wrong if faulty else right)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request with no fault, or one."""
    fault = draw(st.sampled_from([None] * 4 + FAULTS))
    fields = [b"Host: a"] * (fault != "host") + draw(st.lists(RIGHT_FIELDS, max_size=2))
    body = b""
    framing = "chunks" if fault in {"chunk", "end"} else draw(st.sampled_from(["none", "length", "chunks"]))
    if framing == "length":
        body = draw(st.sampled_from([b"", b"hello", SMUGGLED]))
        fields.append(b"Content-Length: %d" % len(body))
    elif framing == "chunks":
        fields.append(b"Transfer-Encoding: chunked")
        chunks = draw(st.lists(st.sampled_from(RIGHT_CHUNKS), max_size=3))
        if fault == "chunk":
            chunks.append(draw(st.sampled_from(WRONG_CHUNKS)))
        body = b"".join(chunks) + draw(mostly(RIGHT_ENDS, WRONG_ENDS, faulty=fault == "end"))
    if fault == "field":
        fields.insert(draw(st.integers(0, len(fields))), draw(WRONG_FIELDS))
    lines = [draw(mostly(RIGHT_LINES, WRONG_LINES, faulty=fault == "line")), *fields, b"", b""]
    line_ends = [b"\r\n"] * (len(lines) - 1)
    if fault == "line end":
        line_ends[draw(st.integers(0, len(line_ends) - 1))] = draw(LINE_ENDS)
    return b"".join(line + end for line, end in zip(lines, [*line_ends, b""], strict=True)) + body


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Some requests on one connection, at times with one byte changed, cut anywhere."""
    stream = bytearray(b"".join(draw(st.lists(requests(), min_size=1, max_size=3))) + SMUGGLED)
    if draw(st.sampled_from([False, False, False, True])):
        stream[draw(st.integers(0, len(stream) - 1))] = draw(st.integers(0, 255))
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    return [
        bytes(stream[start:end]) for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) if end > start
    ]


def read_here(pieces: list[bytes]) -> Reading:
    return asyncio.run(read_stream(pieces))


@given(streams())
@settings(max_examples=600, deadline=None)
@example([b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 36\r\n\r\n", SMUGGLED])
def test_requests_are_read_as_h11_reads_them_or_refused(pieces: list[bytes]) -> None:
    ours, theirs = read_here(pieces), read_by_h11(b"".join(pieces))

    common = min(len(ours.requests), len(theirs.requests))
    assert ours.requests[:common] == theirs.requests[:common]
    if not theirs.refused:
        assert len(ours.requests) <= len(theirs.requests)
    if not ours.refused:
        assert len(ours.requests) >= len(theirs.requests)


@given(streams())
@settings(max_examples=200, deadline=None)
def test_how_bytes_are_cut_into_packets_changes_nothing(pieces: list[bytes]) -> None:
    whole, cut = read_here([b"".join(pieces)]), read_here(pieces)
    assert (whole.requests, whole.refused) == (cut.requests, cut.refused)


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade\r\nUpgrade: x",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        b"Connection: upgrade\r\nUpgrade: websocket",
    ],
)
def test_an_upgrade_that_is_not_wanted_is_ignored_and_the_body_stays_a_body(fields: bytes) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    following = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    for pieces in ([head + SMUGGLED + following], [head, SMUGGLED, following], [head, SMUGGLED + following]):
        read = read_here(pieces)
        assert read.requests == [("POST", b"/a", SMUGGLED), ("GET", b"/next", b"")]
        assert not read.refused


REFUSED = {
    b"Content-Length: 5\r\nTransfer-Encoding: chunked": 400,
    b"Content-Length: 5\r\nContent-Length: 5": 400,
    b"Content-Length: 5, 5": 400,
    b"Content-Length: +5": 400,
    b"Content-Length : 5": 400,
    b"X: y\r\n folded": 400,
    b"X: y\nContent-Length: 5": 400,
    b"X: y\rZ": 400,
    b"X: \x00": 400,
    b"Host: b": 400,
    b"Transfer-Encoding: gzip, chunked": 501,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": 501,
}


@pytest.mark.parametrize("fields", REFUSED)
def test_what_two_servers_could_read_differently_is_refused(fields: bytes) -> None:
    read = read_here([b"POST /a HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n\r\n0\r\n\r\n" + SMUGGLED])
    assert read.requests == []
    assert read.written.startswith(b"HTTP/1.1 %d " % REFUSED[fields])
    assert read.written.count(b"HTTP/1.1 ") == 1


def test_trailers_are_dropped() -> None:
    """A trailer that looked like a header could name another caller."""
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    read = read_here([head + b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n"])
    assert read.requests == [("POST", b"/a", b"{}")]
    assert read.headers == [[(b"host", b"a"), (b"transfer-encoding", b"chunked")]]
