"""The flat view of a record: the columns of the CSV and Parquet exports, in their order.

The formats add one column of their own, `verified`. Columns are never renamed or removed, so that a reader by name
never breaks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from audit.export.record import Record

Kind = Literal["text", "integer", "time", "texts"]


@dataclass(frozen=True, slots=True)
class Column:
    """`read` answers a str, int or tuple of str, by kind, or None. A `time` is in microseconds since 1970."""

    name: str
    kind: Kind
    read: Callable[[Record], str | int | tuple[str, ...] | None]


def _text(name: str, member: str | None = None, inside: str | None = None) -> Column:
    return Column(name, "text", lambda record: record.text(member or name, inside))


def _integer(name: str, member: str | None = None, inside: str | None = None) -> Column:
    return Column(name, "integer", lambda record: record.number(member or name, inside))


def filter_hits(record: Record) -> tuple[str, ...]:
    """What filters did, one text each: `prompt pii/cn_id redact 2`."""
    return tuple(
        f"{hit.get('direction')} {hit.get('filter')}/{hit.get('type')} {hit.get('action')} {hit.get('count')}"
        for hit in record.objects("filters")
    )


COLUMNS: tuple[Column, ...] = (
    Column("origin", "text", lambda record: record.origin),
    Column("index", "integer", lambda record: record.index),
    Column("time", "time", lambda record: record.microseconds),
    Column("event", "text", lambda record: record.event),
    _text("request_id"),
    _text("subject"),
    Column("roles", "texts", lambda record: record.texts("roles")),
    _text("issuer"),
    _text("tenant"),
    _text("client"),
    _text("token_id"),
    _text("address"),
    _text("route"),
    _text("method"),
    _text("path"),
    _text("model"),
    _text("object"),
    _text("action"),
    _text("effect", "effect", "decision"),
    _text("reason", "reason", "decision"),
    _text("rule", "rule", "decision"),
    _text("bundle"),
    _integer("status"),
    _text("code"),
    _text("detail"),
    _text("outcome"),
    _text("finish_reason"),
    _integer("prompt_tokens", "prompt", "usage"),
    _integer("completion_tokens", "completion", "usage"),
    _integer("duration_ms"),
    _integer("admitted"),
    _integer("count"),
    _text("client_id"),
    Column("filters", "texts", filter_hits),
    _text("prompt_hmac", "hmac", "prompt"),
    _text("completion_hmac", "hmac", "completion"),
    Column("record", "text", lambda record: record.body.decode()),
)
