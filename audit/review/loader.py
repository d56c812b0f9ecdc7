"""From records to rows in the tables: gathered without the index, so that another process can do it, then written."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from audit.export.record import Record
from audit.review.rows import ADMITTED, FINISHED, HEARTBEAT, Row, Value, details, ending, opening
from audit.review.schema import COLUMNS, ENDING, UNFINISHED

_BEGINNING: Final = len(COLUMNS) - len(ENDING)
_REQUEST_ID: Final = COLUMNS.index("request_id")
_NO_ENDING: Final = (None,) * len(ENDING)
_MANY: Final = 4_000  # rows: most requests end before the row of their beginning is written
_LARGE: Final = 4 << 20  # characters of terms


@dataclass(slots=True)
class Rows:
    """Rows that are to be written, in this order: events by index, ends of events written before, other tables."""

    events: dict[int, tuple[Value, ...]] = field(default_factory=dict)
    endings: list[tuple[Value, ...]] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    chars: int = 0  # of terms

    @property
    def many(self) -> bool:
        """Whether it is time to write them."""
        return len(self.events) >= _MANY or self.chars >= _LARGE


class Gatherer:
    """Takes records apart, in the order of the log. `waiting` are the requests so far that have no end, by index."""

    def __init__(self, waiting: dict[int, str | None]) -> None:
        self._waiting = waiting
        self._rows = Rows()

    def add(self, records: Iterable[Record]) -> Rows:
        """Take these records in, and return all rows since `take`. The end of a request joins its beginning."""
        for record in records:
            if record.event != HEARTBEAT:  # which says that nothing happened
                self._add_details(self._add_event(record), record)
        return self._rows

    def take(self) -> Rows:
        """The rows so far, and start afresh."""
        rows, self._rows = self._rows, Rows()
        return rows

    def _add_event(self, record: Record) -> int:
        """Note the event and return the index of its row."""
        rows = self._rows
        if record.event == FINISHED and (admitted := self._beginning_of(record)) is not None:
            rest = ending(record, record.index)
            if admitted in rows.events:
                rows.events[admitted] = rows.events[admitted][:_BEGINNING] + rest
            else:
                rows.endings.append((*rest, admitted))
            return admitted
        begun = opening(record)
        if record.event == ADMITTED:
            request = begun[_REQUEST_ID]
            self._waiting[record.index] = request if isinstance(request, str) else None
            rows.events[record.index] = begun + _NO_ENDING
        else:  # the end of a request whose beginning was purged, or is another's, has a row of its own
            rows.events[record.index] = begun + ending(record, record.index if record.event == FINISHED else None)
        return record.index

    def _beginning_of(self, record: Record) -> int | None:
        """The index of the beginning that an end names, if that is of this very request and has no other end."""
        admitted = record.number("admitted")
        if admitted not in self._waiting or self._waiting[admitted] != record.text("request_id"):
            return None
        del self._waiting[admitted]
        return admitted

    def _add_details(self, event: int, record: Record) -> None:
        rows = self._rows
        for table, row in details(event, record.fields):
            rows.tables.setdefault(table, []).append(row)
            if table == "text":
                rows.chars += len(str(row[1]))


def waiting(connection: sqlite3.Connection) -> dict[int, str | None]:
    """The requests of an index that have no end."""
    sql = f"SELECT idx, request_id FROM event INDEXED BY event_unfinished WHERE {UNFINISHED}"  # noqa: S608 - a constant
    return dict(connection.execute(sql))


def write(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write these rows. The caller begins and commits."""
    connection.executemany(_INSERT["event"], rows.events.values())
    connection.executemany(_FINISH, rows.endings)
    for table, added in rows.tables.items():
        connection.executemany(_INSERT[table], added)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_INSERT: Final = {
    "event": f"INSERT INTO event VALUES ({_marks(len(COLUMNS))})",  # noqa: S608 - column names of our own
    "role": "INSERT INTO role VALUES (?, ?)",
    "filter": "INSERT INTO filter VALUES (?, ?, ?, ?, ?, ?)",
    "digest": "INSERT INTO digest VALUES (?, ?, ?)",
    "text": "INSERT INTO text (rowid, terms) VALUES (?, ?)",
    "policy": "INSERT INTO policy VALUES (?, ?, ?, ?)",
}
_FINISH: Final = f"UPDATE event SET {', '.join(f'{name} = ?' for name in ENDING)} WHERE idx = ?"  # noqa: S608
