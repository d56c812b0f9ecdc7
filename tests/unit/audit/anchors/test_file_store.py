"""Notes in files: appended or made once, durable, and never changed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.notes import notes_of

from audit.anchor import load_anchors
from audit.anchors.file_store import NotesFile, NotesFolder
from audit.anchors.target import Kept
from audit.errors import AnchorFailed, Tampered

Log = Any  # the class in this folder's conftest
NewLog = Callable[..., Any]
Store = NotesFile | NotesFolder
KINDS = ["file", "folder"]


def store_in(kind: str, tmp_path: Path) -> Store:
    """A store of this kind, in a place of its own."""
    if kind == "file":
        return NotesFile(tmp_path / "anchors.notes")
    (tmp_path / "mount").mkdir(exist_ok=True)
    return NotesFolder(tmp_path / "mount")


@pytest.mark.parametrize("kind", KINDS)
def test_notes_are_kept(kind: str, log: Log, tmp_path: Path) -> None:
    """Each note is read back by its size, the greatest is known, and all come back in order."""
    store = store_in(kind, tmp_path)
    target = Kept(store)
    notes, seen, size = [], None, 0
    assert store.newest("host-a/hangu", 0) is None
    for _ in range(3):
        log.grow()
        view = log.view(seen)
        assert target.anchor(view, view.seen.note, size) == ""
        seen, size = view.seen, view.seen.size
        notes.append(view.seen.note)
    assert store.read("host-a/hangu", size) == notes[-1]
    assert store.newest("host-a/hangu", 0) == notes[-1]
    assert store.newest("host-a/hangu", size) is None
    assert notes_of(store, "host-a/hangu") == notes
    assert store.read("host-b/hangu", size) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_checkpoint_again(kind: str, log: Log, tmp_path: Path) -> None:
    """A checkpoint that is there already, with other cosignatures, is as good as a new one and stays as it is."""
    view = log.view()
    for _ in range(2):
        Kept(store_in(kind, tmp_path)).anchor(view, view.seen.note, 0)
    Kept(store_in(kind, tmp_path)).anchor(view, view.seen.note + "— witness.example AAAAAAAAAAAA\n", 0)
    assert notes_of(store_in(kind, tmp_path), "host-a/hangu") == [view.seen.note]


@pytest.mark.parametrize("kind", KINDS)
def test_rewritten_log(kind: str, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A store with a note of another history, of the same size or a greater one, proves the log rewritten."""
    Kept(store_in(kind, tmp_path)).anchor(log.view(), log.view().seen.note, 0)
    forged = new_log(tmp_path / "forged")
    forged.grow(2, text="another story")
    with pytest.raises(Tampered, match="kept elsewhere"):
        Kept(store_in(kind, tmp_path)).anchor(forged.view(), forged.view().seen.note, 0)
    with pytest.raises(Tampered, match="kept elsewhere"):
        Kept(store_in(kind, tmp_path)).anchor(forged.view(), forged.view().seen.note, forged.view().seen.size)


