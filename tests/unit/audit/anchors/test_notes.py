"""Checkpoint notes of several signers: the text in its one form, and the log's own lines."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.notes import log_signatures, parse_checkpoint
from audit.checkpoint import Signer
from audit.cosignature import Cosigner, parse_signed_note
from audit.errors import NotCanonical

OLD = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
NEW = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
NOTE = OLD.sign(7, b"\x05" * 32)
TEXT = NOTE.partition("\n\n")[0] + "\n"


def test_the_checkpoint_of_a_note() -> None:
    """Origin, size and root are read; signed extension lines are allowed and mean nothing."""
    for text in (TEXT, TEXT + "an extension\nanother\n"):
        checkpoint = parse_checkpoint(text)
        assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("host-a/hangu", 7, b"\x05" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("\n7\n", "\n07\n"),
        TEXT.replace("\n7\n", "\n-7\n"),
        TEXT.replace("\n7\n", "\n1000000000000000000\n"),
        TEXT.replace("=", "", 1),
        TEXT.replace("U=", "V="),
        TEXT.replace("host-a/hangu", "host a"),
        TEXT.replace("host-a/hangu", "../etc"),
    ],
)
def test_texts_that_are_no_checkpoints(text: str) -> None:
    """Another form of the three lines, or an origin that needs escaping, is refused."""
    with pytest.raises(NotCanonical):
        parse_checkpoint(text)


def test_the_lines_of_the_log() -> None:
    """Only lines of the log's keys are taken, of any that is known; witnesses' lines are passed over."""
    line, other = (f"— {s.key.origin} {s.signature(TEXT)}\n" for s in (OLD, NEW))
    witness = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)).line(TEXT, 1)
    note = parse_signed_note(f"{TEXT}\n{witness}{line}{other}")
    assert log_signatures(note, [OLD.key]) == line
    assert log_signatures(note, [NEW.key, OLD.key]) == line + other
    assert log_signatures(parse_signed_note(f"{TEXT}\n{witness}"), [OLD.key]) is None


def test_line_that_names_the_log_and_is_not_its_signature() -> None:
    """A bad line of a known key spoils the whole note, beside a good one too."""
    bad = parse_signed_note(f"{TEXT}\n— host-a/hangu {OLD.signature('another text')}\n").signatures[0]
    good = parse_signed_note(NOTE)
    note = type(good)(good.text, (*good.signatures, bad))
    assert log_signatures(good, [OLD.key]) is not None
    assert log_signatures(note, [OLD.key]) is None
