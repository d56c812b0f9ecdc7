"""The ledger of purges: what a line may say, given the segments that are left."""

import pytest

from audit.bodies import Content, Purge
from audit.errors import NotCanonical
from audit.purged import Ledger

OLD, DAY_2, NOW = (f"{day}T08:00:00.000000Z".encode() for day in ("2025-01-01", "2025-01-02", "2026-11-23"))


def named(first: int, *starts: int, before: bytes = DAY_2) -> Purge:
    """A purge that names the segments of these lines."""
    return Purge(before, first, tuple(Content(f"{start:012d}.log", 1, "0" * 64) for start in starts))


@pytest.fixture
def ledger() -> Ledger:
    """Three segments of a log: the first two old."""
    ledger = Ledger()
    for start, before in ((0, b""), (6, OLD), (12, OLD)):
        ledger.begin(start, before)
    return ledger


@pytest.mark.parametrize("purge", [named(6, 0), named(12, 0, 6)])
def test_fits(purge: Purge, ledger: Ledger) -> None:
    """A purge of the oldest segments counts when it is signed, and not before."""
    ledger.take(purge, NOW)
    assert (ledger.first, list(ledger.removed())) == (0, [])
    ledger.sign()
    assert (ledger.first, list(ledger.removed())) == (purge.first, list(purge.removed))


@pytest.mark.parametrize(
    ("purge", "why"),
    [
        (named(7, 0, 6), "no segment starts"),
        (named(18, 0, 6, 12), "no segment starts"),
        (named(12, 0), "does not name"),
        (named(12, 6), "does not go on"),
        (named(6, 0, before=OLD), "not older"),
        (named(6, 0, before=b"2026-05-24T08:00:00.000001Z"), "183 days"),
    ],
)
def test_does_not_fit(purge: Purge, why: str, ledger: Ledger) -> None:
    """A purge that skips, overlaps, starts elsewhere or takes what is young is refused."""
    with pytest.raises(NotCanonical, match=why):
        ledger.take(purge, NOW)


def test_one_after_the_other(ledger: Ledger) -> None:
    """The second purge goes on where the first ended, not before and not behind."""
    ledger.take(named(6, 0), NOW)
    for wrong in (named(12, 0, 6), named(12, 7)):
        with pytest.raises(NotCanonical):
            ledger.take(wrong, NOW)
    ledger.take(named(12, 6), NOW)
    ledger.sign()
    assert ledger.first == 12


def test_log_that_starts_late() -> None:
    """Where the log begins with a later segment, an older purge cannot be checked and a newer one can."""
    ledger = Ledger()
    ledger.begin(12, b"")
    ledger.begin(18, OLD)
    ledger.copy().take(named(6, 0), NOW)
    with pytest.raises(NotCanonical, match="does not go on at line 12"):
        ledger.take(named(18, 13), NOW)
    ledger.take(named(18, 12), NOW)
    assert (ledger.start, ledger.segments) == (12, 2)


def test_copy(ledger: Ledger) -> None:
    """A copy goes its own way."""
    twin = ledger.copy()
    twin.take(named(6, 0), NOW)
    twin.sign()
    twin.begin(18, NOW)
    assert (ledger.first, ledger.segments, twin.first, twin.segments) == (0, 3, 6, 4)
