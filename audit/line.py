"""One line of the log: `{"i":<index>,"k":"<kind>","r":{...},"t":"<UTC time>"}`, canonical JSON, ended by LF.

The keys stand in canonical order, so a line is built and taken apart as bytes around the body `r`.
docs/audit-format.md has every byte.
"""

from datetime import UTC, datetime, timedelta

from audit.errors import NotCanonical

FORMAT = "hangu-audit/1"
MAX_BODY = 1 << 20
MAX_LINE = MAX_BODY + 128
TIME_CHARS = 27

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAIL = len(',"t":""}') + TIME_CHARS


def timestamp(now_ns: int) -> bytes:
    """RFC 3339 UTC with microseconds and `Z`. Such texts sort as the times do."""
    moment = _EPOCH + timedelta(microseconds=now_ns // 1000)
    return _text(moment)


def check_time(time: bytes) -> None:
    """Raise `NotCanonical` unless `time` is exactly what `timestamp` writes for some moment."""
    try:
        moment = datetime.fromisoformat(time.decode("ascii"))
        same = moment.tzinfo is UTC and _text(moment) == time
    except ValueError as error:
        raise NotCanonical("time is not RFC 3339 UTC with microseconds") from error
    if not same:
        raise NotCanonical("time is not RFC 3339 UTC with microseconds")


def build(index: int, kind: bytes, body: bytes, time: bytes) -> bytes:
    """The line without its LF: the bytes that are hashed as a leaf."""
    return b'{"i":%d,"k":"%b","r":%b,"t":"%b"}' % (index, kind, body, time)


def head(index: int) -> bytes:
    """How every line with this index starts."""
    return b'{"i":%d,"k":"' % index


def split(line: bytes, index: int) -> tuple[bytes, bytes, bytes]:
    """Kind, body and time of the line that must have this index. Body and time are not looked into.

    Raises `NotCanonical` where the frame around them has another byte than `build` would write.
    """
    start = len(prefix := head(index))
    if not line.startswith(prefix):
        raise NotCanonical(f"does not start as line {index} of the log must")
    stop = line.find(b'"', start, start + 6)
    if stop < 0 or line[stop : stop + 6] != b'","r":' or line[-_TAIL : -_TAIL + 6] != b',"t":"' or line[-2:] != b'"}':
        raise NotCanonical("is not framed as a line of the log")
    return line[start:stop], line[stop + 6 : -_TAIL], line[-_TAIL + 6 : -2]


def _text(moment: datetime) -> bytes:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds").encode() + b"Z"
