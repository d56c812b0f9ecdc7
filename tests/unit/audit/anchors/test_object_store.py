"""Notes as objects of any file system that fsspec knows."""

import builtins
import uuid
from pathlib import Path
from typing import Any

import pytest
from harness.notes import notes_of

from audit.anchors.object_store import ObjectStore
from audit.anchors.target import Kept
from audit.errors import AnchorFailed

Log = Any  # the class in this folder's conftest


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A prefix of a file system."""
    return ObjectStore(f"memory://{uuid.uuid4().hex}" if request.param == "memory" else f"local://{tmp_path}/objects")


def test_notes_are_kept(store: ObjectStore, log: Log) -> None:
    """Each note is one object, read back by its size, and all come back in order."""
    notes, size = [], 0
    assert store.newest("host-a/hangu", 0) is None
    for _ in range(3):
        log.grow()
        view = log.view()
        Kept(store).anchor(view, view.seen.note, size)
        size = view.seen.size
        notes.append(view.seen.note)
    assert store.newest("host-a/hangu", 0) == notes[-1]
    assert store.newest("host-a/hangu", size) is None
    assert notes_of(store, "host-a/hangu") == notes
    assert notes_of(store, "host-b/hangu") == []


def test_nothing_is_overwritten(store: ObjectStore) -> None:
    """A second note for a size is refused, and the first one stays."""
    store.create("host-a/hangu", 7, "first")
    with pytest.raises(FileExistsError):
        store.create("host-a/hangu", 7, "second")
    assert store.read("host-a/hangu", 7) == "first"


def test_file_system_that_is_not_known() -> None:
    """A scheme that fsspec does not know is refused by its name."""
    with pytest.raises(AnchorFailed, match=r"nosuch://x: .*nosuch"):
        ObjectStore("nosuch://x")


def test_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the libraries the message says what to install."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("fsspec"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AnchorFailed, match=r"pip install 'hangu\[anchors\]'"):
        ObjectStore("memory://x")
