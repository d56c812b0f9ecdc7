"""Anchors: checkpoints of a log that were kept where its writer cannot reach them."""

import re
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoint import Checkpoint, LogKey, parse_note
from audit.errors import NotCanonical, UnreadableLog

_MAX_FILE = 64 << 20
_NOTES = re.compile(r"\n*(.+?\n\n(?:— [^\n]*\n)+)", re.DOTALL)


def load_anchors(file: Path, public: Ed25519PublicKey) -> Iterable[Checkpoint]:
    """The checkpoints in a file of one or more signed notes, each signed by the log's key.

    Raises `UnreadableLog`: an anchor that cannot be trusted says nothing about the log, good or bad.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_FILE).decode()
    except (OSError, ValueError) as error:
        raise UnreadableLog(f"{file}: {error}") from error
    notes = [match[1] for match in _NOTES.finditer(text)]
    if not notes or _NOTES.sub("", text).strip("\n"):
        raise UnreadableLog(f"{file}: not a file of checkpoint notes")
    return [_trusted(file, note, public) for note in notes]


def _trusted(file: Path, note: str, public: Ed25519PublicKey) -> Checkpoint:
    try:
        checkpoint, signatures = parse_note(note)
    except NotCanonical as error:
        raise UnreadableLog(f"{file}: {error}") from error
    key = LogKey(checkpoint.origin, public)
    if not any(key.signed(checkpoint.text(), signature) for signature in signatures):
        raise UnreadableLog(f"{file}: an anchor is not signed by the given key")
    return checkpoint
