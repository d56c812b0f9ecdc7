"""Anchor files: one or more notes of the log's key, and nothing else."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchor import load_anchors
from audit.checkpoint import Signer
from audit.errors import UnreadableLog

ROOT = bytes(32)


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


@pytest.mark.parametrize("content", [b"", b"\n", b"text", b"\xff", b"a\n1\n\n\xe2\x80\x94 a x\n", b"o\n" * 1000])
def test_nonsense(content: bytes, tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """A file of anything else raises our own error."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UnreadableLog):
        load_anchors(tmp_path / "a", private.public_key())


def test_trailing_text(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Text behind the last note is not passed over."""
    (tmp_path / "a").write_text(Signer("host-a/hangu", private).sign(3, ROOT) + "more\n")
    with pytest.raises(UnreadableLog):
        load_anchors(tmp_path / "a", private.public_key())