@pytest.mark.parametrize("kind", KINDS)
def test_rolled_back_log_and_lost_state(kind: str, log: Log, tmp_path: Path) -> None:
    """A process that lost its memory learns from the store that the log was longer once."""
    short = log.copy(tmp_path / "short").view()
    log.open()
    log.grow(3)
    Kept(store_in(kind, tmp_path)).anchor(log.view(), log.view().seen.note, 0)
    with pytest.raises(Tampered, match="ends with"):
        Kept(store_in(kind, tmp_path)).anchor(short, short.seen.note, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_unmounted_disk(kind: str, log: Log, tmp_path: Path) -> None:
    """Where the folder is missing, as of a disk that is not mounted, nothing is made in its place."""
    missing = tmp_path / "missing"
    store: Store = NotesFile(missing / "a.notes") if kind == "file" else NotesFolder(missing)
    with pytest.raises(AnchorFailed, match="FileNotFoundError"):
        Kept(store).anchor(log.view(), log.view().seen.note, 0)
    assert not missing.exists()


def test_file_for_verify(log: Log, tmp_path: Path) -> None:
    """A file of notes can be given to the verifier as it is, and may hold several logs' notes."""
    store = NotesFile(tmp_path / "anchors.notes")
    Kept(store).anchor(log.view(), log.view().seen.note, 0)
    log.grow()
    Kept(store).anchor(log.view(), log.view().seen.note, 0)
    assert len(list(load_anchors(tmp_path / "anchors.notes", log.key.public))) == 2
    store.create("host-b/hangu", 9, log.view().seen.note.replace("host-a", "host-b"))
    assert len(notes_of(store, "host-a/hangu")) == 2


@pytest.mark.parametrize(
    "rest", ["garbage", "garbage\n", "host-a/hangu\n7\n", "host-a/hangu\n7\nAAAA\n\n— host-a/hangu"]
)
def test_half_written_note(rest: str, log: Log, tmp_path: Path) -> None:
    """A file that does not end in a whole note gets no further one, which could be read as part of it."""
    store = NotesFile(tmp_path / "anchors.notes")
    Kept(store).anchor(log.view(), log.view().seen.note, 0)
    with (tmp_path / "anchors.notes").open("a") as stream:
        stream.write(rest)
    log.grow()
    with pytest.raises(AnchorFailed, match="does not end in a whole note"):
        Kept(store).anchor(log.view(), log.view().seen.note, 0)


@pytest.mark.parametrize(
    "planted",
    [
        "host-a/hangu\n5\n\n— x y\n",
        "host-a/hangu\n",
        "\n\nhost-a/hangu\n7\nAAAA\n\n\n",
        "x" * 200_000 + "\n",
        "医保\n" * 2_000 + "\n",
    ],
)
def test_planted_lines(planted: str, log: Log, tmp_path: Path) -> None:
    """Whatever lines of text others write before, between and behind the notes of a file, the notes are found."""
    first = log.view().seen.note
    log.grow()
    second = log.view().seen.note
    (tmp_path / "anchors.notes").write_text(planted + first + planted + second + planted, encoding="utf-8")
    store = NotesFile(tmp_path / "anchors.notes")
    assert notes_of(store, "host-a/hangu") == [first, second]
    assert store.read("host-a/hangu", log.view().seen.size) in (second, None)  # None: too far from the end


def test_a_file_made_to_take_for_ever(log: Log, tmp_path: Path) -> None:
    """A hundred thousand lines that begin like a note cost one pass: a search that tries again from each took hours."""
    (tmp_path / "anchors.notes").write_text("host-a/hangu\n" + "a\n" * 100_000 + log.view().seen.note, encoding="utf-8")
    store = NotesFile(tmp_path / "anchors.notes")
    assert store.newest("host-a/hangu", 0) == log.view().seen.note
    log.grow()
    Kept(store).anchor(log.view(), log.view().seen.note, 0)
    assert len(notes_of(store, "host-a/hangu")) == 2


def test_file_that_is_a_link(log: Log, tmp_path: Path) -> None:
    """A link in the place of the file is not followed."""
    (tmp_path / "anchors.notes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AnchorFailed, match="OSError"):
        Kept(NotesFile(tmp_path / "anchors.notes")).anchor(log.view(), log.view().seen.note, 0)
    assert not (tmp_path / "elsewhere").exists()


def test_note_in_a_folder_is_not_overwritten(log: Log, tmp_path: Path) -> None:
    """A file that stands where a note should go stays as it is."""
    store = store_in("folder", tmp_path)
    view = log.view()
    place = tmp_path / "mount" / "host-a" / "hangu" / f"{view.seen.size:012d}.note"
    place.parent.mkdir(parents=True)
    place.write_text("something else")
    with pytest.raises(AnchorFailed, match="something else than a checkpoint note"):
        Kept(store).anchor(view, view.seen.note, 0)
    with pytest.raises(FileExistsError):
        store.create("host-a/hangu", view.seen.size, view.seen.note)
    assert place.read_text() == "something else"
    assert os.listdir(place.parent) == [place.name]  # noqa: PTH208 - hidden files count


def test_folder_with_other_files(log: Log, tmp_path: Path) -> None:
    """Names that are no notes are passed over."""
    store = store_in("folder", tmp_path)
    view = log.view()
    Kept(store).anchor(view, view.seen.note, 0)
    for name in ("x.note", "7.note", "000000000007", ".000000000008.note.5", "0000000000009.note"):
        (tmp_path / "mount" / "host-a" / "hangu" / name).write_text("x")
    assert notes_of(store, "host-a/hangu") == [view.seen.note]
