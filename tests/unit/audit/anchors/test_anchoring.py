"""Rounds of anchoring: every target on its own, nothing lost between two lives, and no rewritten log anchored."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.notes import notes_of

from audit.anchors import anchoring
from audit.anchors.anchoring import Anchoring, Source
from audit.anchors.file_store import NotesFile
from audit.anchors.history import View
from audit.anchors.state import load_state
from audit.anchors.target import Kept, Target
from audit.anchors.witness_client import WitnessTarget
from audit.cosignature import require_cosigned
from audit.errors import AnchorFailed, KeyUnusable, Tampered, UnreadableLog

Log = Any  # the classes in this folder's conftest
NewLog = Callable[..., Any]
Served = Any


class Scripted:
    """A target that does what the test says: it is a far side, seen from here."""

    def __init__(self, name: str, act: Callable[[], str] = lambda: "") -> None:
        self.name = name
        self.act = act
        self.sizes: list[int] = []

    def anchor(self, view: View, note: str, known: int) -> str:
        answer = self.act()
        self.sizes.append(view.seen.size)
        return answer


class Bench:
    """An anchoring process over one log, and what it said."""

    def __init__(self, log: Log, folder: Path) -> None:
        self.log = log
        self.state = folder / "state.json"
        self.said: list[str] = []

    def start(
        self, witnesses: list[Target], stores: list[Target], *, rest: float = 0.0, timeout: float = 10.0
    ) -> Anchoring:
        """A new life of the process."""
        source = Source(self.log.directory, self.log.key.public)
        return Anchoring(source, self.state, witnesses, stores, timeout=timeout, rest=rest, say=self.said.append)


@pytest.fixture
def bench(log: Log, tmp_path: Path) -> Bench:
    """A process that was not started yet."""
    return Bench(log, tmp_path)


def failing() -> str:
    """What a target does that fails."""
    raise AnchorFailed("no such bucket")


def test_cosigned_notes_in_every_store(bench: Bench, log: Log, served: Served, tmp_path: Path) -> None:
    """The stores get the note with the witness's cosignature, round after round, also in another life."""
    file = tmp_path / "anchors.notes"
    for _ in range(2):
        targets: list[Target] = [WitnessTarget(served.url, served.key, 10.0)]
        process = bench.start(targets, [Kept(NotesFile(file))])
        for _ in range(2):
            log.grow()
            assert process.round()
    notes = notes_of(NotesFile(file), "host-a/hangu")
    assert len(notes) == 4
    for note in notes:
        require_cosigned(note, [served.key])
    assert bench.said == []


def test_nothing_new_is_not_sent_again(bench: Bench) -> None:
    """A checkpoint that a target has is not brought there again, also by the next life."""
    store = Scripted("store")
    for _ in range(2):
        process = bench.start([], [store])
        assert process.round()
        assert process.round()
    assert len(store.sizes) == 1


def test_store_that_missed_the_round(bench: Bench, served: Served, tmp_path: Path) -> None:
    """A store that comes later gets the cosignature that the witness gave before, though in another life."""
    witness: list[Target] = [WitnessTarget(served.url, served.key, 10.0)]
    assert not bench.start(witness, [Scripted("store", failing)]).round()
    assert bench.start(witness, [Kept(NotesFile(tmp_path / "late"))]).round()
    (note,) = notes_of(NotesFile(tmp_path / "late"), "host-a/hangu")
    require_cosigned(note, [served.key])


def test_a_failing_target_delays_no_other(bench: Bench, log: Log) -> None:
    """One target that fails is said, remembered and rested from; the others have every checkpoint."""
    bad, good = Scripted("bad", failing), Scripted("good")
    process = bench.start([], [bad, good], rest=3600.0)
    for _ in range(3):
        log.grow()
        assert not process.round()
    assert len(good.sizes) == 3
    assert bench.said == ["bad: no such bucket (failure 1, next attempt in 900 s)"]
    progress = load_state(bench.state).progress("bad")
    assert (progress.failures, progress.error, progress.size) == (1, "no such bucket", 0)


