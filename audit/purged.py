"""Holds what `purge` lines say against the segments that are still there. Pure: no file is looked at.

A scan tells the ledger each segment that starts, each `purge` line, and each checkpoint; what no checkpoint signs yet
does not count. docs/audit-format.md, "Purge", has the rules.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audit.bodies import Content, Purge
from audit.errors import NotCanonical

RETENTION_FLOOR_DAYS = 183


class Ledger:
    """The segments met so far, from the oldest one that is left, and what signed lines have purged."""

    __slots__ = ("_ends", "_pending", "_upto", "purges")

    def __init__(self) -> None:
        self.purges: list[Purge] = []  # signed
        self._pending: list[Purge] = []
        self._ends: dict[int, bytes] = {}  # first index of each segment, and the time of its last line
        self._upto = 0

    @property
    def start(self) -> int:
        """The index of the first line there is."""
        return next(iter(self._ends), 0)

    @property
    def segments(self) -> int:
        """How many there are."""
        return len(self._ends)

    @property
    def first(self) -> int:
        """The index of the first line that signed purges keep."""
        return self.purges[-1].first if self.purges else 0

    def copy(self) -> "Ledger":
        """An independent ledger in the same state."""
        twin = Ledger()
        twin.purges, twin._pending, twin._upto = list(self.purges), list(self._pending), self._upto
        twin._ends = dict(self._ends)
        return twin

    def begin(self, index: int, last_time: bytes) -> None:
        """A segment starts at this index; `last_time` is that of the line before it, empty where there is none."""
        if self._ends:
            self._ends[next(reversed(self._ends))] = last_time
        self._ends[index] = b""

    def take(self, purge: Purge, time: bytes) -> None:
        """A `purge` line with this time, in the segment that began last. Raises `NotCanonical` where it cannot be."""
        if moment(time) - moment(purge.before) < timedelta(days=RETENTION_FLOOR_DAYS):
            raise NotCanonical(f"removes lines that are not {RETENTION_FLOOR_DAYS} days old")
        if purge.first >= self.start and purge.first not in self._ends:
            raise NotCanonical(f"`first` is {purge.first}, where no segment starts before this line")
        oldest = purge.segments[0].index
        if oldest != self._upto if self._upto else oldest > self.start:
            raise NotCanonical(f"does not go on at line {self._upto or self.start}, where the log then began")
        named = {content.index for content in purge.segments}
        for index, last_time in self._ends.items():
            if oldest <= index < purge.first:
                if index not in named:
                    raise NotCanonical(f"does not name the segment of line {index}, which is before its `first`")
                if last_time >= purge.before:
                    raise NotCanonical(f"names the segment of line {index}, which is not older than its `before`")
        self._pending.append(purge)
        self._upto = purge.first

    def sign(self) -> None:
        """A checkpoint stands behind all that was taken."""
        if self._pending:
            self.purges += self._pending
            self._pending = []

    def removed(self) -> Iterator[Content]:
        """Every file that a signed line says was removed."""
        for purge in self.purges:
            yield from purge.removed


def moment(time: bytes) -> datetime:
    """The time of a line as a point in time."""
    return datetime.fromisoformat(time.decode("ascii"))
