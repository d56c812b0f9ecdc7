"""The tables of a review index: SQLite, rebuildable from the log at any time, never trusted for evidence.

`event`   one row for each thing that happened: a request with both of its records, or any other record but heartbeats.
          `idx` is the index of its (first) record; `finished` that of the `request.finished` that belongs to it, NULL
          where there is none. `time` is in microseconds since 1970; times never decrease with `idx`. What a record does
          not say is NULL. `count` is how many requests the row stands for, more than 1 where refusals were counted
          together. `client` is also the client that asks for a token, `user` who ran a command on the log.
`role`    the roles of the caller.
`filter`  what filters did: `direction` (`prompt`, `completion`), name, `type`, `action`, `count`.
`digest`  the first 16 bytes of keyed digests, no two of which will meet, with their `kind`: `prompt`, `completion` or
          `withheld`.
`text`    full text of prompts and answers that the log holds in clear, without the texts (FTS5, contentless). `rowid`
          is twice the `idx` of the event, plus 1 for the answer. The terms are those of `audit.review.words`.
`policy`  which record (`event`) holds which part of which file of a policy: `bundle`, `path`, `part`.
`meta`    the log and the place in it that the index has reached: `audit.review.index`.

An index of another `VERSION` is built anew.
"""

import sqlite3
from typing import Final

VERSION: Final = 1

# What `request.finished` adds to the row of its `request.admitted`.
ENDING: Final = (
    "finished",
    "code",
    "outcome",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "duration_ms",
)
COLUMNS: Final = (
    "idx",
    "time",
    "name",
    "request_id",
    "subject",
    "issuer",
    "tenant",
    "address",
    "route",
    "model",
    "object",
    "action",
    "bundle",
    "user",
    "effect",
    "reason",
    "rule",
    "client",
    "status",
    "count",
    *ENDING,
)
UNFINISHED: Final = "name = 'request.admitted' AND finished IS NULL"
_INTEGERS: Final = frozenset(
    ("time", "status", "count", "finished", "prompt_tokens", "completion_tokens", "duration_ms")
)
_INDEXED: Final = (
    "time",
    "name",
    "request_id",
    "subject",
    "client",
    "issuer",
    "tenant",
    "address",
    "route",
    "model",
    "effect",
    "rule",
    "bundle",
    "user",
    "status",
    "code",
    "outcome",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """All tables, empty."""
    typed = [f"{name} {'INTEGER' if name in _INTEGERS else 'TEXT'}" for name in COLUMNS[1:]]
    connection.execute(f"CREATE TABLE event (idx INTEGER PRIMARY KEY, {', '.join(typed)})")
    connection.execute("CREATE TABLE role (event INTEGER, name TEXT)")
    connection.execute(
        "CREATE TABLE filter (event INTEGER, direction TEXT, filter TEXT, type TEXT, action TEXT, count INTEGER)"
    )
    connection.execute("CREATE TABLE digest (event INTEGER, kind TEXT, hmac BLOB)")
    connection.execute("CREATE VIRTUAL TABLE text USING fts5 (terms, content='', tokenize='unicode61')")
    connection.execute("CREATE TABLE policy (bundle TEXT, path TEXT, part INTEGER, event INTEGER)")
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")


def create_indexes(connection: sqlite3.Connection) -> None:
    """What makes queries fast. After the rows of a new index: sorting once is cheaper than inserting in order."""
    for name in _INDEXED:
        connection.execute(f"CREATE INDEX event_{name} ON event ({name}) WHERE {name} IS NOT NULL")
    connection.execute(f"CREATE INDEX event_unfinished ON event (idx) WHERE {UNFINISHED}")
    for table, columns in (
        ("role", "name, event"),
        ("role", "event, name"),
        ("filter", "filter, event"),
        ("filter", "type, event"),
        ("filter", "event"),
        ("digest", "hmac, event"),
        ("policy", "bundle, path, part, event"),
    ):
        connection.execute(f"CREATE INDEX {table}_{columns.replace(', ', '_')} ON {table} ({columns})")
    connection.execute("PRAGMA analysis_limit = 1000")
    connection.execute("ANALYZE")
