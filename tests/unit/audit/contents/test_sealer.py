"""audit/contents/sealer.py: the gateway seals, and an erased person's key is used no more."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.contents import ORIGIN, Bench

from audit.contents import erasure, keyfiles, sealer
from audit.contents.sealer import Sealed
from audit.errors import ContentsUnavailable, ContentsUnreadable


def _nonce(bench: Bench, sealed: Sealed) -> bytes:
    return (bench.store.texts / sealed.file).read_bytes()[sealed.offset : sealed.offset + 12]


def test_what_is_sealed_is_readable_by_the_auditor_alone(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The text is in no file of the store; the auditor gets it back."""
    sealed = seal("医保卡号")
    files = b"".join(path.read_bytes() for path in bench.store.root.rglob("*") if path.is_file())
    assert "医保卡号".encode() not in files
    assert b"alice" not in files
    assert bench.open(sealed) == "医保卡号"


def test_a_subject_keeps_its_key_and_others_have_their_own(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """One key for each subject and worker, so that erasing one erases nobody else."""
    assert seal("a").key == seal("b").key != seal("c", subject="bob").key
    other_worker = bench.sealer().seal("alice", "req_1", "prompt", b"d")
    assert other_worker.key != seal("e").key
    assert len(bench.key_files("alice")) == 2
    assert len(bench.key_files("bob")) == 1


def test_no_nonce_comes_twice(bench: Bench) -> None:
    """64 threads and a small key life: under one key, no two texts have the same nonce (SP 800-38D section 8)."""
    worker = bench.sealer()
    with ThreadPoolExecutor(64) as pool:
        made = list(pool.map(lambda number: worker.seal("alice", str(number), "prompt", b"x"), range(500)))
    assert len({(sealed.key, _nonce(bench, sealed)) for sealed in made}) == 500


def test_a_forked_worker_starts_with_keys_of_its_own(bench: Bench) -> None:
    """Two processes that counted on under one key would use the same nonce for two texts."""
    worker = bench.sealer()
    before = worker.seal("alice", "req_1", "prompt", b"x")
    worker._process = os.getpid() + 1  # what a child finds: the parent's number
    after = worker.seal("alice", "req_2", "prompt", b"x")
    assert after.key != before.key
    assert after.file != before.file


@pytest.mark.parametrize(("seconds", "same"), [(sealer.KEY_SECONDS, True), (sealer.KEY_SECONDS + 1, False)])
def test_a_key_is_used_for_a_day(bench: Bench, seal: Callable[..., Sealed], seconds: float, *, same: bool) -> None:
    """So that old texts can be erased by the age of their keys."""
    before = seal("a").key
    bench.clock.seconds = seconds
    assert (seal("b").key == before) is same


def test_a_key_is_used_so_often(bench: Bench, seal: Callable[..., Sealed], monkeypatch: pytest.MonkeyPatch) -> None:
    """The count that becomes the nonce is bounded."""
    monkeypatch.setattr(sealer, "KEY_USES", 3)
    keys = [seal("x").key for _ in range(7)]
    assert [keys.count(key) for key in dict.fromkeys(keys)] == [3, 3, 1]


def test_a_worker_keeps_a_bounded_number_of_keys(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subject that was not heard of for longest gets a new key when it comes back."""
    monkeypatch.setattr(sealer, "MAX_CACHED", 2)
    worker = bench.sealer()
    first = [worker.seal(subject, "r", "prompt", b"x").key for subject in ("a", "b", "a", "c", "a", "b")]
    assert first[0] == first[2] == first[4]
    assert first[1] != first[5]


def test_an_erased_subject_gets_a_new_key_at_once(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """No restart is needed: the next text is under another key, and the old texts stay unreadable."""
    before, other = seal("before"), seal("other", subject="bob")
    erasure.destroy(erasure.of_subject(bench.store, "alice"))
    after = seal("after")
    assert after.key != before.key
    assert bench.open(after) == "after"
    assert bench.open(other, subject="bob") == "other"
    with pytest.raises(ContentsUnreadable, match="erased"):
        bench.open(before)


def test_an_erased_key_leaves_the_memory_of_a_busy_worker(bench: Bench) -> None:
    """Also where its subject never comes back: within a minute of other people's requests."""
    worker = bench.sealer()
    worker.seal("alice", "r", "prompt", b"x")
    erasure.destroy(erasure.of_subject(bench.store, "alice"))
    bench.clock.seconds = 61
    worker.seal("bob", "r", "prompt", b"x")
    assert len(worker._keys) == 1


def test_erasing_while_workers_write(bench: Bench) -> None:
    """Every text is either readable or under an erased key; no worker fails, and none uses an erased key again."""
    workers = [bench.sealer(), bench.sealer()]

    def write(number: int) -> Sealed:
        if number % 40 == 0:  # 5 times: fewer than a worker tries to write a key
            erasure.destroy(erasure.of_subject(bench.store, "alice"))
        return workers[number % 2].seal("alice", "req_1", "prompt", str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(write, range(200)))
    left = {path.name[65:97] for path in bench.key_files()}
    for number, sealed in enumerate(made):
        if sealed.key in left:
            assert bench.open(sealed) == str(number)
        else:
            with pytest.raises(ContentsUnreadable):
                bench.open(sealed)
    erasure.destroy(erasure.of_subject(bench.store, "alice"))
    assert bench.key_files() == []


def test_keys_that_vanish_as_they_are_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure may take a key away a few times; where that goes on, the request is refused."""

    def gone(*_: object) -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(keyfiles, "write", gone)
    with pytest.raises(ContentsUnavailable, match="go away"):
        bench.sealer().seal("alice", "r", "prompt", b"x")


@pytest.mark.parametrize("subject", ["../../../tmp/x", "a/b", "nul\0", "张三", "x" * 100_000, ""])
def test_subjects_that_look_like_paths(bench: Bench, subject: str) -> None:
    """Whatever a subject is called, its files lie in the store, and its texts come back."""
    sealed = bench.sealer().seal(subject, "req_1", "prompt", b"x")
    assert bench.open(sealed, subject=subject) == "x"
    assert all(path.is_relative_to(bench.store.keys) for path in bench.key_files(subject))


def test_a_store_that_cannot_be_written(bench: Bench) -> None:
    """Before the model is asked, and when it answers: refused with the path."""
    worker = bench.sealer()
    bench.store.keys.rmdir()
    with pytest.raises(ContentsUnavailable, match=str(bench.store.keys)):
        worker.prepare("alice")
    with pytest.raises(ContentsUnavailable, match=str(bench.store.keys)):
        worker.seal("alice", "r", "prompt", b"x")


def test_a_text_folder_that_is_gone_is_noticed_before_the_model_is_asked(bench: Bench) -> None:
    """`prepare` is what a call asks before it goes on; its twin in an intact store says nothing."""
    bench.sealer().prepare("alice")
    worker = bench.sealer()
    bench.store.texts.rename(bench.store.root / "moved")
    with pytest.raises(ContentsUnavailable, match=str(bench.store.texts)):
        worker.prepare("alice")


def test_the_fields_of_a_record(seal: Callable[..., Sealed]) -> None:
    """Names, numbers and a digest of the sealed bytes: nothing of the text."""
    fields = seal("x").fields()
    assert fields.keys() == {"key", "file", "offset", "bytes", "sha256"}
    assert fields["bytes"] == 1 + 28
    assert ORIGIN not in str(fields)
