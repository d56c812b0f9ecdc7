"""Line times under a clock that does as it likes."""

from audit.canonical import parse
from audit.clock import LineClock, step_record
from audit.event import event_logger
from audit.schema import EVENTS

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
START = b"2026-11-23T08:00:00.000000Z"
SECOND_NS = 1_000_000_000


def test_times_never_decrease() -> None:
    """A clock that steps back leaves the time where it was, until it has caught up."""
    clock = LineClock(b"")
    assert clock.tick(START_NS) == START
    assert clock.tick(START_NS - 5 * SECOND_NS) == START
    assert clock.tick(START_NS + 1_999) == b"2026-11-23T08:00:00.000001Z"


def test_time_of_an_earlier_life() -> None:
    """The newest line of a log that is opened again counts as seen."""
    clock = LineClock(START)
    assert clock.tick(START_NS - 1) == START
    assert clock.stepped_back(START_NS - 1500 * 1_000_000) == 1500


def test_step_is_told_once() -> None:
    """A step back of more than a second is told once; a second step while the clock is behind is told again."""
    clock = LineClock(START)
    hour = 3600 * SECOND_NS
    told = [clock.stepped_back(START_NS + now) for now in (0, -hour, -hour + SECOND_NS, -2 * hour, -2 * hour + 1)]
    assert told == [0, 3_600_000, 0, 7_200_000, 0]
    assert clock.stepped_back(START_NS + 1) == 0
    assert clock.stepped_back(START_NS - hour) == 3_600_000


def test_small_steps_are_no_news() -> None:
    """A second or less, as time synchronisation does it, is not recorded."""
    clock = LineClock(START)
    assert clock.stepped_back(START_NS - SECOND_NS) == 0


def test_record_fits_the_table() -> None:
    """The record is what the table of events says."""
    taken: list[bytes] = []
    event_logger(taken.append, EVENTS).event("audit.clock", behind_ms=5)  # type: ignore[arg-type]  # no receipt needed
    assert taken == [step_record(5)]
    assert parse(step_record(5)) == {"event": "audit.clock", "behind_ms": 5}
