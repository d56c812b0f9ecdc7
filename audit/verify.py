"""Recomputes a whole log from its bytes and one public key. Standard library and `cryptography` only.

What must hold, each step with its number below; 2 stands on the numbered list of `audit.scan`:

 1. The directory holds segments, and nothing that no writer puts there; no link is followed. An archived segment is one
    whole gzip member, and the same as its `.log` where that is there too.
 2. Every line of every segment, in order, is one that the writer could have written there; the newest checkpoint of
    each segment is signed by that segment's key, and so, through its root, is every line before it.
 3. At least one checkpoint was found, and one signed by the given key. A log in which nothing is signed is not clean.
 4. The log starts with line 0, or where a signed `purge` line says that it may; of the segments that such lines name
    those that are left are what they say.
 5. Behind the newest checkpoint stands nothing, or what a crash can leave: whole lines in order, the start of a line,
    NULs. That is a torn tail, and no record in it was ever acknowledged.
 6. A segment that ended by rotation, or handed the log over to another key, has a successor.
 7. Every anchor was met with the same root, so the log is no shorter and no other than when the anchor was taken.
 8. The quarantine holds what recoveries set aside: files that `rcv` or `purge` lines name, unchanged, and no others.

Nothing in the log says that it should be longer: a log cut exactly behind a checkpoint is found with an anchor only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoint import Checkpoint
from audit.conclude import conclude
from audit.errors import Tampered, UnreadableLog
from audit.sweep import Sweep

CLEAN, TORN, TAMPERED = "clean", "torn", "tampered"
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. For a tampered log the counts reach up to the first bad line."""

    state: str  # CLEAN, TORN or TAMPERED
    problem: str | None  # `file:line: what`
    file: str | None  # the first bad file
    line: int | None  # its first bad line, from 1; 0: the file as a whole
    origin: str
    keys: tuple[str, ...]  # verifier keys of the segments, in the order of their turns
    segments: int  # that are there
    first: int  # index of the first line that is there
    lines: int  # of the whole log, with those that were purged
    purged: int  # lines that signed lines say were removed
    records: int
    checkpoints: int
    recoveries: int  # files set aside by them
    first_time: str
    last_time: str  # how fresh the log is: an idle writer leaves heartbeats
    signed: int  # lines up to and with the newest checkpoint
    anchored: int  # lines that a checkpoint kept elsewhere covers
    anchored_time: str  # time of the newest of them: since then nothing is anchored
    unsigned_lines: int  # whole lines behind the newest checkpoint
    unsigned_bytes: int  # behind the last whole line
    ended: str  # `stop` after an orderly end, else empty: the log is open, or its writer was killed
    checkpoint: str  # the newest signed note; keep it elsewhere to have an anchor


def verify(
    directory: Path,
    public: Ed25519PublicKey,
    origin: str | None = None,
    anchors: Iterable[Checkpoint] = (),
    progress: Progress | None = None,
) -> Report:
    """Check the log in `directory`. `origin` None: the log says itself what it is called.

    `public` is any key of a log that was handed over from one to the next: `audit.chain` says why that is sound. Raises
    `UnreadableLog` where there is no log to judge, no anchor reaches into what a purge left, or the disk fails.
    """
    anchors = tuple(anchors)
    sweep = Sweep(directory, public, origin, _roots(anchors), progress)
    try:
        sweep.read()  # 1, 2
        torn = conclude(directory, sweep, anchors)
    except Tampered as error:
        return _report(sweep, TAMPERED, error)
    except OSError as error:  # no such directory, no permission, a failing disk
        raise UnreadableLog(f"{directory}: {error}") from error
    return _report(sweep, TORN if torn else CLEAN, None)


def _roots(anchors: Iterable[Checkpoint]) -> dict[int, bytes]:
    """The root to be met at each size. Where two anchors contradict each other, the log cannot help it: see step 7."""
    roots: dict[int, set[bytes]] = {}
    for anchor in anchors:
        roots.setdefault(anchor.size, set()).add(anchor.root)
    return {size: found.pop() for size, found in roots.items() if len(found) == 1}


def _report(sweep: Sweep, verdict: str, problem: Tampered | None) -> Report:
    state = sweep.state
    return Report(
        state=verdict,
        problem=str(problem) if problem else None,
        file=problem.file if problem else None,
        line=problem.line if problem else None,
        origin=state.chain.origin or "",
        keys=tuple(key.vkey for key in state.chain.keys),
        segments=state.ledger.segments,
        first=state.ledger.start,
        lines=state.lines,
        purged=state.ledger.first,
        records=state.records,
        checkpoints=state.checkpoints,
        recoveries=len(state.recovered),
        first_time=state.first_time.decode(),
        last_time=state.time.decode(),
        signed=state.signed.tree.size if state.signed else 0,
        anchored=state.anchored[0],
        anchored_time=state.anchored[1].decode(),
        unsigned_lines=state.unsigned,
        unsigned_bytes=len(sweep.rest),
        ended=state.chain.ended if state.sealed else "",
        checkpoint=state.signed.note if state.signed else "",
    )
