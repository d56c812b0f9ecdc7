"""One gzip member and nothing else: what is taken, what is refused, and how much memory a hostile one costs."""

import gzip
import io
import tracemalloc
import zlib

import pytest

from audit.gzip_stream import HEADER, BadGzip, Inflated, deflated

TEXT = "医保报销\n".encode() * 50_000


def member(data: bytes = TEXT) -> bytes:
    """The member for these bytes."""
    return b"".join(deflated(io.BytesIO(data)))


def content(data: bytes) -> bytes:
    """What is stored in a member, read in pieces."""
    return io.BufferedReader(Inflated(io.BytesIO(data)), 4096).read()


@pytest.mark.parametrize("data", [b"", b"x", TEXT])
def test_both_directions(data: bytes) -> None:
    """What was compressed comes back, also by another reader of gzip files."""
    assert content(member(data)) == gzip.decompress(member(data)) == data


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 20, 40])
def test_cut_short(cut: int) -> None:
    """A member without its end is refused, though all its content may be there."""
    with pytest.raises(BadGzip, match="cut short"):
        content(member()[:-cut])


@pytest.mark.parametrize("more", [b"\0", b"x" * 100, member(b"")], ids=["nul", "text", "second member"])
def test_trailing_bytes(more: bytes) -> None:
    """Nothing stands behind a member, not even another one."""
    with pytest.raises(BadGzip, match="behind its end"):
        content(member() + more)


@pytest.mark.parametrize("place", range(10))
def test_header(place: int) -> None:
    """The header has one form: a name, a time or an extra field could hold anything."""
    data = bytearray(member())
    data[place] ^= 1
    with pytest.raises(BadGzip, match="header"):
        content(bytes(data))


def test_made_by_gzip() -> None:
    """A file that `gzip` made, with a name in it, is refused."""
    with pytest.raises(BadGzip, match="header"):
        content(gzip.compress(TEXT, mtime=1))


@pytest.mark.parametrize("place", [-1, -5, -8])
def test_wrong_trailer(place: int) -> None:
    """Checksum and length are checked."""
    data = bytearray(member())
    data[place] ^= 1
    with pytest.raises(BadGzip, match="not what was compressed"):
        content(bytes(data))


def test_every_bit_of_the_data() -> None:
    """A flipped bit gives an error or other bytes, never an end that looks right with other content."""
    data = member(b'{"event":"a"}\n')
    for bit in range(len(HEADER) * 8, len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert content(bytes(changed)) == b'{"event":"a"}\n'  # spare bits of the last block
        except BadGzip:
            continue


def test_bomb() -> None:
    """A member that grows a thousandfold is read in constant memory."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = HEADER + b"".join(deflater.compress(bytes(1 << 20)) for _ in range(40)) + deflater.flush()
    tracemalloc.start()
    stream = io.BufferedReader(Inflated(io.BytesIO(data)), 1 << 16)
    with pytest.raises(BadGzip, match="cut short"):  # there is no trailer behind 40 MiB of zeros
        sum(len(chunk) for chunk in iter(lambda: stream.read(1 << 16), b""))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
