"""One pass over all segments of a log that may be written, rotated, archived or purged meanwhile.

A live writer may be half-way through a line or a rotation, so what looks wrong is looked at again if the files have
changed since; a log that stands still is read once.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.directory import feed_file, first_index, segments
from audit.errors import Tampered, UnreadableLog
from audit.merkle import Tree
from audit.recovery import require_empty
from audit.scan import Scanner

_ATTEMPTS = 8  # at one place


@dataclass(frozen=True, slots=True)
class _Mark:
    """The state before a segment, and the size its file had then."""

    file: str
    size: int
    state: Scanner


class Sweep:
    """The scanner's state after all segments, what follows the last LF, and the segments in order."""

    def __init__(
        self,
        directory: Path,
        public: Ed25519PublicKey,
        origin: str | None,
        anchors: dict[int, bytes],
        progress: Callable[[int], None] | None,
    ) -> None:
        self._directory = directory
        self._given = public, origin, anchors
        self._progress = progress
        self._marks: list[_Mark] = []
        self._done: list[str] = []
        self.names: list[str] = []  # as last listed
        self.state = Scanner(public, origin)
        self.rest = b""

    def read(self) -> None:
        """Read all segments. Raises `Tampered`, or `UnreadableLog` where there are none."""
        looks = stuck = 0
        reached = -1
        while True:
            try:
                self._read_on()
            except Tampered:
                stuck = stuck + 1 if self.state.lines <= reached else 1  # a busy writer is met again, further on
                reached = max(reached, self.state.lines)
                if stuck == _ATTEMPTS or not self._rewind():
                    self._name_first_bad_line()
                    raise
            else:
                looks += 1
                if not (self.rest or self.state.tail_begun) or looks == _ATTEMPTS or not self._rewind():
                    return

    def _read_on(self) -> None:
        """Read until no segment is left, looking again for any that were opened meanwhile."""
        while fresh := self._listing()[len(self._done) :]:
            for name in fresh:
                if not self._done:
                    self._start(name)
                self._read_segment(name)
                self._done.append(name)

    def _listing(self) -> list[str]:
        names = segments(self._directory)
        if not names:
            raise UnreadableLog(f"{self._directory}: not a log directory, there is no segment")
        if _indexes(names[: len(self._done)]) != _indexes(self._done):
            raise Tampered(self._done[-1], 0, "segments went away during the check")
        self.names = names
        return names

    def _start(self, name: str) -> None:
        public, origin, anchors = self._given
        self.state = Scanner(public, origin, None if first_index(name) else Tree())
        self.state.anchors = dict(anchors)
        self.rest = b""

    def _read_segment(self, name: str) -> None:
        if self.state.tail_begun or self.rest:
            require_empty(self._directory, name, self.state)
            return
        self._marks = [*self._marks[-1:], _Mark(name, self._size(name), self.state.copy(every=False))]
        self.rest = feed_file(self.state, self._directory, name, self._progress)
        self.state.check_partial(self.rest)
        self.state.settle()

    def _rewind(self) -> bool:
        """Go back before what has changed since it was read, if anything has."""
        before, now = self.names, segments(self._directory)
        if _indexes(now[:1]) != _indexes(before[:1]):  # a purge
            self._done, self._marks = [], []
            return True
        for mark in self._marks:
            if self._size(mark.file) != mark.size or now != before:
                self.state, self.rest = mark.state.copy(every=False), b""
                self._done = [name for name in self._done if name < mark.file]
                self._marks = []
                return True
        return False

    def _size(self, name: str) -> int:
        with suppress(FileNotFoundError):
            return (self._directory / name).lstat().st_size
        return -1

    def _name_first_bad_line(self) -> None:
        """Read the bad segment once more with every signature checked: what raises then is the first bad line."""
        if self._marks and self._marks[-1].file == self.state.file:
            self.state = state = self._marks[-1].state.copy(every=True)
            state.check_partial(feed_file(state, self._directory, self._marks[-1].file))


def _indexes(names: list[str]) -> list[int]:
    """The segments whatever form they are in."""
    return [first_index(name) for name in names]
