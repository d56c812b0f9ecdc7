"""docs/export.md says what becomes of every event and field that the log knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.records import SAMPLES, record

from audit.export import ocsf
from audit.export.formats import FORMATS
from audit.export.otel import NAMES
from audit.schema import EVENTS

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
_EVENT_ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| ([A-Z][^|]+) \|$", PAGE, re.MULTILINE))
_FIELD_ROWS = dict(re.findall(r"^\| `([a-z0-9_]+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))


def test_every_event_has_a_row() -> None:
    """No event is left out, and none is in the table that does not exist."""
    assert sorted(_EVENT_ROWS) == sorted(EVENTS)


def test_every_field_has_a_row() -> None:
    """No field is left out, and none is in the table that does not exist."""
    assert sorted(_FIELD_ROWS) == sorted({field for fields in EVENTS.values() for field in fields})


def test_attribute_names() -> None:
    """The names of OpenTelemetry attributes are those that the code gives."""
    for path, name in NAMES.items():
        assert f"`{name}`" in _FIELD_ROWS[path.partition(".")[0]]


@pytest.mark.parametrize("fields", [each for each in SAMPLES if each.get("event") in EVENTS], ids=lambda f: f["event"])
def test_classes(fields: dict[str, object]) -> None:
    """The OCSF classes of the table are those that records of the event become."""
    row = _EVENT_ROWS[str(fields["event"])]
    for event in ocsf.events(record(fields), verified=True):
        assert f"{event['class_name']} {event['class_uid']}" in row


def test_every_format_has_a_row() -> None:
    """The formats of the command are those of the page."""
    assert re.findall(r"^\| `([a-z]+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE) == list(FORMATS)
