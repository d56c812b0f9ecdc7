"""Records become rows; the end of a request finds its beginning, and only its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from harness.records import ADMITTED, FINISHED, HEARTBEAT, SAMPLES, record

from audit.export.record import Record
from audit.review import loader as module
from audit.review.loader import Gatherer, waiting, write
from audit.review.schema import create_indexes, create_tables


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty index in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        create_indexes(connection)
        yield connection


def rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT idx, finished, outcome FROM event ORDER BY idx").fetchall()


def put(connection: sqlite3.Connection, *records: Record) -> None:
    """Go on with what the index has."""
    gatherer = Gatherer(waiting(connection))
    gatherer.add(records)
    write(connection, gatherer.take())


END = {**FINISHED, "admitted": 2}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("begun", "ended", "expected"),
    [
        (ADMITTED, [END], [(2, 4, "completed")]),
        (ADMITTED, [{**END, "admitted": 3}], [(2, None, None), (4, 4, "completed")]),
        (ADMITTED, [{**END, "request_id": "another's"}], [(2, None, None), (4, 4, "completed")]),
        (ADMITTED, [END, {**END, "outcome": "aborted"}], [(2, 4, "completed"), (6, 6, "aborted")]),
        ({**ADMITTED, "event": "request.served"}, [END], [(2, None, None), (4, 4, "completed")]),
    ],
)
def test_the_end_of_a_request(
    connection: sqlite3.Connection,
    begun: dict[str, Any],
    ended: list[dict[str, Any]],
    expected: list[tuple[Any, ...]],
    together: bool,
) -> None:
    """It joins the beginning that it names if that is of this request and has no end yet, in this batch or before."""
    records = [record(fields, 2 + 2 * number) for number, fields in enumerate([begun, *ended])]
    for batch in [records] if together else [[each] for each in records]:
        put(connection, *batch)
    assert rows(connection) == expected


def test_what_an_end_brings_stands_with_its_request(connection: sqlite3.Connection) -> None:
    """Filters, digests and texts of the answer are found at the request."""
    hit = {"direction": "completion", "filter": "pii", "type": "phone", "action": "redact", "count": 1}
    put(connection, record(ADMITTED, 2), record({**END, "filters": [hit]}, 4))
    assert connection.execute("SELECT DISTINCT event FROM filter").fetchall() == [(2,)]
    assert connection.execute("SELECT event, kind FROM digest").fetchall() == [(2, "prompt"), (2, "completion")]
    assert connection.execute("SELECT rowid FROM text ORDER BY rowid").fetchall() == [(4,), (5,)]


def test_every_sort_of_record_but_heartbeats(connection: sqlite3.Connection) -> None:
    """Whatever stands in a log has a row of its own."""
    samples = [record(fields, number) for number, fields in enumerate(SAMPLES)]
    put(connection, *samples)
    assert [index for index, *_ in rows(connection)] == [each.index for each in samples if each.fields != HEARTBEAT]


def test_one_gatherer_goes_on(connection: sqlite3.Connection) -> None:
    """What was taken is not given again, and an end finds a beginning that was taken before."""
    gatherer = Gatherer({})
    for fields, index in ((ADMITTED, 2), (END, 4), ({**END, "outcome": "aborted"}, 6)):
        gatherer.add([record(fields, index)])
        write(connection, gatherer.take())
    assert rows(connection) == [(2, 4, "completed"), (6, 6, "aborted")]


@pytest.mark.parametrize("bound", ["_MANY", "_LARGE"])
def test_what_is_gathered_is_bounded(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Many rows or long texts are to be written before more are gathered."""
    assert not Gatherer({}).add([record(ADMITTED, 2)]).many
    monkeypatch.setattr(module, bound, 1)
    assert Gatherer({}).add([record(ADMITTED, 2)]).many
