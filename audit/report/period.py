"""A period of time cut into buckets that fit on one plot. Times are microseconds since 1970, as the index has them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WIDTHS = (
    (timedelta(minutes=5), "%H:%M"),
    (timedelta(hours=1), "%m-%d %H:%M"),
    (timedelta(hours=6), "%m-%d %H:%M"),
    (timedelta(days=1), "%Y-%m-%d"),
    (timedelta(days=7), "%Y-%m-%d"),
    (timedelta(days=28), "%Y-%m-%d"),
)
_MOST = 60  # buckets on one plot


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, and without, `end`, in buckets of `width`. All in microseconds."""

    start: int
    end: int
    width: int
    label: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The beginning of each bucket."""
        return tuple(moment(at).strftime(self.label) for at in range(self.start, self.end, self.width))


def period(since: int, until: int) -> Period:
    """The period from `since` to `until` in at most sixty buckets that start at round times."""
    for width, label in _WIDTHS:
        size = width // _MICROSECOND
        start = since // size * size
        if until - start <= _MOST * size or width == _WIDTHS[-1][0]:
            return Period(start, max(until, start + 1), size, label)
    raise AssertionError("the last width takes everything")


def moment(microseconds: int) -> datetime:
    """A time in UTC."""
    return _EPOCH + microseconds * _MICROSECOND


def text(microseconds: int) -> str:
    """A time as a reader wants it, to the second."""
    return moment(microseconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def microseconds(time: bytes) -> int:
    """The time of a line of the log."""
    return (datetime.fromisoformat(time.decode("ascii")) - _EPOCH) // _MICROSECOND
