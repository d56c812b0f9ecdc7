"""RFC 5424 messages: parsed back by a strict parser, whole or honestly cut."""

import json
from dataclasses import replace

import pytest
from harness.receivers import parse
from harness.records import ADMITTED, BLOCKED, DENIED, FINISHED, ORIGIN, SAMPLES, TIME, record

from audit.ship.syslog import FORMATS, messages


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fields", SAMPLES, ids=lambda fields: str(fields.get("event")))
def test_every_record(form: str, fields: dict[str, object]) -> None:
    """Whatever is recorded is a well-formed message that says which record it is, in every format."""
    for raw in messages(record(fields), form, 8192):
        message = parse(raw)
        assert message.data == {"origin": ORIGIN, "index": "5"}
        assert (message.time, message.host) == (TIME, "host-a")
        assert message.event == (fields.get("event") or "-")
        assert message.priority >> 3 == 13


def test_text_is_the_record() -> None:
    """The text is a line of the JSON format, or of CEF or OCSF."""
    assert json.loads(parse(messages(record(ADMITTED), "jsonl", 8192)[0]).text)["record"] == ADMITTED
    assert parse(messages(record(ADMITTED), "cef", 8192)[0]).text.startswith("CEF:0|Hangu|")
    classes = [json.loads(parse(raw).text)["class_uid"] for raw in messages(record(ADMITTED), "ocsf", 8192)]
    assert classes == [6003, 2004]


@pytest.mark.parametrize(("fields", "severity"), [(FINISHED, 6), (ADMITTED, 5), (BLOCKED, 4), (DENIED, 4)])
def test_severity(fields: dict[str, object], severity: int) -> None:
    """What was refused or withheld is more urgent than what was not."""
    assert parse(messages(record(fields), "jsonl", 8192)[0]).priority & 7 == severity


@pytest.mark.parametrize("limit", range(480, 500))
def test_truncated(limit: int) -> None:
    """A message that is too long is cut behind a whole character, keeps its receipt and says how long it was."""
    fields = {**ADMITTED, "detail": "医保" * 2000}
    whole = messages(record(fields), "jsonl", 100_000)[0]
    raw = messages(record(fields), "jsonl", limit)[0]
    assert limit - 2 <= len(raw) <= limit
    message = parse(raw)
    assert message.data["index"] == "5"
    assert int(message.data["truncated"]) == len(parse(whole).text.encode())
    assert parse(whole).text.startswith(message.text)
    assert "truncated" not in parse(whole).data


def test_hostile_names() -> None:
    """An event or origin cannot break out of its place in the header or the structured data."""
    for event in ("a b", "x\n<0>1 forged", "é" * 40, "", "]", '"'):
        message = parse(messages(record({**DENIED, "event": event}), "jsonl", 8192)[0])
        assert len(message.event) <= 32
        assert message.data == {"origin": ORIGIN, "index": "5"}
    odd = replace(record(DENIED), origin='a"b]c\\d/x')
    assert parse(messages(odd, "jsonl", 8192)[0]).data["origin"] == 'a"b]c\\d/x'
