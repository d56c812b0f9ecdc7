"""Periods and their buckets."""

import pytest

from audit.report.period import microseconds, period, text

HOUR = 3_600_000_000
START = microseconds(b"2026-11-23T08:17:42.000001Z")


@pytest.mark.parametrize(
    ("span", "label", "count"),
    [
        (2 * HOUR, "08:15", 25),
        (24 * HOUR, "11-23 08:00", 25),
        (7 * 24 * HOUR, "11-23 06:00", 29),
        (30 * 24 * HOUR, "2026-11-23", 31),
        (366 * 24 * HOUR, "2026-11-19", 53),
    ],
)
def test_buckets_are_round_and_few(span: int, label: str, count: int) -> None:
    """Whatever the length of a period, it is cut at round times into at most sixty buckets that cover it."""
    found = period(START, START + span)
    assert (found.labels[0], len(found.labels)) == (label, count)
    assert found.start <= START
    assert found.start + len(found.labels) * found.width >= START + span


def test_ten_years() -> None:
    """A period longer than any plot is made for still works."""
    assert len(period(START, START + 87_660 * HOUR).labels) == 131


def test_a_moment() -> None:
    """A period of a microsecond has one bucket."""
    assert len(period(START, START + 1).labels) == 1


def test_times_come_back() -> None:
    """Microseconds and texts are two forms of one time."""
    assert text(START) == "2026-11-23T08:17:42Z"
    assert microseconds(b"1970-01-01T00:00:00.000000Z") == 0
