"""Streams the selected records of a log into a sink, in constant memory, and says whether they were the signed ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.bodies import claims
from audit.checkpoint import Checkpoint, parse_note
from audit.directory import printable
from audit.errors import LogChanged, NotCanonical, Tampered, UnreadableLog
from audit.export.record import committed, origin_in, parse
from audit.export.selection import Selection
from audit.export.sink import Origin, Sink
from audit.merkle import Tree, leaf_hash
from audit.reader import Entry, entries
from audit.verify import TAMPERED, Progress, verify


@dataclass(frozen=True, slots=True)
class Exported:
    """How many records were written, of how many lines that were read."""

    records: int
    lines: int


def verified_checkpoint(
    directory: Path, public: Ed25519PublicKey, origin: str | None, progress: Progress | None = None
) -> Checkpoint:
    """The newest checkpoint of a log that verifies under the key. Raises `Tampered` or `UnreadableLog`."""
    report = verify(directory, public, origin, (), progress)
    if report.state == TAMPERED:
        raise Tampered(str(directory), 0, report.problem or TAMPERED)
    return parse_note(report.checkpoint)[0]


def origin_of(directory: Path, checkpoint: Checkpoint | None) -> Origin:
    """What a sink is told about the log. Raises `UnreadableLog` for none, `Tampered` for a bad first line."""
    try:
        first = next(entries(directory), None)
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error.strerror or error}") from error
    if first is None:
        raise UnreadableLog(f"{directory}: not a log directory, there is no segment with a line")
    notes = {"hangu.checkpoint": checkpoint.text()} if checkpoint else {}
    return Origin(origin_in(first), checkpoint is not None, notes)


def export(directory: Path, selection: Selection, sink: Sink, checkpoint: Checkpoint | None) -> Exported:
    """Write every selected record that a checkpoint of the log covers; with `checkpoint`, only what that one covers.

    With `checkpoint` the lines that were read must be those it was signed for, so that what is exported is what was
    verified, also where someone changed the log in between. Raises `LogChanged` there, `Tampered`, or `UnreadableLog`.
    """
    records = lines = 0
    tree: Tree | None = None
    for entry, origin in _lines(directory):
        if checkpoint is not None:
            tree = _grown(tree, entry, checkpoint)
            if entry.index == checkpoint.size:
                return Exported(records, lines)
        lines += 1
        if entry.kind == b"rec" and selection.covers(entry.time):
            record = parse(entry, origin)
            if selection.takes(record):
                sink.add(record)
                records += 1
    if checkpoint is not None:
        raise LogChanged(f"{directory}: the log was changed during the export: line {checkpoint.size} is gone")
    return Exported(records, lines)


def _lines(directory: Path) -> Iterator[tuple[Entry, str]]:
    """`committed`, line by line. What goes wrong on the disk of the log is told apart from the sink's troubles here."""
    try:
        for group in committed(directory):
            yield from group
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error.strerror or error}") from error


def _grown(tree: Tree | None, entry: Entry, checkpoint: Checkpoint) -> Tree:
    """The tree with this line, from what the first `hdr` says was before; at the checkpoint's size, its very root."""
    if tree is None:
        try:
            tree = claims(entry.body)[2]
        except NotCanonical as error:
            raise Tampered(entry.file, 1, str(error)) from error
    if tree.size != entry.index or (tree.size == checkpoint.size and tree.root() != checkpoint.root):
        what = "the log was changed after it was verified: its lines are not those of the newest checkpoint"
        raise LogChanged(f"{printable(entry.file)}: {what}")
    tree.append(leaf_hash(entry.line))
    return tree
