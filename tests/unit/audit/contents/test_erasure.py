"""audit/contents/erasure.py: what is destroyed, and what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from harness.contents import NOW, Bench

from audit.contents import erasure, keyfiles
from audit.contents.sealer import Sealed
from audit.errors import ContentsErased, ContentsUnavailable, ContentsUnreadable

START = datetime.fromtimestamp(NOW, UTC)


def test_one_person_is_erased_and_nobody_else(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """All keys of all workers; the texts of others stay readable."""
    mine = [seal("1"), bench.sealer().seal("alice", "req_1", "prompt", b"2")]
    theirs = seal("3", subject="alice2")
    doomed = erasure.of_subject(bench.store, "alice")
    assert len(doomed.keys) == 2
    erasure.destroy(doomed)
    for sealed in mine:
        with pytest.raises(ContentsUnreadable, match="erased"):
            bench.open(sealed)
    assert bench.open(theirs, subject="alice2") == "3"


def test_erasing_again_and_erasing_nobody(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """A second time, after a crash, or for a name that never was: nothing is there, and nothing fails."""
    seal("x")
    doomed = erasure.of_subject(bench.store, "alice")
    erasure.destroy(doomed)
    erasure.destroy(doomed)
    assert not erasure.of_subject(bench.store, "alice")
    assert not erasure.of_subject(bench.store, "../alice\0")


def test_a_key_that_is_just_being_written(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """It is destroyed under both its names, whichever it has by then."""
    seal("x")
    (file,) = bench.key_files()
    unfinished = file.with_name(file.name + ".new")
    file.rename(unfinished)
    doomed = erasure.of_subject(bench.store, "alice")
    assert doomed.keys == (unfinished,)
    unfinished.rename(file)
    erasure.destroy(doomed)
    assert bench.key_files() == []


@pytest.mark.parametrize(("hours", "left"), [(24, 2), (25, 1)])
def test_old_texts_are_erased_by_the_age_of_their_keys(bench: Bench, hours: int, left: int) -> None:
    """A key may have been used for a day: before that is over too, it is not old. Nothing younger is lost."""
    bench.sealer().seal("alice", "r", "prompt", b"old")
    bench.clock.seconds = 86_400
    bench.sealer().seal("alice", "r", "prompt", b"young")
    erasure.destroy(erasure.older_than(bench.store, START + timedelta(hours=hours)))
    assert len(bench.key_files()) == left


def test_files_of_old_texts_are_removed(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """By their last change; what a worker may still write to stays."""
    old, young = seal("old"), bench.sealer().seal("bob", "r", "prompt", b"young")
    os.utime(bench.store.texts / old.file, (NOW, NOW))
    os.utime(bench.store.texts / young.file, (NOW + 60, NOW + 60))
    doomed = erasure.older_than(bench.store, START + timedelta(seconds=30))
    assert [path.name for path in doomed.texts] == [old.file]
    assert doomed.keys == ()
    erasure.destroy(doomed)
    assert [path.name for path in bench.store.texts.iterdir()] == [young.file]


def test_a_key_whose_age_cannot_be_read(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """It is neither destroyed nor passed over: whoever erases is told."""
    seal("x")
    (file,) = bench.key_files()
    file.write_bytes(b"{}")
    with pytest.raises(ContentsUnavailable, match="its age cannot be read"):
        erasure.older_than(bench.store, START)
    file.write_bytes(b"")
    erasure.destroy(erasure.of_subject(bench.store, "alice"))
    assert not keyfiles.present(file)


def test_a_disk_that_refuses(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """What could not be destroyed is said; the next run goes on with it."""
    seal("x")
    (file,) = bench.key_files()
    doomed = erasure.of_subject(bench.store, "alice")
    file.unlink()
    file.mkdir()
    with pytest.raises(ContentsUnavailable, match="not everything could be destroyed"):
        erasure.destroy(doomed)


def test_a_disk_that_refuses_one_of_several(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """One key that cannot be destroyed saves no other."""
    seal("x"), bench.sealer().seal("alice", "r", "prompt", b"y")
    doomed = erasure.of_subject(bench.store, "alice")
    first, second = doomed.keys
    first.unlink()
    first.mkdir()
    with pytest.raises(ContentsUnavailable, match="not everything could be destroyed"):
        erasure.destroy(doomed)
    assert not second.exists()


def test_a_crash_between_overwriting_and_removing_a_key(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The key is gone already: its texts say so, and the next erasure by age takes the rest and goes on."""
    sealed = seal("x")
    seal("y", subject="bob")
    (file,) = bench.key_files()
    descriptor = os.open(file, os.O_WRONLY)
    keyfiles.overwrite(descriptor)
    os.close(descriptor)
    with pytest.raises(ContentsErased):
        bench.open(sealed)
    doomed = erasure.older_than(bench.store, START - timedelta(days=1))
    assert doomed.keys == (file,)
    erasure.destroy(doomed)
    assert not file.exists()


def test_a_rewrapping_that_broke_off_saves_no_key(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """Its unfinished file holds the same key for another auditor: it goes with the old one, by age, too."""
    seal("x")
    (file,) = bench.key_files()
    unfinished = file.with_name(file.name + ".new")
    unfinished.write_bytes(file.read_bytes())
    erasure.destroy(erasure.older_than(bench.store, START + timedelta(days=3)))
    assert not file.exists()
    assert not unfinished.exists()
