"""Every format by its name: opened, fed and finished the same way."""

import io
import json

import pytest
from harness.records import ORIGIN, SAMPLES, record

from audit.export.formats import FORMATS, message
from audit.export.sink import Origin


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_takes_every_record(name: str) -> None:
    """No sort of record breaks a format, and none leaves an export empty."""
    stream = io.BytesIO()
    sink = FORMATS[name](stream, Origin(ORIGIN, False))
    for index, fields in enumerate(SAMPLES):
        sink.add(record(fields, index))
    sink.finish()
    assert len(stream.getvalue()) > 1000


def test_json_lines() -> None:
    """The very record of the log stands on its line, with its receipt."""
    stream = io.BytesIO()
    sink = FORMATS["jsonl"](stream, Origin(ORIGIN, True))
    for index, fields in enumerate(SAMPLES):
        sink.add(record(fields, index))
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["record"] for line in lines] == list(SAMPLES)
    assert all(record(fields).body in line for line, fields in zip(lines, SAMPLES, strict=True))
    assert [(json.loads(line)["origin"], json.loads(line)["index"]) for line in lines] == [
        (ORIGIN, index) for index in range(len(SAMPLES))
    ]
    assert {json.loads(line)["verified"] for line in lines} == {True}


@pytest.mark.parametrize("name", ["jsonl", "cef", "ocsf"])
def test_messages(name: str) -> None:
    """A single message is the line of the file, and never claims to be verified."""
    for fields in SAMPLES:
        stream = io.BytesIO()
        FORMATS[name](stream, Origin(ORIGIN, False)).add(record(fields))
        assert stream.getvalue().splitlines() == message(name, record(fields), verified=False)
