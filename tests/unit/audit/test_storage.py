"""The open segment: what is done to its file behind its back is noticed before the next byte is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.storage import Segment


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    """A segment with some bytes in it."""
    segment = Segment(tmp_path / "000000000000.log")
    segment.append(b"first\n")
    return segment


def test_append(segment: Segment, tmp_path: Path) -> None:
    """What is appended follows what was there, and the size is that of the file."""
    segment.append(b"second\n")
    assert (tmp_path / segment.name).read_bytes() == b"first\nsecond\n"
    assert segment.size == 13
    segment.close()


def test_existing_file(tmp_path: Path) -> None:
    """A file that is already there, or a link, is never written into."""
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            Segment(tmp_path / name)
    assert (tmp_path / "file").read_bytes() == b"mine"


def replace(path: Path) -> None:
    """Another file of the same bytes under the name."""
    data = path.read_bytes()
    path.rename(path.with_suffix(".old"))
    path.write_bytes(data)


def overwrite(path: Path) -> None:
    """Other bytes of the same number, some time later."""
    with path.open("r+b") as stream:
        stream.write(b"FIRST")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 50_000_000))  # whatever the file system's clock ticks


def lengthen(path: Path) -> None:
    """One byte more."""
    with path.open("ab") as stream:
        stream.write(b"x")


ATTACKS: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "was removed"),
    (replace, "was replaced"),
    (lambda path: os.truncate(path, 3), "has 3 bytes, 6 were written"),
    (lengthen, "has 7 bytes, 6 were written"),
    (overwrite, "was written to by someone else"),
]


@pytest.mark.parametrize(("attack", "message"), ATTACKS)
def test_disturbed(attack: Callable[[Path], object], message: str, segment: Segment, tmp_path: Path) -> None:
    """Removed, replaced, cut, appended to or overwritten in place: nothing more is written, and the file is named."""
    attack(tmp_path / segment.name)
    with pytest.raises(OSError, match=f"000000000000.log {message}"):
        segment.append(b"second\n")
    segment.close()


def test_backup_by_hard_links(segment: Segment, tmp_path: Path) -> None:
    """A backup that links the file, or reads it, or changes its mode, is no disturbance."""
    (tmp_path / "backup").hardlink_to(tmp_path / segment.name)
    (tmp_path / segment.name).chmod(0o600)
    segment.append(b"second\n")
    segment.close()
