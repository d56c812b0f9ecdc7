"""Recomputes a whole log from its bytes and one public key. Standard library and `cryptography` only.

What must hold, each step with its number below; 2 stands on the numbered list of `audit.scan`:

 1. The directory holds segments, and nothing that no writer puts there; no link is followed.
 2. Every line of every segment, in order, is one that the writer could have written there; the newest checkpoint of
    each segment is signed by the given key, and so, through its root, is every line before it.
 3. At least one checkpoint was found. A log in which nothing is signed is not a clean log.
 4. Behind the newest checkpoint stands nothing, or what a crash can leave: whole lines in order, the start of a line,
    NULs. That is a torn tail, and no record in it was ever acknowledged.
 5. A segment that ended by rotation has a successor.
 6. Every anchor was met with the same root, so the log is no shorter and no other than when the anchor was taken.
 7. The quarantine holds what recoveries set aside: the files that `rcv` lines name, unchanged, and no others.

Nothing in the log says that it should be longer: a log cut exactly behind a checkpoint is found with an anchor only.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.bodies import ROTATE
from audit.checkpoint import Checkpoint
from audit.directory import feed_file, quarantined, segments
from audit.errors import Tampered, UnreadableLog
from audit.merkle import Tree
from audit.recovery import hash_file, is_cut_at, require_empty
from audit.scan import Scanner

CLEAN, TORN, TAMPERED = "clean", "torn", "tampered"
_ATTEMPTS = 8
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. For a tampered log the counts reach up to the first bad line."""

    state: str  # CLEAN, TORN or TAMPERED
    problem: str | None  # `file:line: what`
    origin: str
    segments: int
    lines: int
    records: int
    checkpoints: int
    recoveries: int  # files set aside by them
    first_time: str
    last_time: str
    signed: int  # lines up to and with the newest checkpoint
    anchored: int  # lines that a checkpoint kept elsewhere covers
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

    Raises `UnreadableLog` where there is no log to judge or the disk fails.
    """
    anchors = tuple(anchors)
    scan = _Scan(directory, Scanner(public, origin, Tree()), progress)
    scan.state.anchors = {anchor.size: anchor.root for anchor in anchors}
    try:
        scan.read()  # 1, 2
        state = _conclude(directory, scan.state, scan.rest, anchors)
    except Tampered as error:
        return _report(scan, TAMPERED, str(error), anchors)
    except OSError as error:  # no such directory, no permission, a failing disk
        raise UnreadableLog(f"{directory}: {error}") from error
    return _report(scan, state, None, anchors)


@dataclass(frozen=True, slots=True)
class _Mark:
    """The state before a segment, and the size its file had then."""

    file: str
    size: int
    state: Scanner


class _Scan:
    """One pass over all segments: the scanner's state, and what follows the last LF."""

    def __init__(self, directory: Path, state: Scanner, progress: Progress | None) -> None:
        self.directory = directory
        self.state = state
        self.rest = b""
        self._done: list[str] = []
        self._marks: list[_Mark] = []
        self._progress = progress

    def read(self) -> None:
        """Read all segments. Raises `Tampered`.

        A live writer may be half-way through a line or a rotation. So where something is wrong and one of the two
        newest segments has grown meanwhile, these are read again.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._read_on()
            except Tampered:
                if attempt == _ATTEMPTS or not self._rewind():
                    self._name_first_bad_line()
                    raise
            else:
                if not (self.rest or self.state.tail_begun) or attempt == _ATTEMPTS or not self._rewind():
                    return

    def _read_on(self) -> None:
        """Read until no segment is left, looking again for any that were opened meanwhile."""
        while fresh := self._listing()[len(self._done) :]:
            for name in fresh:
                self._read_segment(name)
                self._done.append(name)

    def _listing(self) -> list[str]:
        names = segments(self.directory)
        if not names:
            raise UnreadableLog(f"{self.directory}: not a log directory, there is no segment")
        if names[: len(self._done)] != self._done:
            raise Tampered(self._done[-1], 0, "segments went away during the check")
        return names

    def _read_segment(self, name: str) -> None:
        if self.state.tail_begun or self.rest:
            require_empty(self.directory, name, self.state)
            return
        self._marks = [*self._marks[-1:], _Mark(name, self._size(name), self.state.copy(every=False))]
        self.rest = feed_file(self.state, self.directory, name, self._progress)
        self.state.check_partial(self.rest)
        self.state.settle()

    def _rewind(self) -> bool:
        """Go back before the oldest marked segment that has grown. False: none has."""
        for mark in self._marks:
            if self._size(mark.file) != mark.size:
                self.state, self.rest = mark.state.copy(every=False), b""
                self._done = [name for name in self._done if name < mark.file]
                self._marks = []
                return True
        return False

    def _size(self, name: str) -> int:
        with suppress(FileNotFoundError):
            return (self.directory / name).lstat().st_size
        return -1

    def _name_first_bad_line(self) -> None:
        """Read the bad segment once more with every signature checked: what raises then is the first bad line."""
        if self._marks and self._marks[-1].file == self.state.file:
            self.state = state = self._marks[-1].state.copy(every=True)
            state.check_partial(feed_file(state, self.directory, self._marks[-1].file))


def _conclude(directory: Path, state: Scanner, rest: bytes, anchors: tuple[Checkpoint, ...]) -> str:
    if state.signed is None:  # 3
        raise Tampered(state.file, 0, "no checkpoint: nothing in this log is signed")
    size = state.signed.tree.size
    aside = quarantined(directory)
    waiting = [name for name in aside if is_cut_at(name, size)]  # a recovery was cut short, the next will name them
    if state.ended == ROTATE and state.sealed and not waiting:  # 5
        raise Tampered(state.file, 0, "the segment after it is missing")
    _check_anchors(state, anchors)  # 6
    _check_quarantine(directory, state, [name for name in aside if name not in waiting])  # 7
    return TORN if rest or state.tail_begun or waiting else CLEAN  # 4


def _check_anchors(state: Scanner, anchors: tuple[Checkpoint, ...]) -> None:
    roots: dict[int, bytes] = {}
    for anchor in anchors:
        if state.key is None or anchor.origin != state.key.origin:
            raise Tampered(state.file, 0, f"the anchor is of `{anchor.origin}`, another log")
        if roots.setdefault(anchor.size, anchor.root) != anchor.root:
            raise Tampered(
                state.file, 0, f"two anchors of {anchor.size} lines have different roots: the key signed both"
            )
    if state.anchors:
        size = min(state.anchors)
        raise Tampered(
            state.file, 0, f"the anchor's checkpoint of {size} lines is not in the log of {state.lines} lines"
        )


def _check_quarantine(directory: Path, state: Scanner, names: list[str]) -> None:
    recovered = {torn.file: torn for torn in state.recovered}
    for name in names:
        torn = recovered.get(name)
        if torn is None:
            raise Tampered(name, 0, "no `rcv` line names this file")
        if hash_file(directory, name) != (torn.sha256, torn.length):
            raise Tampered(name, 0, "not the bytes that were set aside")


def _report(scan: _Scan, verdict: str, problem: str | None, anchors: tuple[Checkpoint, ...]) -> Report:
    state = scan.state
    signed = state.signed.tree.size if state.signed else 0
    met = [anchor.size for anchor in anchors if anchor.size not in state.anchors]
    return Report(
        state=verdict,
        problem=problem,
        origin=state.key.origin if state.key else "",
        segments=state.number,
        lines=state.lines,
        records=state.records,
        checkpoints=state.checkpoints,
        recoveries=len(state.recovered),
        first_time=state.first_time.decode(),
        last_time=state.time.decode(),
        signed=signed,
        anchored=max(met, default=0),
        unsigned_lines=state.unsigned,
        unsigned_bytes=len(scan.rest),
        ended=state.ended if state.sealed else "",
        checkpoint=state.signed.note if state.signed else "",
    )
