"""Content codings, undone piece by piece."""

import gzip
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.content_coding import PIECE, Decoder, Malformed, decoder_of


def decoded(decoder: Decoder, *chunks: bytes) -> bytes:
    content = b"".join(piece for chunk in chunks for piece in decoder.decode(chunk))
    decoder.finish()
    return content


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.binary(max_size=2_000), max_size=4), st.lists(st.integers(0, 10_000), max_size=6), st.booleans())
def test_members_come_out_as_they_went_in_however_they_are_cut(
    members: list[bytes], places: list[int], padded: bool
) -> None:
    written = (b"\0" * 7 if padded else b"").join(gzip.compress(member) for member in members)
    assert decoded(decoder_of("gzip"), *cut(written, places)) == b"".join(members)


@given(st.binary(max_size=5_000), st.lists(st.integers(0, 10_000), max_size=6))
def test_zlib_is_what_deflate_means(content: bytes, places: list[int]) -> None:
    assert decoded(decoder_of(" Deflate"), *cut(zlib.compress(content), places)) == content


@given(st.binary(max_size=3_000))
def test_anything_else_is_malformed_or_content_and_never_breaks(content: bytes) -> None:
    with suppress(Malformed):
        decoded(decoder_of("x-gzip"), content)


@pytest.mark.parametrize("named", ["", "identity", " Identity "])
def test_content_without_coding_stays_as_it_is(named: str) -> None:
    assert decoded(decoder_of(named), b"a", b"", b"b") == b"ab"


@pytest.mark.parametrize("named", ["br", "zstd", "gzip, gzip", "gzip,", "x"])
def test_a_coding_that_is_not_known_is_refused(named: str) -> None:
    with pytest.raises(Malformed):
        decoder_of(named)


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    assert len(bomb) < 100_000
    pieces = decoder_of("gzip").decode(bomb)
    assert [len(next(pieces)) for _ in range(20)] == [PIECE] * 20


@pytest.mark.parametrize("end", [1, 10, -1, -8])
def test_what_is_cut_short_is_malformed(end: int) -> None:
    decoder = decoder_of("gzip")
    with pytest.raises(Malformed):
        decoded(decoder, gzip.compress(b"content" * 100)[:end])


def test_compressed_content_of_no_bytes_is_none() -> None:
    assert decoded(decoder_of("gzip")) == b""
