"""OpenTelemetry: what the protocol's own definitions parse, with the names of the semantic conventions."""

import io
from typing import Any

import orjson
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]  # it ships no types
from harness.records import ADMITTED, DENIED, FINISHED, ORIGIN, POLICY, SAMPLES, SECONDS, record
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from audit.export import otel
from audit.export.otel import OtelFile, logs
from audit.export.record import Record
from audit.export.sink import Origin


def parsed(records: list[Record], *, verified: bool = True) -> Any:
    """The `LogsData` after a strict parse: an unknown member or a wrong type is an error."""
    return json_format.Parse(orjson.dumps(logs(records, verified=verified)), LogsData())


def attributes(row: Any) -> dict[str, Any]:
    """The attributes of a log record or resource, as Python values. A key stands once."""
    keys = [each.key for each in row.attributes]
    assert len(keys) == len(set(keys))
    return {each.key: _plain(each.value) for each in row.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_plain(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def log_record(fields: dict[str, Any]) -> Any:
    """The one log record of a record."""
    return parsed([record(fields)]).resource_logs[0].scope_logs[0].log_records[0]


@pytest.mark.parametrize("fields", SAMPLES, ids=lambda fields: str(fields.get("event")))
def test_every_record_parses(fields: dict[str, Any]) -> None:
    """Whatever is recorded is a log record of the protocol, whole in its body, under its receipt."""
    row = log_record(fields)
    assert row.body.string_value == record(fields).body.decode()
    assert row.time_unix_nano == (SECONDS * 1000 + 1) * 1_000_000
    assert row.event_name == fields.get("event", "")
    assert 1 <= row.severity_number <= 24
    assert attributes(row)["log.record.uid"] == f"{ORIGIN}/5"
    assert attributes(row)["hangu.index"] == 5


def test_semantic_conventions() -> None:
    """Model, tokens, user, client and HTTP have the names that the conventions give them."""
    admitted, finished = attributes(log_record(ADMITTED)), attributes(log_record(FINISHED))
    assert admitted["gen_ai.operation.name"] == finished["gen_ai.operation.name"] == "chat"
    assert admitted["gen_ai.request.model"] == "chatglm3-6b"
    assert (admitted["user.id"], admitted["user.roles"]) == ("李雷", ["user", "护士"])
    assert (admitted["client.address"], admitted["http.request.method"]) == ("10.0.0.7", "POST")
    assert (finished["gen_ai.usage.input_tokens"], finished["gen_ai.usage.output_tokens"]) == (12, 34)
    assert finished["gen_ai.response.finish_reasons"] == ["stop"]
    assert admitted["hangu.decision.rule"] == "policy.csv:5:1"
    refused = attributes(log_record(DENIED))
    assert (refused["http.response.status_code"], refused["error.type"]) == (403, "forbidden")


def test_texts_are_no_attributes() -> None:
    """A recorded text stands in the body, which has its level, and not a second time where it would be indexed."""
    values = str(attributes(log_record(ADMITTED))) + str(attributes(log_record(FINISHED)))
    assert "医保" not in values
    assert "可以" not in values
    assert "医保" in log_record(ADMITTED).body.string_value


def test_path_of_a_file_is_no_url() -> None:
    """`path` is a URL's where there was a request, and else a member like any other."""
    assert attributes(log_record(POLICY))["hangu.path"] == "policy.csv"
    assert attributes(log_record({**DENIED, "path": "/x"}))["url.path"] == "/x"


def test_long_values_are_no_attributes() -> None:
    """A value that is too long for an attribute is in the body only."""
    row = log_record({**DENIED, "detail": "x" * 5000, "roles": ["y" * 3000, "z" * 3000]})
    assert "hangu.detail" not in attributes(row)
    assert "user.roles" not in attributes(row)
    assert "x" * 5000 in row.body.string_value


@pytest.mark.parametrize("verified", [True, False])
def test_resource(verified: bool) -> None:
    """The resource names the service and the log, and says whether the records were verified."""
    found = attributes(parsed([record(ADMITTED)], verified=verified).resource_logs[0].resource)
    assert (found["service.name"], found["hangu.origin"], found["hangu.verified"]) == ("hangu", ORIGIN, verified)


def test_origins_are_kept_apart() -> None:
    """Records of two hosts are two resources."""
    other = Record("host-b/hangu", 1, record(DENIED).time, record(DENIED).body, DENIED)
    both = parsed([record(ADMITTED), other, record(FINISHED)]).resource_logs
    assert [len(each.scope_logs[0].log_records) for each in both] == [2, 1]


def test_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is JSON lines, each of them parsable alone, with every record once and in order."""
    monkeypatch.setattr(otel, "_LINE_RECORDS", 5)
    stream = io.BytesIO()
    sink = OtelFile(stream, Origin(ORIGIN, True))
    for index, fields in enumerate(SAMPLES):
        sink.add(record(fields, index))
    sink.finish()
    lines = [json_format.Parse(line, LogsData()) for line in stream.getvalue().splitlines()]
    assert len(lines) == -(-len(SAMPLES) // 5)
    rows = [row for data in lines for row in data.resource_logs[0].scope_logs[0].log_records]
    assert [attributes(row)["hangu.index"] for row in rows] == list(range(len(SAMPLES)))
