"""A record of the log as the export formats see it: typed access to what any client may have written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from audit.bodies import claims
from audit.canonical import MAX_INTEGER
from audit.checkpoint import check_origin
from audit.directory import first_index
from audit.errors import NotCanonical, Tampered
from audit.line import check_time
from audit.reader import Entry, entries

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """One `rec` line. The accessors answer None, or nothing, where a member is missing or of another type."""

    origin: str
    index: int
    time: str  # RFC 3339 in UTC with microseconds
    body: bytes  # the canonical JSON of the whole record
    fields: Mapping[str, object]

    @property
    def event(self) -> str:
        return self.text("event") or ""

    @property
    def id(self) -> str:
        """The receipt of the record, `origin/index`: with it the record can be proved."""
        return f"{self.origin}/{self.index}"

    @property
    def microseconds(self) -> int:
        """Since 1970-01-01T00:00:00Z."""
        return (datetime.fromisoformat(self.time) - _EPOCH) // timedelta(microseconds=1)

    def text(self, name: str, inside: str | None = None) -> str | None:
        """A string member; with `inside`, the member `name` of that object."""
        value = self._value(name, inside)
        return value if isinstance(value, str) else None

    def number(self, name: str, inside: str | None = None) -> int | None:
        """An integer member, in the range that a log has."""
        value = self._value(name, inside)
        return value if type(value) is int and abs(value) <= MAX_INTEGER else None

    def texts(self, name: str) -> tuple[str, ...]:
        """The strings of a list."""
        value = self.fields.get(name)
        return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()

    def objects(self, name: str) -> tuple[Mapping[str, object], ...]:
        """The objects of a list."""
        value = self.fields.get(name)
        return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()

    def _value(self, name: str, inside: str | None) -> object:
        outer = self.fields if inside is None else self.fields.get(inside)
        return outer.get(name) if isinstance(outer, dict) else None


def parse(entry: Entry, origin: str) -> Record:
    """The record in a `rec` line. Raises `Tampered` where the line holds none."""
    try:
        fields = orjson.loads(entry.body)
        check_time(entry.time)
    except (ValueError, NotCanonical) as error:
        raise _tampered(entry, "is not a record") from error
    if not isinstance(fields, dict):
        raise _tampered(entry, "is not a record")
    return Record(origin, entry.index, entry.time.decode(), entry.body, fields)


def origin_in(entry: Entry) -> str:
    """The origin that a `hdr` line names, which needs no escaping anywhere. Raises `Tampered`."""
    try:
        return check_origin(claims(entry.body).origin)
    except NotCanonical as error:
        raise _tampered(entry, str(error)) from error


def committed(directory: Path) -> Iterator[list[tuple[Entry, str]]]:
    """All lines of the log, in the groups that a checkpoint ends, each line with the origin of its segment.

    What stands behind the last checkpoint was never acknowledged and is left out. Raises like `reader.entries`.
    """
    group: list[tuple[Entry, str]] = []
    origin = file = ""
    for entry in entries(directory):
        if entry.file != file:  # what a crash left at the end of a segment was never signed
            group, file = [], entry.file
        if entry.kind == b"hdr":
            origin = origin_in(entry)
        group.append((entry, origin))
        if entry.kind == b"ckpt":
            yield group
            group = []


def _tampered(entry: Entry, what: str) -> Tampered:
    return Tampered(entry.file, entry.index - first_index(entry.file) + 1, what)
