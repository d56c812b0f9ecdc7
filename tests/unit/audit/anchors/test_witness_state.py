"""The memory of a witness: durable, its own, and never begun anew by accident."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.witness_state import WitnessState, create_state
from audit.cosignature import Cosigner
from audit.errors import KeyUnusable, UnreadableLog

COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
STRANGER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
TEXT = "host-a/hangu\n4\nkGmAMVxmyTCTeRm8SKdQ0LEATQMmvbMcSA3CFpGLutA=\n"


def test_what_was_cosigned_is_remembered(memory: WitnessState) -> None:
    """The newest note of each log is there for the next process, with its time."""
    assert (memory.latest("host-a/hangu"), memory.time("host-a/hangu")) == (None, 0)
    for time in (5, 6):
        memory.keep("host-a/hangu", note := f"{TEXT}\n{COSIGNER.line(TEXT, time)}")
        again = WitnessState(memory.directory)
        assert (again.latest("host-a/hangu"), again.time("host-a/hangu")) == (note, time)
    assert memory.latest("host-b/hangu") is None


@pytest.mark.parametrize(
    "note",
    [
        "",
        "garbage",
        TEXT,
        f"{TEXT}\n{STRANGER.line(TEXT, 5)}",
        f"{TEXT.replace('4', '5', 1)}\n{COSIGNER.line(TEXT, 5)}",
        f"{TEXT.replace('host-a', 'host-b')}\n{COSIGNER.line(TEXT.replace('host-a', 'host-b'), 5)}",
    ],
)
def test_memory_tampered_with(note: str, memory: WitnessState) -> None:
    """A note that this witness did not cosign for this log is no memory, and stops it."""
    memory.keep("host-a/hangu", note)
    with pytest.raises(UnreadableLog):
        memory.latest("host-a/hangu")


def test_memory_lost(tmp_path: Path) -> None:
    """A folder that is missing or empty is not taken for that of a witness that has seen nothing."""
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty"):
        with pytest.raises(KeyUnusable, match="not the memory of a witness"):
            WitnessState(tmp_path / name)


def test_memory_is_made_once(memory: WitnessState) -> None:
    """A folder that is a witness's memory is not made that of another."""
    with pytest.raises(KeyUnusable, match="cannot be made the memory"):
        create_state(memory.directory, STRANGER.key)
    assert WitnessState(memory.directory).key.vkey == COSIGNER.key.vkey


def test_first_evidence_of_a_fork_stays(memory: WitnessState) -> None:
    """The first note against the one that was cosigned is kept, and no later one takes its place."""
    memory.keep_fork("host-a/hangu", "first")
    memory.keep_fork("host-a/hangu", "second")
    assert [file.read_text() for file in memory.directory.glob("*.fork")] == ["first"]
