"""OpenTelemetry logs: OTLP in its JSON encoding, with the names of the semantic conventions where they have one.

https://opentelemetry.io/docs/specs/otlp/ and https://opentelemetry.io/docs/specs/semconv/gen-ai/ (1.37: `gen_ai.*`).
The body of a log record is the record as it stands in the log; its members stand as attributes too, under a name of the
conventions or as `hangu.<member>`, except recorded texts and what is too long or too deep for an attribute.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

import orjson

from audit.canonical import MAX_INTEGER
from audit.export import meaning
from audit.export.columns import filter_hits
from audit.export.meaning import Severity
from audit.export.record import Record
from audit.export.sink import Origin

SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
_SEVERITY = {
    Severity.INFORMATIONAL: (9, "INFO"),
    Severity.LOW: (10, "INFO2"),
    Severity.MEDIUM: (13, "WARN"),
    Severity.HIGH: (17, "ERROR"),
}
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "model": "gen_ai.request.model",
        "usage.prompt": "gen_ai.usage.input_tokens",
        "usage.completion": "gen_ai.usage.output_tokens",
        "subject": "user.id",
        "roles": "user.roles",
        "address": "client.address",
        "method": "http.request.method",
        "path": "url.path",
        "route": "http.route",
        "status": "http.response.status_code",
        "code": "error.type",
    }
)
_MAX_ATTRIBUTE = 4096  # characters
_LINE_RECORDS = 256
_LINE_BYTES = 4 << 20


def logs(records: Sequence[Record], *, verified: bool) -> dict[str, object]:
    """The `LogsData`, which is also the body of an export request, of records in their order."""
    by_origin: dict[str, list[dict[str, object]]] = {}
    for record in records:
        by_origin.setdefault(record.origin, []).append(log_record(record))
    return {"resourceLogs": [_resource(origin, rows, verified) for origin, rows in by_origin.items()]}


def log_record(record: Record) -> dict[str, object]:
    """One `LogRecord`. 64-bit integers are strings in OTLP/JSON."""
    number, text = _SEVERITY[meaning.severity(record)]
    nanoseconds = str(record.microseconds * 1000)
    return {
        "timeUnixNano": nanoseconds,
        "observedTimeUnixNano": nanoseconds,
        "severityNumber": number,
        "severityText": text,
        "eventName": record.event,
        "body": {"stringValue": record.body.decode()},
        "attributes": [{"key": key, "value": _value(value)} for key, value in _attributes(record).items()],
    }


class OtelFile:
    """A sink: JSON lines of `LogsData`, as the OTLP file exporter writes them. A line holds at most 256 records."""

    def __init__(self, stream: BinaryIO, origin: Origin) -> None:
        self._stream = stream
        self._verified = origin.verified
        self._records: list[Record] = []
        self._bytes = 0

    def add(self, record: Record) -> None:
        self._records.append(record)
        self._bytes += len(record.body)
        if len(self._records) >= _LINE_RECORDS or self._bytes >= _LINE_BYTES:
            self.finish()

    def finish(self) -> None:
        if self._records:
            self._stream.write(orjson.dumps(logs(self._records, verified=self._verified)) + b"\n")
            self._records, self._bytes = [], 0


def _resource(origin: str, rows: list[dict[str, object]], verified: bool) -> dict[str, object]:
    attributes = {
        "service.name": "hangu",
        "service.instance.id": origin,
        "hangu.origin": origin,
        "hangu.verified": verified,
    }
    return {
        "resource": {"attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()]},
        "schemaUrl": SCHEMA_URL,
        "scopeLogs": [{"scope": {"name": "hangu.audit"}, "schemaUrl": SCHEMA_URL, "logRecords": rows}],
    }


def _attributes(record: Record) -> dict[str, object]:
    """By name, each once: where a member has the name of one of our own, ours stands."""
    return dict(_members(record)) | dict(_ours(record))


def _ours(record: Record) -> Iterator[tuple[str, object]]:
    yield "log.record.uid", record.id
    yield "hangu.index", record.index
    if record.text("action") == "chat" or record.event == "request.finished":
        yield "gen_ai.operation.name", "chat"
        yield "gen_ai.provider.name", "hangu"
    if finish := record.text("finish_reason"):
        yield "gen_ai.response.finish_reasons", [finish]
    if hits := filter_hits(record):
        yield "hangu.filters", list(hits)


def _members(record: Record) -> Iterator[tuple[str, object]]:
    for path, value in _values(record.fields):
        known = path != "path" or meaning.url_path(record) is not None
        if path not in ("event", "finish_reason"):
            yield NAMES.get(path, f"hangu.{path}") if known else f"hangu.{path}", value


def _values(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The scalars and lists of strings of a record and of the objects in it, under `member` or `member.member`."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items() if inner != "text" and _fits(each))
        elif name != "text" and _fits(value):
            yield name, value


def _fits(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ATTRIBUTE
    if isinstance(value, list):
        return sum(len(each) if isinstance(each, str) else _MAX_ATTRIBUTE + 1 for each in value) <= _MAX_ATTRIBUTE
    return isinstance(value, int) and abs(value) <= MAX_INTEGER


def _value(value: object) -> dict[str, object]:
    """An `AnyValue`."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": str(value)}
