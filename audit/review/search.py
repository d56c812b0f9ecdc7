"""Answers a question from an index: rows to look through, newest first, each with the index of its record."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from audit.review.conditions import conditions
from audit.review.filters import Filters
from audit.review.index import Index
from audit.review.schema import COLUMNS

_HITS: Final = "SELECT event, ifnull(direction, ''), filter, ifnull(type, ''), ifnull(action, ''), count FROM filter"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One event as the index has it: a request with both of its records, or any other record. It proves nothing."""

    origin: str
    index: int
    time: str  # RFC 3339 in UTC with microseconds
    values: Mapping[str, str | int]  # by column of `event`, what is known
    roles: tuple[str, ...]
    filters: tuple[Mapping[str, str | int], ...]

    def fields(self) -> dict[str, object]:
        """The case as a JSON object."""
        known = {name: value for name, value in self.values.items() if name not in ("idx", "time", "name")}
        found: dict[str, object] = {"origin": self.origin, "index": self.index, "time": self.time}
        found |= {"event": self.values.get("name"), **known}
        lists = {"roles": list(self.roles), "filters": [dict(each) for each in self.filters]}
        return found | {name: value for name, value in lists.items() if value}


def search(index: Index, filters: Filters, *, limit: int, newest_first: bool = True) -> list[Case]:
    """At most `limit` cases, in the order of the log or its reverse. Raises `ReviewFailed`."""
    where, values = _where(index.connection, filters, all_of_them=False)
    order = "DESC" if newest_first else "ASC"
    sql = f"SELECT {', '.join(COLUMNS)} FROM event {where} ORDER BY idx {order} LIMIT ?"  # noqa: S608 - no value in it
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in index.connection.execute(sql, [*values, limit])]
    roles = _details(index.connection, "SELECT event, name FROM role", rows)
    hits = _details(index.connection, _HITS, rows)
    return [_case(index.origin, row, roles, hits) for row in rows]


def count(index: Index, filters: Filters) -> int:
    """How many cases there are. Raises `ReviewFailed`."""
    where, values = _where(index.connection, filters, all_of_them=True)
    (number,) = index.connection.execute(f"SELECT count(*) FROM event {where}", values).fetchone()  # noqa: S608
    return int(number)


def _where(connection: sqlite3.Connection, filters: Filters, *, all_of_them: bool) -> tuple[str, list[object]]:
    wanted = list(conditions(connection, filters, all_of_them=all_of_them))
    if not wanted:
        return "", []
    return f"WHERE {' AND '.join(each.sql for each in wanted)}", [value for each in wanted for value in each.values]


def _details(
    connection: sqlite3.Connection, select: str, rows: Iterable[Mapping[str, object]]
) -> dict[int, list[tuple[str | int, ...]]]:
    """The rows of another table that belong to these events."""
    indexes = json.dumps([row["idx"] for row in rows])
    found: dict[int, list[tuple[str | int, ...]]] = {}
    sql = f"{select} WHERE event IN (SELECT value FROM json_each(?))"  # noqa: S608 - no value in it
    for event, *rest in connection.execute(sql, [indexes]):
        found.setdefault(event, []).append(tuple(rest))
    return found


def _case(
    origin: str,
    row: Mapping[str, str | int | None],
    roles: Mapping[int, list[tuple[str | int, ...]]],
    hits: Mapping[int, list[tuple[str | int, ...]]],
) -> Case:
    values = {name: value for name, value in row.items() if value is not None}
    index, micros = int(values["idx"]), int(values["time"])
    names = ("direction", "filter", "type", "action", "count")
    return Case(
        origin=origin,
        index=index,
        time=(_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
        values=values,
        roles=tuple(str(name) for (name,) in roles.get(index, ())),
        filters=tuple(
            {name: value for name, value in zip(names, hit, strict=True) if value != ""} for hit in hits.get(index, ())
        ),
    )
