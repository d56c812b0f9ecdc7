"""Small files that are whole or not there, and locks that only one holds."""

import os
import stat
from pathlib import Path

import pytest

from audit.anchors.durable import locked, replace_file
from audit.errors import LogBusy


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The new content is there under the mode asked for, and nothing else is left in the folder."""
    for data in (b"one", b"two and more", b""):
        replace_file(tmp_path / "f", data, 0o640)
        assert (tmp_path / "f").read_bytes() == data
        assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_power_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new content is on disk before it gets the name, and the name is before the call returns."""
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def move(file: Path, target: Path) -> Path:
        steps.append("name")
        return rename(file, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", move)
    replace_file(tmp_path / "f", b"data")
    assert steps == ["content", "name", "folder"]


def test_a_file_that_cannot_be_replaced(tmp_path: Path) -> None:
    """Where the new file cannot take the place of the old one, the old one stays and no rest is left."""
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "f", b"data")
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_one_holder(tmp_path: Path) -> None:
    """A lock that is held is refused to the next, and free again behind the block."""
    first, second = (locked(tmp_path / "lock", "it is taken") for _ in range(2))
    with first, pytest.raises(LogBusy, match="it is taken"), second:
        pass
    with locked(tmp_path / "lock", "it is taken"):
        pass


def test_lock_that_is_a_link(tmp_path: Path) -> None:
    """A link in the place of the lock is not followed."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), locked(tmp_path / "lock", ""):
        pass
    assert not (tmp_path / "elsewhere").exists()
