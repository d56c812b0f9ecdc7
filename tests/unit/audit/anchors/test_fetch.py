"""Fetching anchors back: only what the log's key signed, and everything that it signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.anchors.fetch import fetch
from audit.anchors.file_store import NotesFile, NotesFolder
from audit.checkpoint import LogKey
from audit.cosignature import parse_signed_note
from audit.errors import AnchorFailed

Log = Any  # the classes in this folder's conftest
NewLog = Callable[..., Any]
Served = Any


def store_of(tmp_path: Path, *notes: str) -> NotesFile:
    """A file with these notes."""
    (tmp_path / "notes").write_text("\n".join(notes), encoding="utf-8")
    return NotesFile(tmp_path / "notes")


def test_notes_in_order_and_once(log: Log, tmp_path: Path) -> None:
    """The newest notes come back oldest first, each checkpoint once."""
    notes = []
    for _ in range(4):
        log.grow()
        notes.append(log.view().seen.note)
    store = store_of(tmp_path, *notes, notes[1], notes[0])
    assert fetch(store, [log.key], [], 0).notes == tuple(notes)
    assert fetch(store_of(tmp_path, *notes), [log.key], [], 2).notes == tuple(notes[-2:])


def test_planted_notes(log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """Notes that the log's key did not sign are left out and counted, so that nobody can spoil the anchors."""
    stranger = new_log(tmp_path / "stranger", seed=b"\x0d" * 32)
    stranger.grow()
    good, planted = log.view().seen.note, stranger.view().seen.note
    found = fetch(store_of(tmp_path, planted, good), [log.key], [], 0)
    assert (found.notes, found.left_out) == ((good,), 1)
    both = fetch(store_of(tmp_path, planted, good), [log.key, stranger.key], [], 0)
    assert sorted(both.notes) == sorted((good, planted))


def test_newest_notes_buried(log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """Notes of a stranger, and old notes copied to greater sizes, do not push the newest ones out of the last few."""
    (tmp_path / "mount").mkdir()
    store = NotesFolder(tmp_path / "mount")
    notes = []
    for _ in range(3):
        log.grow()
        notes.append(log.view().seen.note)
        store.create("host-a/hangu", log.view().seen.size, notes[-1])
    stranger = new_log(tmp_path / "stranger", seed=b"\x0d" * 32)
    stranger.grow()
    for number in range(5):
        store.create("host-a/hangu", 1_000 + number, notes[0])
        store.create("host-a/hangu", 2_000 + number, stranger.view().seen.note)
    found = fetch(store, [log.key], [], 2)
    assert (found.notes, found.left_out) == (tuple(notes[1:]), 10)


def test_two_histories_under_one_key(log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """Two notes of one size are both fetched: together they convict the key."""
    forged = new_log(tmp_path / "forged")
    forged.grow(2, text="another story")
    found = fetch(store_of(tmp_path, log.view().seen.note, forged.view().seen.note), [log.key], [], 0)
    assert len(found.notes) == 2


def test_only_cosigned_notes(log: Log, served: Served, tmp_path: Path) -> None:
    """With witnesses given, notes that lack one are left out; of two notes of one checkpoint the fuller is taken."""
    from audit.anchors.witness_client import WitnessTarget

    early = log.view().seen.note
    log.grow()
    plain = log.view().seen.note
    cosigned = plain + WitnessTarget(served.url, served.key, 10.0).anchor(log.view(), "", 0)
    store = store_of(tmp_path, early, plain, cosigned)
    assert fetch(store, [log.key], [served.key], 0).notes == (cosigned,)
    assert fetch(store, [log.key], [], 0).notes == (early, cosigned)
    assert len(parse_signed_note(cosigned).signatures) == 2


def test_what_cannot_be_fetched(log: Log, tmp_path: Path) -> None:
    """A store that cannot be read is a failure, as are keys of two logs; one with nothing of this log is empty."""
    with pytest.raises(AnchorFailed, match="FileNotFoundError"):
        fetch(NotesFile(tmp_path / "missing"), [log.key], [], 0)
    other = LogKey("host-b/hangu", log.key.public)
    with pytest.raises(AnchorFailed, match="keys of different logs"):
        fetch(store_of(tmp_path, log.view().seen.note), [log.key, other], [], 0)
    assert fetch(store_of(tmp_path, log.view().seen.note), [other], [], 0).notes == ()
