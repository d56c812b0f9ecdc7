"""Puts records into the tables, in the order of the log and in batches."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from audit.export.record import Record
from audit.review.rows import ADMITTED, FINISHED, HEARTBEAT, Row, Value, details, ending, opening
from audit.review.schema import COLUMNS, ENDING

_BEGINNING: Final = len(COLUMNS) - len(ENDING)
_REQUEST_ID: Final = COLUMNS.index("request_id")
_FINISHED: Final = COLUMNS.index("finished")
_UNFINISHED: Final = (None,) * len(ENDING)


class Loader:
    """Adds records to one index. The caller begins and commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._events: dict[int, tuple[Value, ...]] = {}
        self._rows: dict[str, list[Row]] = {table: [] for table in _INSERT if table != "event"}

    def add(self, records: Sequence[Record]) -> None:
        """Write these records. The end of a request joins the row of its beginning, here or written before."""
        for record in records:
            if record.event == HEARTBEAT:  # says that nothing happened
                continue
            event = self._add_event(record)
            for table, row in details(event, record.fields):
                self._rows[table].append(row)
        self._write()

    def _add_event(self, record: Record) -> int:
        """Note the event and return the index of its row."""
        if record.event == FINISHED:
            admitted = record.number("admitted")
            if admitted is not None and self._finish(admitted, record):
                return admitted
            rest = ending(record, record.index)  # its beginning was purged, or is another's
        else:
            rest = _UNFINISHED if record.event == ADMITTED else ending(record, None)
        self._events[record.index] = opening(record) + rest
        return record.index

    def _finish(self, admitted: int, record: Record) -> bool:
        """Whether `admitted` is the beginning of this very request, and has no other end."""
        rest = ending(record, record.index)
        known = self._events.get(admitted)
        if known is None:
            updated = self._connection.execute(_FINISH, (*rest, admitted, record.text("request_id")))
            return updated.rowcount == 1
        if known[2] != ADMITTED or known[_FINISHED] is not None or known[_REQUEST_ID] != record.text("request_id"):
            return False
        self._events[admitted] = known[:_BEGINNING] + rest
        return True

    def _write(self) -> None:
        self._connection.executemany(_INSERT["event"], self._events.values())
        self._events.clear()
        for table, rows in self._rows.items():
            if rows:
                self._connection.executemany(_INSERT[table], rows)
                rows.clear()


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
_FINISH: Final = (  # column names of our own
    f"UPDATE event SET {', '.join(f'{name} = ?' for name in ENDING)} "  # noqa: S608
    f"WHERE idx = ? AND request_id IS ? AND name = '{ADMITTED}' AND finished IS NULL"
)
