"""Anchors: checkpoints of a log that were kept where its writer cannot reach them."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import line as lines
from audit.bodies import claims
from audit.checkpoint import Checkpoint, LogKey, parse_note
from audit.cosignature import WitnessKey, require_cosigned
from audit.directory import first_index, open_segment, segments
from audit.errors import NotCanonical, Tampered, UnreadableLog

_MAX_FILE = 64 << 20
_NOTE = re.compile(r"((?:[^\n]++\n)++\n(?:— [^\n]*+\n)++)\n*+")  # one pass over a file, whatever is in it


def load_anchors(
    file: Path,
    public: Ed25519PublicKey,
    directory: Path | None = None,
    witnesses: Collection[WitnessKey] = (),
) -> list[Checkpoint]:
    """The checkpoints in a file of one or more signed notes, cosigned by all of the witnesses.

    Each is signed by the given key or, with `directory`, by one that a segment of that log names; there, notes of keys
    that a purge left no trace of are passed over if they are older than what is left. That such a key is taken from the
    log itself is no risk: an anchor only asks more of the log. Raises `UnreadableLog`, also where no note is left: an
    anchor that cannot be trusted says nothing about the log, good or bad.
    """
    names = _segments(directory) if directory else []
    keys = (public, *(_named_keys(directory, names) if directory else ()))
    start = first_index(names[0]) if names else 0
    try:
        found = [checkpoint for note in _notes(file) if (checkpoint := _trusted(note, keys, start, witnesses))]
    except (OSError, ValueError, NotCanonical) as error:
        raise UnreadableLog(f"{file}: {error}") from error
    if not found:
        raise UnreadableLog(f"{file}: every anchor is older than line {start}, where this purged log begins")
    return found


def _notes(file: Path) -> list[str]:
    with file.open("rb") as stream:
        text = stream.read(_MAX_FILE).decode().lstrip("\n")
    notes, end = [], 0
    while match := _NOTE.match(text, end):
        notes.append(match[1])
        end = match.end()
    if not notes or end < len(text):
        raise NotCanonical("not a file of checkpoint notes")
    return notes


def _trusted(
    note: str, keys: Iterable[Ed25519PublicKey], start: int, witnesses: Collection[WitnessKey]
) -> Checkpoint | None:
    checkpoint, signatures = parse_note(note)
    if not any(_signed(checkpoint, key, signatures) for key in keys):
        if checkpoint.size < start:
            return None
        raise NotCanonical("an anchor is not signed by the given key, nor by one that the log names")
    if witnesses:
        require_cosigned(note, witnesses)
    return checkpoint


def _signed(checkpoint: Checkpoint, public: Ed25519PublicKey, signatures: Iterable[str]) -> bool:
    key = LogKey(checkpoint.origin, public)
    return any(key.signed(checkpoint.text(), signature) for signature in signatures)


def _segments(directory: Path) -> list[str]:
    """The segments, none where something is wrong: what that is, the verification will say."""
    with suppress(OSError, Tampered):
        return segments(directory)
    return []


def _named_keys(directory: Path, names: Iterable[str]) -> Iterator[Ed25519PublicKey]:
    """The keys that the segments name, as far as they are readable."""
    seen = set()
    for name in names:
        with suppress(OSError, NotCanonical, Tampered):
            with open_segment(directory, name) as stream:
                raw = stream.readline(lines.MAX_LINE + 1).removesuffix(b"\n")
            key = claims(lines.split(raw, first_index(name))[1]).key
            if key.vkey not in seen:
                seen.add(key.vkey)
                yield key.public
