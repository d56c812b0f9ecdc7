"""The time of lines: it never decreases, though the system's clock may step back."""

from datetime import UTC, datetime, timedelta

from audit import canonical
from audit.line import timestamp

STEP_NS = 1_000_000_000  # a clock that is behind by less is no news
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LineClock:
    """Times for the lines that follow one of time `newest` (RFC 3339; empty where there is none)."""

    __slots__ = ("_behind", "_newest_ns", "_seen_ns", "newest")

    def __init__(self, newest: bytes) -> None:
        self.newest = newest
        self._newest_ns = _nanoseconds(newest) if newest else 0
        self._seen_ns = 0
        self._behind = False

    def tick(self, now_ns: int) -> bytes:
        """The time for lines written now: never before the newest one."""
        if now_ns > self._newest_ns:
            self._newest_ns = now_ns
            self.newest = timestamp(now_ns)
        return self.newest

    def stepped_back(self, now_ns: int) -> int:
        """Milliseconds that the clock is behind the newest line: once for each step back of over a second, else 0."""
        behind_ns = self._newest_ns - now_ns
        again = now_ns < self._seen_ns - STEP_NS
        news = behind_ns > STEP_NS and (again or not self._behind)
        self._behind, self._seen_ns = behind_ns > STEP_NS, now_ns
        return behind_ns // 1_000_000 if news else 0


def step_record(behind_ms: int) -> bytes:
    """The body of the record that says by how much the clock was behind."""
    return canonical.encode({"behind_ms": behind_ms, "event": "audit.clock"})


def _nanoseconds(time: bytes) -> int:
    return (datetime.fromisoformat(time.decode("ascii")) - _EPOCH) // timedelta(microseconds=1) * 1000
