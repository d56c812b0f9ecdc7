"""Finds the lines of a log that hold given bytes, at the speed of the disk: only lines that match are taken apart.

    for line in find(directory, names, member("request_id", "r-1")):

A hit is a candidate and no more: the caller parses it, and proves it where it must be believed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audit import canonical
from audit import line as lines
from audit.directory import open_segment
from audit.errors import NotCanonical, Tampered

_CHUNK = 1 << 20
_INDEX = re.compile(rb'\{"i":(0|[1-9][0-9]{0,15}),')


@dataclass(frozen=True, slots=True)
class Found:
    """One whole line and its index, as the line itself says it."""

    index: int
    kind: bytes
    body: bytes
    line: bytes  # without its LF


def member(name: str, *values: str) -> re.Pattern[bytes]:
    """What matches `"name":"value"` for one of these values, as canonical JSON spells it. Raises `NotCanonical`.

    Quotes in a string are escaped, so a text that a record quotes cannot match; a member deeper in the record can.
    """
    spelled = [canonical.encode({name: value})[1:-1] for value in values]
    start = len(canonical.encode({name: ""})) - 3
    return re.compile(re.escape(spelled[0][:start]) + b"(?:" + b"|".join(re.escape(s[start:]) for s in spelled) + b")")


def find(directory: Path, names: Sequence[str], pattern: re.Pattern[bytes]) -> Iterator[Found]:
    """The lines of these segments, in order, in which the pattern occurs. A line that is being written does not count.

    Raises `Tampered` where such a line is not framed as one, or no line is that long, and `OSError`.
    """
    for name in names:
        with open_segment(directory, name) as stream:
            for line in _matching(name, stream, pattern):
                yield _found(name, line)


def _matching(name: str, stream: BinaryIO, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        block = rest + chunk
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        if len(rest) > lines.MAX_LINE:
            raise Tampered(name, 0, "no line is that long")
        stop = 0
        while hit := pattern.search(block, stop, end):
            start = block.rfind(b"\n", 0, hit.start()) + 1
            stop = block.find(b"\n", hit.end() - 1)
            yield block[start:stop]


def _found(name: str, line: bytes) -> Found:
    match = _INDEX.match(line)
    if match is None:
        raise Tampered(name, 0, "a line is not framed as a line of the log")
    index = int(match[1])
    try:
        kind, body, _ = lines.split(line, index)
    except NotCanonical as error:
        raise Tampered(name, 0, f"line {index} of the log {error}") from error
    return Found(index, kind, body, line)
