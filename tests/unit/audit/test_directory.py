"""Which files a log directory may hold, and how segments are opened in either form."""

import io
import os
from pathlib import Path

import pytest

from audit.directory import content, first_index, open_segment, printable, quarantined, segment_files, segments
from audit.errors import Tampered
from audit.gzip_stream import deflated

TEXT = b"one\ntwo\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An archived segment, one in both forms, one newest; only names and bytes matter here."""
    for name in ("000000000006.log", "000000000012.log"):
        (tmp_path / name).write_bytes(TEXT)
    for name in ("000000000000.log.gz", "000000000006.log.gz"):
        (tmp_path / name).write_bytes(b"".join(deflated(io.BytesIO(TEXT))))
    (tmp_path / "writer.lock").touch()
    return tmp_path


def test_names(log: Path) -> None:
    """Each segment is named once, the `.log` where it is there in both forms."""
    assert segments(log) == ["000000000000.log.gz", "000000000006.log", "000000000012.log"]
    assert len(segment_files(log)) == 4
    assert [first_index(name) for name in segments(log)] == [0, 6, 12]
    assert first_index("quarantine/000000000004-1.torn") == 4


@pytest.mark.parametrize("name", ["000000000000.log.gz", "000000000006.log", "000000000000.log", "000000000012.log.gz"])
def test_opened_in_either_form(name: str, log: Path) -> None:
    """A segment is opened by either name, whichever form is there."""
    with open_segment(log, name) as stream:
        assert stream.readlines() == [b"one\n", b"two\n"]
    assert content(log, name).file == name.removesuffix(".gz")
    assert content(log, name).length == 8


def test_gone(log: Path) -> None:
    """A segment in neither form is missed by its name."""
    with pytest.raises(Tampered, match=r"^000000000018\.log: went away"), open_segment(log, "000000000018.log"):
        pass


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
@pytest.mark.parametrize("name", ["000000000018.log", "000000000001.log.gz", "writer.lock", "quarantine"])
def test_not_a_file(kind: str, name: str, log: Path) -> None:
    """Anything but the right type under an admitted name is foreign, and is never opened."""
    (log / "writer.lock").unlink()
    if kind == "link":
        (log / name).symlink_to(log / "000000000012.log")
    elif kind == "folder" and name != "quarantine":
        (log / name).mkdir()
    else:
        os.mkfifo(log / name)
    with pytest.raises(Tampered, match="does not belong"):
        segments(log)
    if name.startswith("0"):
        with pytest.raises((Tampered, IsADirectoryError)), open_segment(log, name):
            pass


@pytest.mark.parametrize("name", ["0.log", "000000000000.log.gz.tmp", "00000000000a.log", "\u0660" * 12 + ".log", "x"])
def test_foreign_names(name: str, log: Path) -> None:
    """A name that no writer makes is foreign, also where its digits are not ASCII."""
    (log / name).touch()
    with pytest.raises(Tampered, match="does not belong"):
        segments(log)


def test_newest_is_never_an_archive(log: Path) -> None:
    """The newest segment as an archive is refused, alone or beside its `.log`."""
    (log / "000000000012.log.gz").write_bytes(b"")
    with pytest.raises(Tampered, match="never archived"):
        segments(log)


def test_quarantine(log: Path) -> None:
    """Only torn tails are in the quarantine."""
    assert quarantined(log) == []
    (log / "quarantine").mkdir()
    (log / "quarantine" / "000000000004-1.torn").touch()
    assert quarantined(log) == ["quarantine/000000000004-1.torn"]
    (log / "quarantine" / "x").touch()
    with pytest.raises(Tampered, match="quarantine/x"):
        quarantined(log)


def test_printable() -> None:
    """A name goes to a terminal without its controls, and not without end."""
    assert printable("医保\n\x1b[2J" + "x" * 200).startswith("医保\ufffd\ufffd[2J")
    assert len(printable("x" * 200)) == 100
