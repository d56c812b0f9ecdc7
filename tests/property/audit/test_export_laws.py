"""Whatever a record holds, the formats stay well-formed and give it back."""

import csv
import io
import json
from typing import Any

import orjson
from google.protobuf import json_format  # type: ignore[import-untyped]  # it ships no types
from harness.receivers import parse
from harness.records import ADMITTED, DENIED, ORIGIN, record
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from audit.export import cef, ocsf
from audit.export.csv_file import CsvFile
from audit.export.otel import logs
from audit.export.sink import Origin
from audit.ship.syslog import messages

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
VALUE = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT | st.lists(TEXT, max_size=3)
MEMBERS = sorted({*ADMITTED, *DENIED})
RECORDS = st.dictionaries(
    st.sampled_from(MEMBERS), VALUE | st.dictionaries(st.sampled_from(MEMBERS), VALUE, max_size=4)
)


@given(RECORDS)
def test_csv_row(fields: dict[str, Any]) -> None:
    """A row has every column, gives the record back, and no cell of it starts a formula."""
    stream = io.BytesIO()
    CsvFile(stream, Origin(ORIGIN, True)).add(record(fields))
    (row,) = csv.DictReader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert json.loads(row["record"]) == fields
    assert None not in row
    assert not [name for name, value in row.items() if value[:1] in "=+-@\t\r" and value and not value[1:].isdigit()]


@given(RECORDS)
def test_cef_line(fields: dict[str, Any]) -> None:
    """One line, whatever characters there are, with seven unescaped pipes before the extension."""
    line = cef.render(record(fields), verified=False).decode()
    assert len(line.splitlines()) == 1
    assert line.isprintable() or not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
    assert line.startswith("CEF:0|Hangu|Hangu|1|")
    assert line.endswith("flexString1Label=verified flexString1=false")


@given(RECORDS, st.integers(480, 3000))
def test_syslog_message(fields: dict[str, Any], limit: int) -> None:
    """A message is well-formed, no longer than asked for, and names its record."""
    for form in ("jsonl", "cef", "ocsf"):
        for raw in messages(record(fields), form, limit):
            message = parse(raw)
            assert message.size <= limit
            assert (message.data["origin"], message.data["index"]) == (ORIGIN, "5")


@given(RECORDS)
def test_opentelemetry_record(fields: dict[str, Any]) -> None:
    """The protocol's own definitions parse it, the body is the record, and no attribute stands twice."""
    parsed = json_format.Parse(orjson.dumps(logs([record(fields)], verified=False)), LogsData())
    row = parsed.resource_logs[0].scope_logs[0].log_records[0]
    assert json.loads(row.body.string_value) == fields
    keys = [attribute.key for attribute in row.attributes]
    assert len(keys) == len(set(keys))


@given(RECORDS)
def test_ocsf_event(fields: dict[str, Any]) -> None:
    """The event is JSON, holds the record, and its type is of its class."""
    for event in map(json.loads, ocsf.render(record(fields), verified=False)):
        assert json.loads(event["raw_data"]) == fields
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
