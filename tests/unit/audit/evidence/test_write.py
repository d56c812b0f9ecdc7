"""Packs as they are made: what is in them for a selection, and that the file is written whole or not at all."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.errors import NotProvable, ProofInvalid, UnreadableLog
from audit.evidence import Pack, Selection, check_pack, decode, encode, read_pack, write_pack
from audit.evidence import write as module
from audit.evidence.anchors import read_notes
from audit.prove import Prover


def test_written_and_read(log: Path, private: Ed25519PrivateKey, tmp_path: Path) -> None:
    """The file holds the pack, is for its owner alone, and is accepted from its bytes."""
    out = tmp_path / "r-1.evidence.json"
    public = private.public_key()
    pack = write_pack(log, public, Selection(request_ids=("r-1",)), out, read_notes(tmp_path / "anchor"))
    assert read_pack(out) == pack
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    finding = check_pack(decode(out.read_bytes()), public, "host-a/hangu")
    assert [told.story.request_id for told in finding.requests] == ["r-1"]
    assert len(finding.checked.anchors) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anchor", "log", "r-1.evidence.json"]


def test_existing_file_stays(log: Path, private: Ed25519PrivateKey, tmp_path: Path) -> None:
    """A file that is there is not replaced, and no half file is left beside it."""
    out = tmp_path / "mine"
    out.write_text("mine")
    with pytest.raises(UnreadableLog, match="mine: cannot be written"):
        write_pack(log, private.public_key(), Selection(indices=(2,)), out)
    assert out.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anchor", "log", "mine"]


def test_folder_that_is_not_there(log: Path, private: Ed25519PrivateKey, tmp_path: Path) -> None:
    """A place that cannot be written is named."""
    with pytest.raises(UnreadableLog, match="nowhere"):
        write_pack(log, private.public_key(), Selection(indices=(2,)), tmp_path / "nowhere" / "x")


def test_same_bytes_again(make: Callable[..., Pack]) -> None:
    """The same selection of the same log gives the same file."""
    assert encode(make("r-1", "r-4")) == encode(make("r-4", "r-1"))


def test_nothing_selected(log: Path, private: Ed25519PrivateKey, tmp_path: Path) -> None:
    """An empty selection is refused."""
    with pytest.raises(NotProvable, match="nothing was selected"):
        write_pack(log, private.public_key(), Selection(), tmp_path / "x")


def test_too_large(make: Callable[..., Pack], monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack that no reader would take is not made."""
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with pytest.raises(NotProvable, match="select less"):
        make("r-1")


def test_anchors_that_say_most(log: Path, make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """Of many anchors a pack keeps the first over each line, and the newest."""
    prover = Prover(log, private.public_key())
    notes = [prover.over(index) for index in range(40)]
    sizes = sorted({int(note.split("\n")[1]) for note in notes})
    pack = make(indices=(2, 4), anchors=tuple(notes))
    kept = [int(each.note.split("\n")[1]) for each in pack.proven.anchors]
    assert kept == [sizes[sizes.index(3)], sizes[sizes.index(5)], sizes[-1]]


def test_anchor_that_is_none(make: Callable[..., Pack]) -> None:
    """What is no note is refused as an anchor."""
    with pytest.raises(ProofInvalid, match="anchor: not a checkpoint note"):
        make("r-1", anchors=("x",))


def test_anchor_beyond_the_log(make: Callable[..., Pack], log: Path, private: Ed25519PrivateKey) -> None:
    """An anchor over more lines than the log has is never passed over."""
    anchor = Prover(log, private.public_key()).newest()
    max(log.glob("*.log")).unlink()
    with pytest.raises(ProofInvalid, match="cut off"):
        make(indices=(2,), anchors=(anchor,))
