"""Files of notes: all of them with all their lines, or none."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer
from audit.errors import UnreadableLog
from audit.evidence.anchors import read_notes


@pytest.fixture
def note(private: Ed25519PrivateKey) -> str:
    """A note that a witness has cosigned."""
    return Signer("host-a/hangu", private).sign(3, b"\1" * 32) + "— witness.example AAAAAAAA\n"


@pytest.mark.parametrize("between", ["", "\n", "\n\n\n"])
def test_several(tmp_path: Path, note: str, between: str) -> None:
    """Notes follow each other with or without blank lines, and keep their cosignatures."""
    file = tmp_path / "notes"
    file.write_text(between.join([note, note.replace("\n3\n", "\n4\n"), ""]))
    assert read_notes(file) == [note, note.replace("\n3\n", "\n4\n")]


@pytest.mark.parametrize("text", ["", "\n", "x", "{note}x", "x\n{note}", "{note}\nx\n1\n"])
def test_anything_else(tmp_path: Path, note: str, text: str) -> None:
    """A file with anything besides notes is refused as a whole."""
    file = tmp_path / "notes"
    file.write_text(text.replace("{note}", note))
    with pytest.raises(UnreadableLog, match=r"note"):
        read_notes(file)


def test_unreadable(tmp_path: Path) -> None:
    """A file that is missing or not text is refused."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary"):
        with pytest.raises(UnreadableLog, match=name):
            read_notes(tmp_path / name)
