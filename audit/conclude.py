"""What can be said of a log only when all its lines have been read. The steps have the numbers of `audit.verify`."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from audit.bodies import REKEY, ROTATE
from audit.checkpoint import Checkpoint
from audit.directory import ARCHIVED, content, open_segment, quarantined, segment_files
from audit.errors import Tampered, UnreadableLog
from audit.purge import check_left
from audit.recovery import is_cut_at
from audit.sweep import Sweep

_CHUNK = 1 << 20


def conclude(directory: Path, sweep: Sweep, anchors: Sequence[Checkpoint]) -> bool:
    """Whether the log has a torn tail. Raises `Tampered`; `UnreadableLog` where no anchor reaches into what is left."""
    state, first, last = sweep.state, sweep.names[0], sweep.names[-1]
    if state.signed is None:  # 3
        raise Tampered(last, 0, "no checkpoint: nothing in this log is signed")
    if not state.chain.trusted:  # 3
        raise Tampered(first, 1, "nothing in this log is signed by the given key")
    if state.ledger.first < state.ledger.start:  # 4
        missing = f"the segments before line {state.ledger.start} are missing and no `purge` says so"
        raise Tampered(first, 1, missing)
    size = state.signed.tree.size
    aside = quarantined(directory)
    waiting = [name for name in aside if is_cut_at(name, size)]  # a recovery was cut short, the next will name them
    if state.chain.ended in (ROTATE, REKEY) and state.sealed and not waiting:  # 6
        raise Tampered(last, 0, "the segment after it is missing")
    _check_anchors(sweep, anchors)  # 7
    _check_quarantine(directory, sweep, [name for name in aside if name not in waiting])  # 8
    check_left(directory, (named for named in state.ledger.removed() if "/" not in named.file))  # 4
    _check_twins(directory)  # 1
    return bool(sweep.rest or state.tail_begun or waiting)  # 5


def _check_anchors(sweep: Sweep, anchors: Sequence[Checkpoint]) -> None:
    state, last = sweep.state, sweep.names[-1]
    roots: dict[int, bytes] = {}
    for anchor in anchors:
        if anchor.origin != state.chain.origin:
            raise Tampered(last, 0, f"the anchor is of `{anchor.origin}`, another log")
        if roots.setdefault(anchor.size, anchor.root) != anchor.root:
            raise Tampered(last, 0, f"two anchors of {anchor.size} lines have different roots: the key signed both")
    missing = [size for size in state.anchors if size >= state.ledger.start]
    if missing:
        what = f"the anchor's checkpoint of {min(missing)} lines is not in the log of {state.lines} lines"
        raise Tampered(last, 0, what)
    if anchors and not state.anchored[0]:
        raise UnreadableLog(f"every anchor is older than line {state.ledger.start}, where this purged log begins")


def _check_quarantine(directory: Path, sweep: Sweep, names: Sequence[str]) -> None:
    known = {named.file: named for named in (*sweep.state.ledger.removed(), *sweep.state.recovered)}
    for name in names:
        if name not in known:
            raise Tampered(name, 0, "no `rcv` line names this file")
        if content(directory, name) != known[name]:
            raise Tampered(name, 0, "not the bytes that were set aside")


def _check_twins(directory: Path) -> None:
    """A segment that is there in both forms, since a crash stopped its archiver, is the same in both."""
    files = segment_files(directory)
    for name in files:
        if name.endswith(ARCHIVED) and name.removesuffix(ARCHIVED) in files and not _same(directory, name):
            raise Tampered(name, 0, f"not the bytes of {name.removesuffix(ARCHIVED)}")


def _same(directory: Path, archive: str) -> bool:
    with open_segment(directory, archive) as one, open_segment(directory, archive.removesuffix(ARCHIVED)) as other:
        pieces = zip_longest(iter(lambda: one.read(_CHUNK), b""), iter(lambda: other.read(_CHUNK), b""))
        return all(piece == twin for piece, twin in pieces)
