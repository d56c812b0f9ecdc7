"""How long the disk takes to make one record durable: the time that no gateway with a durable log can go below."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path


def sync_millis(folder: Path, times: int = 100) -> float:
    """The median of `times` appends of one record's size, each followed by fdatasync, in milliseconds."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            start = time.perf_counter()
            os.write(file.fileno(), b"x" * 700)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3
