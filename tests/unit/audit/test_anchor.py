"""Anchor files: one or more notes of the log's key, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchor import load_anchors
from audit.checkpoint import Signer
from audit.cosignature import Cosigner
from audit.errors import UnreadableLog
from audit.journal import Journal
from audit.purge import DAY_NS
from audit.rekey import rekey

ROOT = bytes(32)
START_NS = 1_795_420_800_000_000_000


@pytest.mark.parametrize("between", ["", "\n", "\n\n\n"])
def test_several_notes(between: str, tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Notes may follow each other with or without blank lines."""
    signer = Signer("host-a/hangu", private)
    (tmp_path / "a").write_text(between.join(signer.sign(size, ROOT) for size in (3, 9, 27)))
    assert [anchor.size for anchor in load_anchors(tmp_path / "a", private.public_key())] == [3, 9, 27]


def test_other_key(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """An anchor that the log's key did not sign is no anchor, and neither is a file with one among good ones."""
    other = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    (tmp_path / "a").write_text(Signer("host-a/hangu", private).sign(3, ROOT) + other.sign(9, ROOT))
    with pytest.raises(UnreadableLog, match="not signed"):
        load_anchors(tmp_path / "a", private.public_key())


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"text", b"\xff", b"a\n1\n\n\xe2\x80\x94 a x\n", b"o\n" * 100_000, b"o\n\n" * 100_000],
)
def test_nonsense(content: bytes, tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """A file of anything else raises our own error, and one made to be searched for ever does so at once."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UnreadableLog):
        load_anchors(tmp_path / "a", private.public_key())


def test_trailing_text(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Text behind the last note is not passed over."""
    (tmp_path / "a").write_text(Signer("host-a/hangu", private).sign(3, ROOT) + "more\n")
    with pytest.raises(UnreadableLog):
        load_anchors(tmp_path / "a", private.public_key())


def test_keys_of_the_log(tmp_path: Path, small_log: Path, private: Ed25519PrivateKey) -> None:
    """With the log at hand an anchor may be signed by an earlier or later key of it, and by no other."""
    new, stranger = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (7, 8))
    origin = "host-a/hangu"
    rekey(small_log, Signer(origin, private), Signer(origin, new), START_NS)
    for key, good in ((private, True), (new, True), (stranger, False)):
        (tmp_path / "a").write_text(Signer(origin, key).sign(3, ROOT))
        for given in (private, new):
            if good:
                assert [a.size for a in load_anchors(tmp_path / "a", given.public_key(), small_log)] == [3]
                continue
            with pytest.raises(UnreadableLog, match="not signed"):
                load_anchors(tmp_path / "a", given.public_key(), small_log)


def test_keys_that_were_purged(
    tmp_path: Path, small_log: Path, private: Ed25519PrivateKey, open_journal: Callable[..., Journal]
) -> None:
    """Old notes of a key that a purge left no trace of are passed over; young ones are not, nor are old ones alone."""
    now = START_NS + 400 * DAY_NS
    journal = open_journal(now_ns=now)
    journal.purge(365, now)
    journal.close(now)
    gone = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    (tmp_path / "a").write_text(gone.sign(3, ROOT) + Signer("host-a/hangu", private).sign(14, ROOT))
    assert [a.size for a in load_anchors(tmp_path / "a", private.public_key(), small_log)] == [14]
    for note, match in ((gone.sign(3, ROOT), "older than line 13"), (gone.sign(14, ROOT), "not signed")):
        (tmp_path / "a").write_text(note)
        with pytest.raises(UnreadableLog, match=match):
            load_anchors(tmp_path / "a", private.public_key(), small_log)


def test_witnesses(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Where witnesses are named, each anchor carries the cosignature of every one of them."""
    one, two = (Cosigner(name, Ed25519PrivateKey.generate()) for name in ("w.example/1", "w.example/2"))
    notes = [Signer("host-a/hangu", private).sign(size, ROOT) for size in (3, 9)]
    texts = [note[: note.index("\n\n") + 1] for note in notes]
    cosigned = [note + one.line(text, 1) + two.line(text, 2) for note, text in zip(notes, texts, strict=True)]
    for content, good in (
        (cosigned[0] + cosigned[1], True),
        (cosigned[0] + notes[1], False),
        (notes[0] + one.line(texts[0], 1), False),
        (notes[0] + one.line(texts[0], 1) + two.line(texts[1], 1), False),
    ):
        (tmp_path / "a").write_text(content)
        if good:
            assert len(load_anchors(tmp_path / "a", private.public_key(), None, [one.key, two.key])) == 2
            continue
        with pytest.raises(UnreadableLog, match="cosign"):
            load_anchors(tmp_path / "a", private.public_key(), None, [one.key, two.key])
