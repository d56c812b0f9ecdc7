"""Lines as a reader gets them: from any index on, whole ones only, and never more of a file in memory than a line."""

import zlib
from pathlib import Path

import pytest

from audit.errors import Tampered
from audit.gzip_stream import HEADER
from audit.line import MAX_LINE
from audit.reader import entries


def test_from_any_line(small_log: Path) -> None:
    """A start anywhere gives the same lines as the end of the whole."""
    every = list(entries(small_log))
    assert [entry.index for entry in every] == list(range(13))
    for start in (0, 1, 6, 7, 12, 13, 99):
        assert list(entries(small_log, start)) == every[start:]


@pytest.mark.parametrize("tail", [b"", b'{"i":13,"k":"re', b"\0" * 100, b'{"i":13' + b"\0" * (2 * MAX_LINE)])
def test_unfinished_line(tail: bytes, small_log: Path) -> None:
    """What a writer is at work on, or a crash has left, does not count."""
    with max(small_log.glob("*.log")).open("ab") as newest:
        newest.write(tail)
    assert [entry.index for entry in entries(small_log)] == list(range(13))


@pytest.mark.parametrize("line", [b"{}\n", b"\n", b'{"i":14,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000009Z"}\n'])
def test_line_without_its_frame(line: bytes, small_log: Path) -> None:
    """A line that is none, or another one, stops the reader at its place."""
    with max(small_log.glob("*.log")).open("ab") as newest:
        newest.write(line)
    with pytest.raises(Tampered, match=r"000000000007\.log:7: "):
        list(entries(small_log))


def test_line_without_end(small_log: Path) -> None:
    """An archive that unpacks to gigabytes without a line end is refused at the length that no line has."""
    first = min(small_log.glob("*.log"))
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    member = [HEADER, *(packer.compress(b"x" * (1 << 20)) for _ in range(64)), packer.flush(zlib.Z_FULL_FLUSH)]
    first.with_name(first.name + ".gz").write_bytes(b"".join(member))
    first.unlink()
    with pytest.raises(Tampered, match="no line is that long"):
        list(entries(small_log))
