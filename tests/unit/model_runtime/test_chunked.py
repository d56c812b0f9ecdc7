"""Chunked bodies: the same data however the bytes are cut, and nothing that is not chunked gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runtime.chunked import ChunkedReader
from model_runtime.engine import EngineFailed


def encode(parts: list[bytes], trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(1, 30), min_size=1))
def test_every_way_of_cutting_gives_the_same_data(parts: list[bytes], steps: list[int]) -> None:
    """Data with line ends inside, cut in the middle of sizes and line ends."""
    wire, reader, data, at, turn = encode(parts), ChunkedReader(), b"", 0, 0
    while at < len(wire):
        step = steps[turn % len(steps)]
        data += reader.feed(wire[at : at + step])
        at, turn = at + step, turn + 1
    assert data == b"".join(parts)
    assert reader.done


def test_all_that_arrived_comes_out_at_once() -> None:
    """Many chunks in one read are one piece."""
    reader = ChunkedReader()
    assert reader.feed(encode([b"a", b"bc", b"\r\n"])) == b"abc\r\n"
    assert reader.done


def test_extensions_and_trailers_are_read_over() -> None:
    """Both are legal and mean nothing to us."""
    reader = ChunkedReader()
    assert reader.feed(b"2;name=value\r\nab\r\n0\r\nX-Checksum: 1\r\n\r\n") == b"ab"
    assert reader.done


@pytest.mark.parametrize(
    "wire",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"0x1\r\na\r\n",
        b"+1\r\na\r\n",
        b" 1\r\na\r\n",
        b"\r\n",
        b"1\r\nab\r\n",
        b"fffffffff\r\n",
        b"1" * 5000,
        b"0\r\n" + b"a: b\r\n" * 100,
        encode([b"a"]) + b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_is_not_chunked_is_refused(wire: bytes) -> None:
    """A broken size, a chunk longer than it says, endless lines, and bytes behind the end."""
    reader = ChunkedReader()
    with pytest.raises(EngineFailed):
        reader.feed(wire)


def test_a_body_that_breaks_off_is_not_done() -> None:
    """Whoever reads sees that the end is missing."""
    reader = ChunkedReader()
    reader.feed(encode([b"abc"])[:-2])
    assert not reader.done
