"""The newest checkpoint of a log, read on from the last one that was seen, and believed only if it continues that one.

What must hold before a checkpoint is anchored:

 1. The line that held the last checkpoint seen still holds it, byte for byte. Else the log was cut, replaced or
    rewritten.
 2. The lines since then follow one another without a gap.
 3. The newest checkpoint names the root of the tree that those lines make of the one last seen, and the log's key
    signed it. So every line before it is one that was there the last time, or came since.
 4. A key hands over to the next in an `end` that it signed itself (docs/audit-format.md, keys).
 5. What is anchored is on the disk: the segment is synced first, so that no power failure can take back what a witness
    has seen.

The first time there is nothing to hold the log against: reading starts with its newest segment.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.anchors.growth import Growth
from audit.bodies import claims, ending, note_body, signed_note
from audit.canonical import parse
from audit.checkpoint import Checkpoint, LogKey, parse_note, parse_vkey
from audit.directory import first_index, segments
from audit.errors import AnchorFailed, KeyUnusable, NotCanonical, Tampered, UnreadableLog
from audit.merkle import Tree, leaf_hash
from audit.nodes import read_nodes
from audit.proof import consistency_spans
from audit.reader import Entry, entries


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was read and believed: its note, its tree, and the keys up to its own."""

    note: str
    tree: Tree
    keys: tuple[str, ...]  # verifier keys in the order in which they handed over; the last one signed the note

    @property
    def size(self) -> int:
        return self.tree.size

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(parse_vkey(self.keys[-1]).origin, self.size, self.tree.root())


@dataclass(frozen=True, slots=True)
class View:
    """What one reading found: the newest checkpoint, and how the tree grew to it since the one before."""

    directory: Path
    seen: Seen
    growth: Growth

    def prove(self, old: int) -> list[bytes]:
        """The consistency proof from `old` lines to the newest checkpoint; empty from 0.

        It costs nothing from the checkpoint seen before on, else one pass over a few segments. Raises `NotProvable`
        where they were purged, `Tampered`, `OSError`.
        """
        if old in (0, self.growth.old):
            return self.growth.proof() if old else []
        return _nodes(self.directory, consistency_spans(old, self.seen.size))

    def compare(self, note: str) -> None:
        """Hold the log against a checkpoint note that was kept elsewhere. Raises `Tampered` where it denies it.

        A note that no key of this log signed proves nothing: `AnchorFailed`. Raises `NotProvable` where the lines that
        it covers were purged, `OSError`.
        """
        known, signatures = _parsed(note)
        keys = [parse_vkey(key) for key in self.seen.keys]
        if known.origin != keys[0].origin or not any(k.signed(known.text(), s) for k in keys for s in signatures):
            raise AnchorFailed("holds a note that no key of this log signed")
        held = self.seen.size if known.size <= self.seen.size else read_on(self.directory, self.seen).seen.size
        if known.size > held:
            raise Tampered(
                "log", 0, f"ends with {held} lines, but a checkpoint of {known.size} lines is kept elsewhere"
            )
        if _root(self.directory, known.size) != known.root:
            raise Tampered(
                "log", 0, f"its first {known.size} lines are not those of a checkpoint that is kept elsewhere"
            )


def first_look(directory: Path, public: Ed25519PublicKey, origin: str | None) -> View:
    """The newest checkpoint of a log that was never seen before.

    Raises `UnreadableLog` where there is none, `KeyUnusable` where another key signs the newest segment, `Tampered`.
    """
    for name in reversed(_segments(directory)):
        start = next(_entries(directory, first_index(name)), None)
        if start is None:
            continue
        claimed = _claims(start)
        if claimed[1].vkey != LogKey(origin or claimed[1].origin, public).vkey:
            raise KeyUnusable(f"{name}: its lines are signed by {claimed[1].vkey}, not by the given key")
        reading = _Reading(claimed[0], (claimed[1].vkey,))
        for entry in _entries(directory, first_index(name)):
            reading.take(entry)
        if reading.newest is not None:
            return reading.conclude(directory)
    raise UnreadableLog(f"{directory}: no checkpoint to anchor yet")


