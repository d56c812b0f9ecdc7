"""Reading a log on: what continues the checkpoint seen last is believed, everything else is called by its name."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.growth import Growth
from audit.anchors.history import View, first_look, read_on
from audit.archive import archivable, archive
from audit.checkpoint import LogKey, Signer
from audit.errors import AnchorFailed, KeyUnusable, Tampered, UnreadableLog
from audit.journal import Rotation
from audit.proof import check_consistency
from audit.verify import verify

Log = Any  # the class in this folder's conftest
NewLog = Callable[..., Any]


def lines_of(directory: Path) -> list[bytes]:
    """All lines of the only segment."""
    (segment,) = directory.glob("*.log")
    return segment.read_bytes().splitlines(keepends=True)


def cut_to(directory: Path, lines: int) -> None:
    """Cut the only segment behind this many lines."""
    (segment,) = directory.glob("*.log")
    segment.write_bytes(b"".join(lines_of(directory)[:lines]))


def test_first_look_and_on(log: Log) -> None:
    """The newest checkpoint is found, then the next ones, each with a proof that it continues the one before."""
    seen = log.view().seen
    assert seen.note == verify(log.directory, log.key.public).checkpoint
    for commits in (1, 5, 17):
        log.grow(commits)
        view = log.view(seen)
        assert view.seen.size == seen.size + 2 * commits
        check_consistency(seen.size, view.seen.size, view.prove(seen.size), seen.tree.root(), view.seen.tree.root())
        seen = view.seen


def test_nothing_new(log: Log) -> None:
    """Without a new checkpoint the one seen before is found again, with an empty proof."""
    seen = log.view().seen
    view = log.view(seen)
    assert view.seen.note == seen.note
    assert view.prove(seen.size) == []
    assert view.prove(0) == []


def test_records_without_a_checkpoint(log: Log) -> None:
    """Lines that no checkpoint covers yet are not anchored, and are no reason to complain."""
    seen = log.view().seen
    log.grow(1)
    cut_to(log.directory, len(lines_of(log.directory)) - 1)
    assert log.view(seen).seen.note == seen.note
    with next(log.directory.glob("*.log")).open("ab") as stream:
        stream.write(b'{"i":7,"k":"re')
    assert log.view(seen).seen.note == seen.note


def test_proof_from_an_older_size(tmp_path: Path, new_log: NewLog) -> None:
    """A proof can start anywhere, also segments before the checkpoint that was seen last."""
    log = new_log(tmp_path / "log", Rotation(max_bytes=2000))
    log.grow()
    old = log.view().seen
    log.grow(20)
    seen = log.view(old).seen
    log.grow(3)
    view = log.view(seen)
    assert len(list(log.directory.glob("*.log"))) > 3
    check_consistency(old.size, view.seen.size, view.prove(old.size), old.tree.root(), view.seen.tree.root())


def test_archived_segments(tmp_path: Path, new_log: NewLog) -> None:
    """Segments that were archived since are read for a proof as before, and the log is read on over them."""
    log = new_log(tmp_path / "log", Rotation(max_bytes=2000))
    log.grow()
    old = log.view().seen
    log.grow(20)
    for name in archivable(log.directory, 1 << 62):
        archive(log.directory, name)
    assert list(log.directory.glob("*.log.gz"))
    view = log.view(old)
    proofs = view.prove(old.size), _fresh(view).prove(old.size)
    assert proofs[0] == proofs[1]
    check_consistency(old.size, view.seen.size, proofs[0], old.tree.root(), view.seen.tree.root())
    view.compare(old.note)


def test_rotation_and_restart(tmp_path: Path, new_log: NewLog) -> None:
    """Segments may end and the writer may stop, start or crash in between."""
    log = new_log(tmp_path / "log", Rotation(max_bytes=1500))
    log.grow()
    seen = log.view().seen
    for _ in range(3):
        log.grow(4)
        log.stop()
        log.open()
        view = log.view(seen)
        assert view.seen.size > seen.size
        seen = view.seen


def test_rekey_is_followed(log: Log) -> None:
    """A hand-over to the next key is followed where the old key signed it; the chain is remembered."""
    seen = log.view().seen
    log.seed = b"\x05" * 32
    log.journal.hand_over(Signer(log.key.origin, Ed25519PrivateKey.from_private_bytes(log.seed)), log.now_ns)
    log.grow()
    after = log.view(seen).seen
    assert after.keys == (log.key.vkey, LogKey(log.key.origin, key_of(log.seed)).vkey)
    log.grow()
    assert log.view(after).seen.size == after.size + 2


def test_segment_under_another_key(log: Log, tmp_path: Path, new_log: NewLog) -> None:
    """A segment that goes on under a key which the old one did not name is refused."""
    seen = log.view().seen
    other = new_log(tmp_path / "other", seed=b"\x06" * 32)
    other.grow(2)
    shutil.copytree(other.directory, tmp_path / "spliced")
    with pytest.raises(Tampered, match="rewritten since"):
        read_on(tmp_path / "spliced", seen)
    with pytest.raises(KeyUnusable, match="not by the given key"):
        first_look(tmp_path / "spliced", log.key.public, None)


def test_log_cut_behind_an_older_checkpoint(log: Log) -> None:
    """Lines that were seen and are gone are a rollback, though the log verifies."""
    log.grow(3)
    seen = log.view().seen
    cut_to(log.directory, 4)
    assert verify(log.directory, log.key.public).state == "clean"
    with pytest.raises(Tampered, match="is gone: rolled back or removed"):
        log.view(seen)


def test_log_cut_and_written_on(log: Log) -> None:
    """A log that was cut and grew again past the place is a rewritten one, though it verifies."""
    log.grow(3)
    seen = log.view().seen
    log.stop()
    cut_to(log.directory, 4)
    log.open()
    log.grow(8, text="another story")
    assert verify(log.directory, log.key.public).state == "clean"
    with pytest.raises(Tampered, match=r"rewritten since|lines are missing"):
        log.view(seen)


def test_old_line_replaced_under_the_stolen_key(log: Log, tmp_path: Path, new_log: NewLog) -> None:
    """A history made anew with the log's own key does not continue the one that was seen."""
    seen = log.view().seen
    forged = new_log(tmp_path / "forged")
    forged.grow(5, text="nothing happened")
    assert verify(forged.directory, log.key.public).state == "clean"
    with pytest.raises(Tampered, match="rewritten since"):
        read_on(forged.directory, seen)


