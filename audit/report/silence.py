"""Minutes in which a log says nothing at all, not even that its writer is alive."""

from collections.abc import Iterator
from pathlib import Path

from audit.reader import entries
from audit.report.period import Period, microseconds

LONGEST = 300_000_000  # microseconds without a line; a writer with nothing to write leaves a heartbeat every minute
_LINES = (b"rec", b"hdr")


def silences(directory: Path, start: int, period: Period) -> Iterator[tuple[int, int, int]]:
    """Index and time of each line of the period that broke a silence, and how long that had been, in microseconds.

    Reads the log from line `start` on, which is where the period begins. Raises `Tampered` for a line that is none.
    """
    before = None
    seen = b""
    for entry in entries(directory, start):
        if entry.time == seen or entry.kind not in _LINES:
            continue
        seen, now = entry.time, microseconds(entry.time)
        if now >= period.end:
            return
        if before is not None and now - before > LONGEST:
            yield entry.index, now, now - before
        before = now
