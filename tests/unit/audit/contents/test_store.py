"""audit/contents/store.py: a folder that nobody else may look into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.contents.store import create_store, maintenance, open_file, open_store
from audit.errors import ContentsUnavailable, LogBusy


def test_a_store_is_created_once_and_opened_again(tmp_path: Path) -> None:
    """All folders have mode 0700, whatever the umask; a second start finds them in order."""
    before = os.umask(0)
    try:
        store = create_store(tmp_path / "c")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (store.root, store.keys, store.texts)} == {0o700}
    assert create_store(tmp_path / "c") == open_store(tmp_path / "c") == store


@pytest.mark.parametrize("name", ["", "keys", "texts"])
def test_a_folder_that_others_can_read(tmp_path: Path, name: str) -> None:
    """A store that lost its mode is refused, and not silently repaired: someone may have looked already."""
    store = create_store(tmp_path / "c")
    (store.root / name).chmod(0o750)
    with pytest.raises(ContentsUnavailable, match="must belong to the gateway's user and have mode 0700"):
        create_store(tmp_path / "c")


@pytest.mark.parametrize("name", ["", "keys", "texts"])
def test_a_link_in_the_place_of_a_folder(tmp_path: Path, name: str) -> None:
    """Texts cannot be led elsewhere."""
    create_store(tmp_path / "c")
    (tmp_path / "c" / name).rename(tmp_path / "moved")
    (tmp_path / "c" / name).symlink_to(tmp_path / "moved")
    with pytest.raises(ContentsUnavailable, match="a link"):
        create_store(tmp_path / "c")


@pytest.mark.parametrize("name", ["absent/c", "file/c", "nul\0"])
def test_a_place_where_no_store_can_be(tmp_path: Path, name: str) -> None:
    """No parent folder, a file in the way, an impossible name: refused with the path."""
    (tmp_path / "file").touch()
    with pytest.raises(ContentsUnavailable):
        create_store(tmp_path / name)
    with pytest.raises(ContentsUnavailable):
        open_store(tmp_path / name)


def test_one_maintenance_at_a_time(tmp_path: Path) -> None:
    """A key that is rewrapped while it is erased could come back: the second command is refused, not queued."""
    store = create_store(tmp_path / "c")
    with maintenance(store), pytest.raises(LogBusy, match="another"), maintenance(store):
        raise AssertionError("two at once")
    with maintenance(store):
        pass


def test_a_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    """Opening it would wait for ever; it is refused at once."""
    os.mkfifo(tmp_path / "f")
    with pytest.raises(OSError, match="not a regular file"):
        open_file(tmp_path / "f", os.O_RDONLY)