def read_on(directory: Path, seen: Seen) -> View:
    """The newest checkpoint of the log that continues `seen`, which may be `seen` itself.

    Raises `Tampered` where the log does not continue it, `UnreadableLog` where it cannot be read.
    """
    reading = _Reading(seen.tree, seen.keys)
    for entry in _entries(directory, seen.size):
        if entry.index == seen.size and entry.body != note_body(seen.note):  # 1
            raise _tampered(entry, f"held the checkpoint of {seen.size} lines when it was last read: rewritten since")
        reading.take(entry)
    if reading.newest is None:
        raise Tampered("log", 0, f"the checkpoint of {seen.size} lines, seen before, is gone: rolled back or removed")
    return reading.conclude(directory)


class _Reading:
    """The state behind some lines: the tree up to the newest checkpoint, and the lines since."""

    def __init__(self, base: Tree, keys: tuple[str, ...]) -> None:
        self.growth = Growth(base)
        self.keys = keys
        self.newest: Entry | None = None
        self._waiting: list[bytes] = []  # leaves that no checkpoint covers yet
        self._following: LogKey | None = None

    def take(self, entry: Entry) -> None:
        """Raises `Tampered`."""
        expected = self.growth.size + len(self._waiting)
        if entry.index != expected:  # 2
            raise _tampered(entry, f"line {expected} should stand here: lines are missing, or were purged unseen")
        try:
            if entry.kind == b"ckpt":
                for leaf in self._waiting:
                    self.growth.append(leaf)
                self._waiting = []
                self.newest = entry
            elif entry.kind == b"end":
                self._following = ending(entry.body)[1]
            elif entry.kind == b"hdr" and self._following is not None:  # 4
                self.check()
                self.keys = (*self.keys, self._following.vkey)
                self._following = None
        except NotCanonical as error:
            raise _tampered(entry, str(error)) from error
        self._waiting.append(leaf_hash(entry.line))

    def check(self) -> Checkpoint:
        """The newest checkpoint, if it is what it must be. Raises `NotCanonical`. (3)"""
        if self.newest is None:
            raise NotCanonical("no checkpoint before this line")
        claimed = signed_note(self.newest.body, parse_vkey(self.keys[-1]))
        tree = self.growth.tree()
        if (claimed.size, claimed.root) != (tree.size, tree.root()):
            raise NotCanonical(f"the checkpoint is not of the {tree.size} lines before it")
        return claimed

    def conclude(self, directory: Path) -> View:
        """Raises `Tampered`, `UnreadableLog` where the segment cannot be synced."""
        if self.newest is None:
            raise ValueError("nothing was read")
        try:
            self.check()
        except NotCanonical as error:
            raise _tampered(self.newest, str(error)) from error
        _sync(directory / self.newest.file)
        note = str(parse(self.newest.body)["note"])
        return View(directory, Seen(note, self.growth.tree(), self.keys), self.growth)


def _claims(entry: Entry) -> tuple[Tree, LogKey]:
    try:
        claimed = claims(entry.body) if entry.kind == b"hdr" else None
    except NotCanonical as error:
        raise _tampered(entry, str(error)) from error
    if claimed is None or claimed.tree.size != entry.index:
        raise _tampered(entry, "a segment starts with the `hdr` of its first line")
    return claimed.tree, claimed.key


def _parsed(note: str) -> tuple[Checkpoint, tuple[str, ...]]:
    try:
        return parse_note(note)
    except NotCanonical as error:
        raise AnchorFailed(f"holds something else than a checkpoint note: {error}") from error


def _root(directory: Path, size: int) -> bytes:
    spans, start = [], 0
    while start < size:
        width = 1 << ((size - start).bit_length() - 1)
        spans.append((start, start + width))
        start += width
    return Tree(size, _nodes(directory, spans)).root()


def _nodes(directory: Path, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    nodes = read_nodes(directory, segments(directory), spans)
    return [nodes[span] for span in spans]


def _segments(directory: Path) -> list[str]:
    try:
        return segments(directory)
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error}") from error


def _entries(directory: Path, start: int) -> Iterator[Entry]:
    try:
        yield from entries(directory, start)
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error}") from error


def _tampered(entry: Entry, what: str) -> Tampered:
    return Tampered(entry.file, entry.index - first_index(entry.file) + 1, what)


def _sync(file: Path) -> None:
    """Flush the file to disk. A read-only or network mount refuses that; there the writer's own sync must do. (5)"""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EINVAL):
            raise UnreadableLog(f"{file}: cannot be synced: {error}") from error
