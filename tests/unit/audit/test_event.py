"""Events: only what the table knows gets through, as canonical bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import structlog

from audit import canonical
from audit.client import Receipt
from audit.errors import RecordRefused
from audit.event import EventLogger, event_logger
from audit.schema import EVENTS, Kind

TABLE: dict[str, dict[str, Kind]] = {
    "test.event": {"s": "str", "n": "int", "b": "bool", "l": "strings", "o": "object", "oo": "objects"}
}


@dataclass(slots=True)
class Kept:
    """An in-memory log: keeps the bodies, gives the next index."""

    bodies: list[bytes] = field(default_factory=list)

    def append(self, body: bytes) -> Receipt:
        self.bodies.append(body)
        return Receipt("memory", len(self.bodies) - 1)


@pytest.fixture
def kept() -> Kept:
    """The log behind the logger."""
    return Kept()


@pytest.fixture
def log(kept: Kept) -> EventLogger:
    """A logger of the test table."""
    return event_logger(kept.append, TABLE)


def test_event(log: EventLogger, kept: Kept) -> None:
    """An event becomes canonical bytes with its name as a member, without the fields that are None."""
    receipt = log.event("test.event", n=1, b=True, s="医保", l=["x"], o={"k": [1, None]}, oo=[{"a": 1}])
    assert receipt == Receipt("memory", 0)
    expected = '{"b":true,"event":"test.event","l":["x"],"n":1,"o":{"k":[1,null]},"oo":[{"a":1}],"s":"医保"}'
    assert kept.bodies == [expected.encode()]
    assert canonical.parse(kept.bodies[0])
    log.event("test.event", n=None)
    assert kept.bodies[1] == b'{"event":"test.event"}'


def test_bind(log: EventLogger, kept: Kept) -> None:
    """Bound fields go into each event of the bound logger and into no other's."""
    log.bind(s="r-1").event("test.event", n=1)
    log.event("test.event", n=2)
    assert kept.bodies == [b'{"event":"test.event","n":1,"s":"r-1"}', b'{"event":"test.event","n":2}']


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "fields",
    [
        {"unknown": 1},
        {"event": "x"},
        {"name": "x"},
        {"method_name": "x"},
        {"s": 1},
        {"s": b"bytes"},
        {"s": _Text("subclass")},
        {"s": "\ud800"},
        {"n": True},
        {"n": 1.0},
        {"n": "1"},
        {"n": 2**53},
        {"n": -(2**53)},
        {"b": 1},
        {"l": "text"},
        {"l": ("tuple",)},
        {"l": [1]},
        {"l": [None]},
        {"l": ["\udfff"]},
        {"o": []},
        {"o": {1: 2}},
        {"o": {"é": 1}},
        {"o": {"k": 1.5}},
        {"o": {"k": float("nan")}},
        {"o": {"k": datetime(2026, 1, 1, tzinfo=UTC)}},
        {"o": {"k": {1, 2}}},
        {"o": {"k": 2**60}},
        {"oo": [1]},
        {"oo": [{"k": 0.5}]},
    ],
    ids=repr,
)
def test_refused_fields(fields: dict[str, object], log: EventLogger, kept: Kept) -> None:
    """A field that is unknown, of another type, or without canonical form refuses the event."""
    with pytest.raises(RecordRefused):
        log.event("test.event", **fields)
    assert kept.bodies == []


@pytest.mark.parametrize("name", ["test.other", "", None, 1, [], "event"])
def test_unknown_event(name: str, log: EventLogger) -> None:
    """An event that the table does not know is refused, whatever its name is."""
    with pytest.raises(RecordRefused, match="unknown event"):
        log.event(name)


def test_nested_too_deep(log: EventLogger) -> None:
    """A value nested without end is refused with our own error."""
    value: dict[str, object] = {}
    value["k"] = value
    with pytest.raises(RecordRefused, match="nested"):
        log.event("test.event", o=value)


def test_global_configuration_is_left_alone(log: EventLogger, kept: Kept) -> None:
    """Whatever the process configures for structlog neither changes our bytes nor is changed by us."""
    before = structlog.get_config()
    structlog.configure(processors=[_spoil])
    try:
        log.event("test.event", n=1)
    finally:
        structlog.configure(**before)
    assert kept.bodies == [b'{"event":"test.event","n":1}']


def _spoil(_logger: object, _name: str, event: object) -> str:
    return "spoilt"


def test_shipped_table(kept: Kept) -> None:
    """Every event that ships can be recorded without fields, and `event` is no field of any."""
    log = event_logger(kept.append)
    for name, fields in EVENTS.items():
        log.event(name)
        assert "event" not in fields


def test_failing_append(log: EventLogger) -> None:
    """What the log raises reaches the caller."""

    def broken(_body: bytes) -> Receipt:
        raise RecordRefused("no")

    failing: Callable[[bytes], Receipt] = broken
    with pytest.raises(RecordRefused, match="no"):
        event_logger(failing, TABLE).event("test.event")
