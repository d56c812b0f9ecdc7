"""Lines that hold given bytes: all of them, wherever the reads happen to cut, and no others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audit import find as module
from audit.directory import segments
from audit.errors import NotCanonical, Tampered
from audit.find import find, member
from audit.journal import Journal, Rotation

NOW = 1_795_420_800_000_000_000


@pytest.fixture
def log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """A few segments of records that name requests in Latin and in Chinese."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    for n in range(30):
        journal.append([f'{{"event":"e","request_id":"请求-{n % 3}"}}'.encode()], NOW + n * 1000)
    journal.append([rb'{"event":"e","text":"\"request_id\":\"\u8bf7"}'.replace(rb"\u8bf7", "请求-1".encode())], NOW)
    journal.close(NOW + 100_000)
    return tmp_path / "log"


@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 20])
def test_every_hit(log: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Each line with the member is found once and in order, however the file is cut into reads."""
    monkeypatch.setattr(module, "_CHUNK", chunk)
    found = list(find(log, segments(log), member("request_id", "请求-1")))
    assert len(found) == 10
    assert [each.index for each in found] == sorted(each.index for each in found)
    assert all('"request_id":"请求-1"'.encode() in each.body and each.kind == b"rec" for each in found)


def test_several_values(log: Path) -> None:
    """One pass finds the lines of all given values."""
    assert len(list(find(log, segments(log), member("request_id", "请求-0", "请求-2")))) == 20


def test_quoted_in_a_text(log: Path) -> None:
    """A text that quotes a member is no hit, because its quotes are escaped."""
    assert not [each for each in find(log, segments(log), member("request_id", "请求-1")) if b'"text"' in each.body]


@pytest.mark.parametrize("value", ['"', "\\", ".*", "a\nb", "(", "[请]"])
def test_value_that_is_no_pattern(value: str) -> None:
    """A value stands for itself: nothing in it is an expression, and it is spelled as canonical JSON spells it."""
    pattern = member("x", value, "other")
    spelled = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert pattern.search(f'{{"x":"{spelled}"}}'.encode())
    assert pattern.search(b'{"x":"other"}')
    assert not pattern.search(b'{"x":"aab"}')


def test_value_without_a_spelling() -> None:
    """A lone surrogate cannot be in any log, and looking for it is refused."""
    with pytest.raises(NotCanonical):
        member("x", "\ud800")


def test_line_being_written(log: Path) -> None:
    """A line without its LF does not count yet."""
    name = segments(log)[-1]
    with (log / name).open("ab") as stream:
        stream.write('{"i":999,"k":"rec","r":{"request_id":"请求-1"}'.encode())
    assert len(list(find(log, segments(log), member("request_id", "请求-1")))) == 10


@pytest.mark.parametrize(
    "line", ['"request_id":"请求-1"', '{"i":1,"k":"rec" "request_id":"请求-1"}', '{"i":01,"request_id":"请求-1"']
)
def test_line_without_a_frame(log: Path, line: str) -> None:
    """A hit in something that is no line of a log is named, not returned."""
    name = segments(log)[-1]
    with (log / name).open("ab") as stream:
        stream.write(line.encode() + b"\n")
    with pytest.raises(Tampered, match=name):
        list(find(log, segments(log), member("request_id", "请求-1")))


def test_endless_line(log: Path) -> None:
    """A file without line ends is given up where no line can go on, not read into memory."""
    name = segments(log)[-1]
    with (log / name).open("ab") as stream:
        stream.write(b"x" * (3 << 20))
    with pytest.raises(Tampered, match="no line is that long"):
        list(find(log, segments(log), member("request_id", "请求-1")))