def test_a_target_that_recovers(bench: Bench) -> None:
    """After failures a target that works again has the checkpoint, and that is said and remembered."""
    target = Scripted("store", failing)
    process = bench.start([], [target])
    assert not process.round()
    assert not process.round()
    target.act = lambda: ""
    assert process.round()
    assert bench.said[-1] == "store: reached again after 2 failures"
    progress = load_state(bench.state).progress("store")
    assert (progress.failures, progress.error, progress.size) == (0, "", target.sizes[-1])
    assert progress.time


def test_pauses_double_and_end(bench: Bench) -> None:
    """The pause after each further failure is twice as long, up to a quarter of an hour."""
    assert anchoring.MAX_REST == 900.0
    process = bench.start([], [Scripted("store", failing)], rest=100.0)
    pauses = []
    for _ in range(6):
        process._next.clear()  # the time has come
        process.round()
        pauses.append(bench.said[-1].partition("attempt in ")[2])
    assert pauses == ["100 s)", "200 s)", "400 s)", "800 s)", "900 s)", "900 s)"]


def test_a_hanging_target_delays_no_other(bench: Bench, log: Log) -> None:
    """A target that never answers is reported once and left alone; the others have every checkpoint."""
    release = threading.Event()

    def hang() -> str:
        release.wait(60)
        return ""

    hanging, good = Scripted("hanging", hang), Scripted("good")
    process = bench.start([hanging], [good], timeout=0.5)
    try:
        for _ in range(3):
            log.grow()
            assert not process.round()
    finally:
        release.set()
    assert len(good.sizes) == 3
    assert [line for line in bench.said if "hanging" in line] == bench.said
    assert len(bench.said) == 1
    assert "no answer yet" in load_state(bench.state).progress("hanging").error


def test_a_failure_that_nobody_foresaw(bench: Bench) -> None:
    """Whatever a target raises is a failure of that target only."""

    def surprise() -> str:
        raise RuntimeError("boo")

    good = Scripted("good")
    assert not bench.start([], [Scripted("odd", surprise), good]).round()
    assert good.sizes
    assert bench.said[0].startswith("odd: RuntimeError: boo")


def test_rolled_back_log(bench: Bench, log: Log) -> None:
    """A log cut behind an older checkpoint is anchored nowhere, in this life and in the next."""
    log.grow(3)
    store = Scripted("store")
    process = bench.start([], [store])
    assert process.round()
    (segment,) = log.directory.glob("*.log")
    rows = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(rows[:4]))
    for life in (process, bench.start([], [store])):
        with pytest.raises(Tampered, match="rolled back"):
            life.round()
    assert len(store.sizes) == 1


def test_a_target_that_knows_better(bench: Bench, log: Log, new_log: NewLog, served: Served, tmp_path: Path) -> None:
    """A log rewritten while nobody looked, its state deleted with it, is still refused for what a witness knows."""
    witness: list[Target] = [WitnessTarget(served.url, served.key, 10.0)]
    assert bench.start(witness, []).round()
    forged = new_log(tmp_path / "forged")
    forged.grow(5, text="another story")
    bench.log = forged
    bench.state.unlink()
    with pytest.raises(Tampered, match="kept elsewhere"):
        bench.start(witness, []).round()


def test_no_log_yet(bench: Bench, tmp_path: Path, log: Log) -> None:
    """A log that does not exist yet is waited for by the caller: the round says so and changes nothing."""
    store = Scripted("store")
    here = log.directory
    log.directory = tmp_path / "later"
    process = bench.start([], [store])
    with pytest.raises(UnreadableLog):
        process.round()
    here.rename(tmp_path / "later")
    assert process.round()


def test_state_of_another_log(bench: Bench, new_log: NewLog, tmp_path: Path) -> None:
    """The memory of one log is not used for one under another key."""
    assert bench.start([], [Scripted("store")]).round()
    bench.log = new_log(tmp_path / "other", seed=b"\x0c" * 32)
    with pytest.raises(KeyUnusable, match="under another key"):
        bench.start([], [Scripted("store")])


def test_rekeyed_log(bench: Bench, log: Log) -> None:
    """After a hand-over both the first and the newest key name the log to the process."""
    from audit.checkpoint import Signer

    assert bench.start([], [Scripted("store")]).round()
    log.journal.hand_over(Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)), log.now_ns)
    log.grow()
    assert bench.start([], [Scripted("store")]).round()
    log.signer = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))
    assert bench.start([], [Scripted("store")]).round()