def test_new_line_replaced(log: Log) -> None:
    """A line changed behind the checkpoint seen last is not covered by the newest checkpoint."""
    seen = log.view().seen
    log.grow(2)
    (segment,) = log.directory.glob("*.log")
    data = segment.read_bytes()
    place = data.rindex("报销".encode())
    segment.write_bytes(data[:place] + "报告".encode() + data[place + 6 :])
    with pytest.raises(Tampered, match="checkpoint is not of the"):
        log.view(seen)


def test_checkpoint_signed_by_another_key(log: Log) -> None:
    """A newest checkpoint that the log's key did not sign is no checkpoint."""
    seen = log.view().seen
    log.grow()
    (segment,) = log.directory.glob("*.log")
    rows = segment.read_bytes().splitlines(keepends=True)
    start = rows[-1].index(b"hangu ") + 30
    rows[-1] = rows[-1][:start] + (b"A" if rows[-1][start : start + 1] != b"A" else b"B") + rows[-1][start + 1 :]
    segment.write_bytes(b"".join(rows))
    with pytest.raises(Tampered, match="is not signed by the log's key"):
        log.view(seen)


def test_log_removed(log: Log) -> None:
    """An empty directory where a log was is a log rolled back to nothing; a missing one cannot be read."""
    seen = log.view().seen
    log.stop()
    for file in log.directory.glob("*.log"):
        file.unlink()
    with pytest.raises(Tampered, match="is gone"):
        log.view(seen)
    shutil.rmtree(log.directory)
    with pytest.raises(UnreadableLog):
        log.view(seen)


def test_first_lines_removed(tmp_path: Path, new_log: NewLog) -> None:
    """A log whose lines go on only behind the checkpoint that was seen has a gap."""
    log = new_log(tmp_path / "log", Rotation(max_bytes=1))
    log.grow()
    seen = log.view().seen
    log.grow(4)
    for file in sorted(log.directory.glob("*.log"))[:3]:
        file.unlink()
    with pytest.raises(Tampered, match="lines are missing"):
        log.view(seen)


def test_no_checkpoint_yet(tmp_path: Path, log: Log) -> None:
    """A directory without a checkpoint is no log yet, and says so."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableLog, match="no checkpoint to anchor yet"):
        first_look(tmp_path / "empty", log.key.public, None)
    (tmp_path / "empty" / "000000000000.log").write_bytes(lines_of(log.directory)[0])
    with pytest.raises(UnreadableLog, match="no checkpoint to anchor yet"):
        first_look(tmp_path / "empty", log.key.public, None)


def test_another_origin(log: Log) -> None:
    """A log under another name than the key's is not the log that was meant."""
    with pytest.raises(KeyUnusable):
        first_look(log.directory, log.key.public, "host-b/hangu")


def test_note_kept_elsewhere(log: Log, tmp_path: Path, new_log: NewLog) -> None:
    """A note kept elsewhere fits the log, or shows that it was rewritten, or that it was longer."""
    early = log.view().seen.note
    log.grow(2)
    view = log.view()
    view.compare(early)
    log.grow(4)
    view.compare(log.view().seen.note)  # newer than the view: the log is read again
    forged = new_log(tmp_path / "forged")
    forged.grow(2, text="nothing happened")
    with pytest.raises(Tampered, match=r"its first \d+ lines are not those"):
        view.compare(forged.view().seen.note)
    forged.grow(40)
    with pytest.raises(Tampered, match=r"ends with \d+ lines, but a checkpoint of \d+ lines is kept elsewhere"):
        view.compare(forged.view().seen.note)


def test_note_that_proves_nothing(log: Log, tmp_path: Path, new_log: NewLog) -> None:
    """A note that the log's key did not sign is no evidence against the log."""
    view = log.view()
    stranger = new_log(tmp_path / "stranger", seed=b"\x07" * 32)
    stranger.grow(9)
    for note in (stranger.view().seen.note, "garbage", "", view.seen.note.replace("— ", "— x", 1)):
        with pytest.raises(AnchorFailed):
            view.compare(note)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_log_that_is_not_on_the_disk(code: int, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint whose segment cannot be synced is not anchored: a power failure could take it back."""
    seen = log.view().seen
    log.grow()

    def fail(descriptor: int) -> None:
        raise OSError(code, "boo")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(UnreadableLog, match="cannot be synced"):
            log.view(seen)
    assert log.view(seen).seen.size == seen.size + 2


def test_log_on_a_read_only_mount(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the mount knows no sync, as a read-only one, the writer's own is relied on."""

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(os, "fsync", refuse)
    assert log.view().seen.size == 5


def _fresh(view: View) -> View:
    """The same view by a reader who has nothing in memory."""
    return replace(view, growth=Growth(view.seen.tree))


def key_of(seed: bytes) -> Any:
    """The public half of a private key given by its bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()
