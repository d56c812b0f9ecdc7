"""A log of every sort of record, in several segments."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.records import SAMPLES, SECONDS

from audit import canonical
from audit.journal import Journal, Rotation


@pytest.fixture
def sample_log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """The samples, one a commit and a second apart, sealed."""
    start = SECONDS * 1_000_000_000
    journal = open_journal(rotation=Rotation(max_bytes=4000), now_ns=start)
    for place, fields in enumerate(SAMPLES):
        journal.append([canonical.encode(fields)], start + place * 1_000_000_000)
    journal.close(start + len(SAMPLES) * 1_000_000_000)
    return tmp_path / "log"
