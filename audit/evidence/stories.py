"""What records say about one request, read the same way when a pack is made and when it is checked.

A request leaves one record where nothing reached the model, else two: `request.admitted`, and `request.finished`, which
names the first by its index. docs/events.md has them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.proven import Line

ADMITTED, FINISHED = "request.admitted", "request.finished"
ALONE = frozenset(
    ("request.refused", "request.served", "configuration.read", "token.issued", "token.refused")
)  # one record is the whole story


@dataclass(frozen=True, slots=True)
class Record:
    """A `rec` line of a known index."""

    index: int
    time: str
    body: Mapping[str, object]

    @property
    def event(self) -> str:
        return text_of(self.body, "event")


@dataclass(frozen=True, slots=True)
class Story:
    """The records of one request, in the order of the log. There is at least one."""

    request_id: str
    records: tuple[Record, ...]

    @property
    def first(self) -> Record | None:
        """The record that says who asked and how policy decided; None where it is not there."""
        return next((each for each in self.records if each.event != FINISHED), None)

    @property
    def last(self) -> Record | None:
        """The record that says how it ended; None where it is not there."""
        return next((each for each in self.records if each.event != ADMITTED), None)

    @property
    def complete(self) -> bool:
        """Whether the records are all that this request can have left."""
        events = [each.event for each in self.records]
        if events == [ADMITTED, FINISHED]:
            first, last = self.records
            return last.body.get("admitted") == first.index
        return len(events) == 1 and events[0] in ALONE


def records_of(lines: Iterable[tuple[int, Line]]) -> list[Record]:
    """The records among these lines."""
    return [Record(index, line.time, line.body) for index, line in lines if line.kind == "rec"]


def stories_of(records: Iterable[Record]) -> list[Story]:
    """The requests that these records are of, by request id."""
    of: dict[str, list[Record]] = {}
    for record in records:
        if is_of_request(record.body):
            of.setdefault(text_of(record.body, "request_id"), []).append(record)
    return [Story(request_id, tuple(of[request_id])) for request_id in sorted(of)]


def is_of_request(body: Mapping[str, object]) -> bool:
    """Whether the record is one of those that a request leaves."""
    return body.get("event") in ALONE | {ADMITTED, FINISHED} and isinstance(body.get("request_id"), str)


def text_of(body: Mapping[str, object], name: str) -> str:
    """The member if it is a text, else nothing."""
    value = body.get(name)
    return value if isinstance(value, str) else ""
