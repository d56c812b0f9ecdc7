"""audit/contents/keyfiles.py: whole files, or none."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from audit.contents import keyfiles
from audit.contents.envelope import WRAPPED_BYTES, KeyPlace, subject_name
from audit.contents.keyfiles import KeyFile
from audit.contents.store import Store, create_store
from audit.errors import ContentsUnavailable, ContentsUnreadable

PLACE = KeyPlace("host-a/hangu", subject_name("张三"), "0" * 32, "2026-11-23T08:00:00Z")
HELD = KeyFile(PLACE, "a" * 16, bytes(WRAPPED_BYTES))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return create_store(tmp_path / "contents")


def test_a_key_is_written_read_and_listed(store: Store) -> None:
    """It is found by its subject and among all, with mode 0600, and its name says nothing of the subject."""
    file = keyfiles.write(store, HELD)
    assert keyfiles.read(file) == HELD
    assert keyfiles.present(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert keyfiles.keys_of(store, PLACE.subject) == list(keyfiles.all_keys(store)) == [file]
    assert keyfiles.keys_of(store, subject_name("李四")) == []
    assert "张三" not in file.read_text()


def test_a_second_write_replaces_the_first(store: Store) -> None:
    """A rewrapped key stands in the old one's place, with nothing left beside it."""
    keyfiles.write(store, HELD)
    file = keyfiles.write(store, replace(HELD, auditor="b" * 16))
    assert keyfiles.read(file).auditor == "b" * 16
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_crash_while_a_key_is_written(store: Store) -> None:
    """A half-written file is no key: not listed, no obstacle to the next write, and destroyed with its subject."""
    file = keyfiles.write(store, HELD)
    unfinished = file.with_name(file.name + ".new")
    unfinished.write_bytes(b'{"form')
    assert list(keyfiles.all_keys(store)) == [file]
    assert keyfiles.keys_of(store, PLACE.subject) == [file, unfinished]
    keyfiles.write(store, HELD)
    assert not unfinished.exists()


def test_a_destroyed_key_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """The bytes are overwritten, also for whoever holds another name of the file; a second time is no error."""
    file = keyfiles.write(store, HELD)
    (tmp_path / "kept").hardlink_to(file)
    keyfiles.destroy(file)
    keyfiles.destroy(file)
    assert not keyfiles.present(file)
    assert set((tmp_path / "kept").read_bytes()) == {0}
    with pytest.raises(ContentsUnreadable, match="erased"):
        keyfiles.read(file)


def test_a_link_in_the_place_of_a_key(store: Store, tmp_path: Path) -> None:
    """It is not followed: what it points to is neither read nor overwritten, and the link itself is removed."""
    file = keyfiles.write(store, HELD)
    file.rename(tmp_path / "other")
    file.symlink_to(tmp_path / "other")
    before = (tmp_path / "other").read_bytes()
    with pytest.raises(ContentsUnreadable, match="cannot be read"):
        keyfiles.read(file)
    keyfiles.destroy(file)
    assert not file.is_symlink()
    assert (tmp_path / "other").read_bytes() == before


@pytest.mark.parametrize("member", ["origin", "subject", "key", "created", "auditor", "wrapped", "format"])
def test_a_key_file_without_a_member(store: Store, member: str) -> None:
    """A key file with a part missing, or of another type, is not a key."""
    file = keyfiles.write(store, HELD)
    value = json.loads(file.read_text())
    for broken in ({**value, member: 1}, {name: value[name] for name in value if name != member}):
        file.write_text(json.dumps(broken))
        with pytest.raises(ContentsUnreadable, match="not the key that its name says"):
            keyfiles.read(file)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"[" * 4096, b"{}" + b" " * 100_000])
def test_a_key_file_that_is_none(store: Store, data: bytes) -> None:
    """Empty, binary, deep and huge files are unreadable keys, not stack traces."""
    file = keyfiles.write(store, HELD)
    file.write_bytes(data)
    with pytest.raises(ContentsUnreadable):
        keyfiles.read(file)


def test_wrapped_key_swapped(store: Store) -> None:
    """A file of one subject under the name of another's is not the key that its name says."""
    other = replace(PLACE, subject=subject_name("李四"))
    theirs, mine = keyfiles.write(store, replace(HELD, place=other)), keyfiles.write(store, HELD)
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(ContentsUnreadable, match="not the key that its name says"):
        keyfiles.read(mine)


def test_something_foreign_among_the_keys(store: Store) -> None:
    """A list that passed over it could miss a key that was renamed to survive an erasure."""
    file = keyfiles.write(store, HELD)
    file.rename(file.with_suffix(".bak"))
    with pytest.raises(ContentsUnavailable, match="not of this store"):
        keyfiles.keys_of(store, PLACE.subject)
    with pytest.raises(ContentsUnavailable, match="not of this store"):
        list(keyfiles.all_keys(store))


def test_a_link_in_the_place_of_a_shard(store: Store, tmp_path: Path) -> None:
    """An erasure that followed it would destroy elsewhere."""
    file = keyfiles.write(store, HELD)
    file.parent.rename(tmp_path / "moved")
    file.parent.symlink_to(tmp_path / "moved")
    with pytest.raises(ContentsUnavailable, match="a link"):
        keyfiles.keys_of(store, PLACE.subject)
    with pytest.raises(ContentsUnavailable, match="not of this store"):
        list(keyfiles.all_keys(store))


def test_full_disk_is_not_littered(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is refused leaves no file behind; one that replaces another leaves that one."""
    file = keyfiles.write(store, HELD)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda _descriptor, data: len(data) // 2)
        for held in (HELD, replace(HELD, place=replace(PLACE, key="1" * 32))):
            with pytest.raises(OSError, match="short write"):
                keyfiles.write(store, held)
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    assert keyfiles.read(file) == HELD


def test_a_disk_that_cannot_overwrite(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full copy-on-write disk keeps no key alive: the file is removed, and the failure said."""
    file = keyfiles.write(store, HELD)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keyfiles, "overwrite", full)
    with pytest.raises(OSError, match="No space left"):
        keyfiles.destroy(file)
    assert not keyfiles.present(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_key_that_root_wrote(store: Store) -> None:
    """After a `rewrap` by root the gateway's user can still read the age of its keys, and erase them."""
    os.chown(store.root, 65534, 65534)
    status = keyfiles.write(store, HELD).stat()
    assert (status.st_uid, status.st_gid) == (65534, 65534)
