"""Filters as SQL conditions on `event`. Values are parameters always; what stands in the SQL is written here."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from audit.digests import Digests
from audit.review.filters import PLAIN, Filters
from audit.review.rows import FINISHED, digest
from audit.review.schema import UNFINISHED
from audit.review.words import match

_RARE: Final = 5_000  # rows
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = chr(0x10FFFF)


class Condition(NamedTuple):
    """SQL that is true of the events that are looked for, and its parameters."""

    sql: str
    values: Sequence[object]


def conditions(connection: sqlite3.Connection, filters: Filters, *, all_of_them: bool) -> Iterator[Condition]:
    """What must all be true of an event.

    `all_of_them` says that every such event will be read, and not only the first few in the order of the log. Raises
    `ReviewFailed` for a text with nothing to look for in it.
    """
    walked = False if all_of_them else None  # None: it depends
    for name, values in filters.plain.items():
        if values:
            yield _plain(connection, name, values, walked=walked)
    yield from _times(connection, filters)
    if filters.bundles:
        either = " OR ".join("bundle >= ? AND bundle < ?" for _ in filters.bundles)
        ends = [end for each in filters.bundles for end in (each, each + _LAST)]
        found = connection.execute(f"SELECT DISTINCT bundle FROM event WHERE {either}", ends)  # noqa: S608
        yield _column(connection, "bundle", [bundle for (bundle,) in found], walked=walked)
    if filters.roles:
        yield _in_table(
            connection, "role", Condition(f"name IN ({_marks(filters.roles)})", filters.roles), walked=walked
        )
    if filters.filters:
        marks = _marks(filters.filters)
        either = f"(filter IN ({marks}) OR type IN ({marks}))"
        yield _in_table(connection, "filter", Condition(either, [*filters.filters, *filters.filters]), walked=walked)
    if filters.texts:
        wanted = " OR ".join(f"({match(each)})" for each in filters.texts)
        yield Condition("idx IN (SELECT rowid >> 1 FROM text WHERE text MATCH ?)", [wanted])
    if filters.values:
        hmacs = [hmac for key in filters.digests for value in filters.values for hmac in _hmacs(key, value)]
        yield Condition(f"idx IN (SELECT event FROM digest WHERE hmac IN ({_marks(hmacs)}))", hmacs)  # noqa: S608
    if filters.unfinished:
        yield Condition(f"idx IN (SELECT idx FROM event INDEXED BY event_unfinished WHERE {UNFINISHED})", ())  # noqa: S608


def _plain(connection: sqlite3.Connection, name: str, values: Sequence[object], *, walked: bool | None) -> Condition:
    condition = _column(connection, PLAIN[name], values, walked=walked)
    if name == "event" and FINISHED in values:  # such a record stands in the row of its request
        return Condition(f"({condition.sql} OR finished IS NOT NULL)", condition.values)
    return condition


def _column(connection: sqlite3.Connection, name: str, values: Sequence[object], *, walked: bool | None) -> Condition:
    """One of these values. Several common ones are compared along the log: SQLite would sort all their events else."""
    sql = f"{name} IN ({_marks(values)})"
    if walked is None:
        walked = len(values) > 1 and _common(connection, "event", Condition(sql, values))
    return Condition(f"+{sql}" if walked else sql, values)


def _times(connection: sqlite3.Connection, filters: Filters) -> Iterator[Condition]:
    """Times as indexes: they never decrease along the log, and every other condition is in the order of indexes."""
    for time, sign in ((filters.since, ">="), (filters.until, "<")):
        if time is not None:
            micros = (datetime.fromisoformat(time.decode()) - _EPOCH) // timedelta(microseconds=1)
            row = connection.execute("SELECT idx FROM event WHERE time >= ? ORDER BY time, idx LIMIT 1", [micros])
            first = row.fetchone()
            yield Condition(f"idx {sign} ?", first or [1 << 62])


def _in_table(connection: sqlite3.Connection, table: str, condition: Condition, *, walked: bool | None) -> Condition:
    """An event with such a row in another table."""
    if walked is None:
        walked = _common(connection, table, condition)
    if walked:
        sql = f"EXISTS (SELECT 1 FROM {table} WHERE {table}.event = idx AND {condition.sql})"  # noqa: S608
    else:
        sql = f"idx IN (SELECT event FROM {table} WHERE {condition.sql})"  # noqa: S608
    return Condition(sql, condition.values)


def _common(connection: sqlite3.Connection, table: str, condition: Condition) -> bool:
    """Whether so many rows fit that the newest wanted ones are found faster along the log than among all of them."""
    some = f"SELECT 1 FROM {table} WHERE {condition.sql} LIMIT {_RARE + 1}"  # noqa: S608 - values are parameters
    return len(connection.execute(some, condition.values).fetchall()) > _RARE


def _hmacs(key: Digests, value: str) -> Iterator[bytes]:
    """What records have of a value that was withheld, or was a whole prompt or answer."""
    answer = key.completion()
    answer.add(value)
    for hmac in (key.withheld(value), key.prompt([("user", value)]), answer.hexdigest()):
        if short := digest(hmac):
            yield short


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
