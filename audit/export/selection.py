"""Which records an export takes: by time, event and subject."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from audit.errors import ExportFailed
from audit.export.record import Record
from audit.line import timestamp

_RELATIVE = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given must hold; an empty tuple or None asks for nothing. Times are as lines of the log have them."""

    since: bytes | None = None  # inclusive
    until: bytes | None = None  # exclusive
    events: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def covers(self, moment: bytes) -> bool:
        """Whether a line of this time can be selected. Texts of this form sort as the times do."""
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)

    def takes(self, record: Record) -> bool:
        """Whether a record of a time that is covered is selected."""
        if self.events and record.event not in self.events:
            return False
        return not self.subjects or record.text("subject") in self.subjects

    def described(self) -> dict[str, object]:
        """The selection as it was asked for, for the record of the read."""
        members = {
            "since": self.since.decode() if self.since else None,
            "until": self.until.decode() if self.until else None,
            "events": list(self.events) or None,
            "subjects": list(self.subjects) or None,
        }
        return {name: value for name, value in members.items() if value is not None}


def parse_time(text: str, now: datetime) -> bytes:
    """A date, an RFC 3339 time, or how long before `now` (`90m`, `2h`, `7d`, `4w`), as lines of the log have times.

    A date is its first moment in UTC; a time must name its offset. Raises `ExportFailed`.
    """
    try:
        moment = _moment(text, now)
        return timestamp((moment - _EPOCH) // timedelta(microseconds=1) * 1000)
    except (ValueError, OverflowError) as error:
        wanted = "a date (2026-11-23), a time with its offset (2026-11-23T08:00:00Z) or an age (90m, 2h, 7d, 4w)"
        raise ExportFailed(f"`{text[:40]}` is not {wanted}") from error


def _moment(text: str, now: datetime) -> datetime:
    if match := _RELATIVE.fullmatch(text):
        return now - int(match[1]) * _UNITS[match[2]]
    if len(text) == len("2026-11-23"):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)
