"""Logs of a few requests, as a gateway records them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import canonical
from audit.journal import Journal

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
SECOND = 1_000_000_000


@pytest.fixture
def write(open_journal: Callable[..., Journal], tmp_path: Path) -> Callable[..., Path]:
    """Writes records to the log `name`, each in a commit of its own, a second apart. Indexes are 2, 4, 6, …"""

    def writer(*records: dict[str, Any], name: str = "log", start_ns: int = START_NS) -> Path:
        journal = open_journal(name, now_ns=start_ns)
        for number, record in enumerate(records):
            journal.append([canonical.encode(record)], start_ns + number * SECOND)
        journal.close(start_ns + len(records) * SECOND)
        return tmp_path / name

    return writer
