"""The lock of an index: one writer or several readers, and nobody waits for ever."""

import threading
from pathlib import Path

import pytest

from audit.errors import ReviewFailed
from audit.review import lock as module
from audit.review.lock import lock


def test_a_writer_waits_for_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the index once the last reader is gone, and says meanwhile what it waits for."""
    monkeypatch.setattr(module, "_WORTH_A_WORD", -1.0)
    told, waiting, got = list[str](), threading.Event(), threading.Event()

    def notice(text: str) -> None:
        told.append(text)
        waiting.set()

    def write() -> None:
        with lock(tmp_path / "i", notice) as held:
            held.for_writing()
            got.set()

    with lock(tmp_path / "i", print) as one, lock(tmp_path / "i", print) as other:
        one.for_reading()
        other.for_reading()
        writer = threading.Thread(target=write)
        writer.start()
        assert waiting.wait(30)
        assert not got.is_set()
    writer.join(30)
    assert got.is_set()
    assert told == ["waiting for another process that brings the index up to date"]


def test_patience_ends(tmp_path: Path) -> None:
    """Neither a reader nor a second writer waits for a writer for ever."""
    with lock(tmp_path / "i", print) as writer:
        writer.for_writing()
        with lock(tmp_path / "i", print, patience=0.0) as other:
            for take in (other.for_reading, other.for_writing):
                with pytest.raises(ReviewFailed, match="another process has used the index"):
                    take()


def test_a_writer_becomes_a_reader(tmp_path: Path) -> None:
    """Who has brought the index up to date lets others in while reading it."""
    with lock(tmp_path / "i", print) as first, lock(tmp_path / "i", print, patience=0.0) as second:
        first.for_writing()
        first.for_reading()
        second.for_reading()


@pytest.mark.parametrize("kind", ["link", "nowhere"])
def test_no_place_for_the_lock(tmp_path: Path, kind: str) -> None:
    """A planted link is not followed, and a folder that cannot be written is named with the way out."""
    (tmp_path / "i.lock").symlink_to(tmp_path / "elsewhere")
    index = tmp_path / "i" if kind == "link" else tmp_path / "missing" / "i"
    with pytest.raises(ReviewFailed, match="--index"), lock(index, print):
        pass
    assert not (tmp_path / "elsewhere").exists()
