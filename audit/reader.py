"""The lines of a log in order, as they stand: for readers that search or show, not for judging the log.

Nothing is verified here beyond the frame of each line. What must be believed is proved (`audit.prove`) or verified.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit import line as lines
from audit.directory import first_index, open_segment, segments
from audit.errors import NotCanonical, Tampered


@dataclass(frozen=True, slots=True)
class Entry:
    """One whole line of the log and where it stands. `body` are the canonical bytes of `r`."""

    index: int
    kind: bytes
    body: bytes
    time: bytes
    line: bytes  # without its LF: the leaf
    file: str
    offset: int  # of the line in its (uncompressed) file


def entries(directory: Path, start: int = 0) -> Iterator[Entry]:
    """Every whole line from index `start` on. A line that is being written does not count.

    Raises `Tampered` where a line has no frame, no end or another index, `OSError` where a file cannot be read.
    """
    names = segments(directory)
    firsts = [first_index(name) for name in names]
    for position, name in enumerate(names):
        if position + 1 == len(names) or firsts[position + 1] > start:
            yield from _entries_of(directory, name, start)


def _entries_of(directory: Path, name: str, start: int) -> Iterator[Entry]:
    index, offset = first_index(name), 0
    with open_segment(directory, name) as stream:
        while raw := stream.readline(lines.MAX_LINE + 1):
            if not raw.endswith(b"\n"):
                if len(raw.rstrip(b"\0")) > lines.MAX_LINE:
                    raise Tampered(name, index - first_index(name) + 1, "no line is that long")
                return
            if index >= start:
                line = raw[:-1]
                try:
                    kind, body, time = lines.split(line, index)
                except NotCanonical as error:
                    raise Tampered(name, index - first_index(name) + 1, str(error)) from error
                yield Entry(index, kind, body, time, line, name, offset)
            index += 1
            offset += len(raw)
