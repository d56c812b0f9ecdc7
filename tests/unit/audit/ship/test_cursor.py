"""The cursor file: durable, whole, of one process, and never guessed at."""

import json
from pathlib import Path

import pytest

from audit.errors import LogBusy, ShippingFailed
from audit.ship.cursor import Cursor, Reached
from audit.ship.tail import Position

HERE = Reached("host-a/hangu", Position(7, bytes(32)))


def test_kept(tmp_path: Path) -> None:
    """What was put is there again after a restart, for each target by itself, in a file of mode 0600."""
    cursor = Cursor(tmp_path / "c", tmp_path / "log")
    assert cursor.get("a") is None
    cursor.put("a", HERE)
    cursor.put("b", Reached("host-a/hangu", Position(9, b"\1" * 32)))
    cursor.close()
    again = Cursor(tmp_path / "c", tmp_path / "log")
    assert again.get("a") == HERE
    assert again.get("b") == Reached("host-a/hangu", Position(9, b"\1" * 32))
    again.close()
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "c.lock"]


def test_two_processes(tmp_path: Path) -> None:
    """A cursor that is in use is not used twice; once it is let go, it can be."""
    first = Cursor(tmp_path / "c", tmp_path / "log")
    with pytest.raises(LogBusy, match="another process"):
        Cursor(tmp_path / "c", tmp_path / "log")
    first.close()
    Cursor(tmp_path / "c", tmp_path / "log").close()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "\xff",
        "[" * 100_000,
        '{"format":"hangu-ship/2","targets":{}}',
        '{"format":"hangu-ship/1"}',
        '{"format":"hangu-ship/1","targets":[]}',
        '{"format":"hangu-ship/1","targets":{"a":{"origin":"o","next":-1,"leaf":""}}}',
        '{"format":"hangu-ship/1","targets":{"a":{"origin":"o","next":true,"leaf":""}}}',
        '{"format":"hangu-ship/1","targets":{"a":{"origin":"o","next":1,"leaf":"xy"}}}',
        '{"format":"hangu-ship/1","targets":{"a":{"origin":7,"next":1,"leaf":""}}}',
        '{"format":"hangu-ship/1","targets":{"a":7}}',
    ],
)
def test_damaged(content: str, tmp_path: Path) -> None:
    """A file that is no cursor is never taken for the start of the log, and its lock is let go."""
    (tmp_path / "c").write_bytes(content.encode("latin-1"))
    for _ in range(2):
        with pytest.raises(ShippingFailed, match="not a cursor"):
            Cursor(tmp_path / "c", tmp_path / "log")


def test_inside_the_log(tmp_path: Path) -> None:
    """A cursor in the log directory would make the log tampered."""
    (tmp_path / "log").mkdir()
    with pytest.raises(ShippingFailed, match="lies in the log directory"):
        Cursor(tmp_path / "log" / "c", tmp_path / "log")
    assert not list((tmp_path / "log").iterdir())


def test_cannot_be_written(tmp_path: Path) -> None:
    """Where the file cannot be replaced, that is said, and the old one stands."""
    (tmp_path / "d").mkdir()
    cursor = Cursor(tmp_path / "d" / "c", tmp_path / "log")
    cursor.put("a", HERE)
    (tmp_path / "d").rename(tmp_path / "e")
    with pytest.raises(ShippingFailed, match="c: "):
        cursor.put("a", Reached("host-a/hangu", Position(99)))
    assert cursor.get("a") == HERE
    assert json.loads((tmp_path / "e" / "c").read_text())["targets"]["a"]["next"] == 7
    cursor.close()
