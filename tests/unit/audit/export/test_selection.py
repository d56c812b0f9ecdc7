"""Times as people write them, and what an export asked for."""

from datetime import UTC, datetime

import pytest

from audit.errors import ExportFailed
from audit.export.selection import Selection, parse_time

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", b"2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T08:30:00Z", b"2026-11-01T08:30:00.000000Z"),
        ("2026-11-01T08:30:00.5+08:00", b"2026-11-01T00:30:00.500000Z"),
        ("90m", b"2026-11-23T06:30:00.000000Z"),
        ("2h", b"2026-11-23T06:00:00.000000Z"),
        ("7d", b"2026-11-16T08:00:00.000000Z"),
        ("4w", b"2026-10-26T08:00:00.000000Z"),
    ],
)
def test_times(text: str, moment: bytes) -> None:
    """Dates, times with their offset, and ages are the moments that lines of the log carry."""
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-01T08:30:00", "2026-13-01", "0d", "-2h", "2y", "999999w", "20261101", "9" * 5000]
)
def test_other_texts(text: str) -> None:
    """A time that can be read in two ways, or in none, is refused with what would be a time."""
    with pytest.raises(ExportFailed, match="is not a date"):
        parse_time(text, NOW)


def test_described() -> None:
    """The record of the read says what was asked for, and nothing else."""
    assert Selection().described() == {}
    assert Selection(since=b"t", subjects=("李雷",)).described() == {"since": "t", "subjects": ["李雷"]}
