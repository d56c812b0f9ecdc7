"""The frame of a line and its time."""

from datetime import UTC, datetime

import pytest

from audit import line as lines
from audit.errors import NotCanonical

TIME = b"2026-11-23T08:00:00.000001Z"


def test_round_trip() -> None:
    """What was built is taken apart into the same parts, whatever stands in the body."""
    body = b'{"k":"\\",\\"t\\":\\"}"}'
    line = lines.build(12, b"rec", body, TIME)
    assert lines.split(line, 12) == (b"rec", body, TIME)
    with pytest.raises(NotCanonical):
        lines.split(line, 13)


def test_timestamp() -> None:
    """A time has six decimals and is cut, not rounded, to the microsecond."""
    moment = int(datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()) * 10**9
    assert lines.timestamp(moment) == b"2026-11-23T08:00:00.000000Z"
    assert lines.timestamp(moment + 1999) == TIME
    lines.check_time(lines.timestamp(moment))


@pytest.mark.parametrize(
    "time",
    [
        b"",
        b"2026-11-23T08:00:00Z",
        b"2026-11-23 08:00:00.000001Z",
        b"2026-11-23T08:00:00.000001+00:00",
        b"2026-02-30T08:00:00.000001Z",
        b"2026-11-23T08:00:60.000001Z",
        b"2026-11-23T08:00:00.000001z",
        b"2026-W47-1T08:00:00.000001Z",
        b"20261123T080000.000001Z    ",
        b"\xff" * 27,
    ],
)
def test_other_times(time: bytes) -> None:
    """Any other spelling of a time is refused."""
    with pytest.raises(NotCanonical):
        lines.check_time(time)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"i":0,"k":"rec"', b'{"i":0,"k":"rec","r":{}}', b'{"i":0,"k":"' + b"x" * 99]
)
def test_no_frame(line: bytes) -> None:
    """Bytes that are no line raise our own error."""
    with pytest.raises(NotCanonical):
        lines.split(line, 0)
