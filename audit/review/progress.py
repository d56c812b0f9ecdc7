"""Progress of building an index, in segments: what is left is known by their sizes before they are read."""

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from audit.directory import first_index, segment_files
from audit.errors import UnreadableLog

_BAR = 40
_WORDS = " building the index"
_WIDTH = _BAR + 2 + len(_WORDS)
_WORTH_A_BAR = 32 << 20  # bytes


@contextmanager
def progress_bar(directory: Path) -> Iterator[Callable[[int], None] | None]:
    """Yields what takes the next index and draws on stderr, or None where no one is looking or it is quick.

    The bar is gone when the block ends. Raises `Tampered` or `UnreadableLog` where the directory is no log.
    """
    bar = _bar(directory) if sys.stderr.isatty() else None
    yield bar
    if bar is not None:
        sys.stderr.write(f"\r{' ' * _WIDTH}\r")


def _bar(directory: Path) -> Callable[[int], None] | None:
    try:
        files = segment_files(directory)
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error.strerror or error}") from error
    firsts = [first_index(name) for name in files]
    behind = list(accumulate(files.values()))
    if not behind or behind[-1] < _WORTH_A_BAR:
        return None
    drawn = -1

    def advance(index: int) -> None:
        nonlocal drawn
        position = bisect_right(firsts, index) - 1
        filled = _BAR * (behind[position - 1] if position > 0 else 0) // behind[-1]
        if filled != drawn:
            drawn = filled
            sys.stderr.write(f"\r[{'#' * filled}{' ' * (_BAR - filled)}]{_WORDS}")

    return advance
