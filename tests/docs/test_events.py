"""docs/events.md lists exactly the events and fields that the log knows, with their kinds."""

from __future__ import annotations

import re
from pathlib import Path

from audit import schema

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
Rows = dict[str, str]


def sections() -> dict[str, str]:
    """The text under each heading, by the heading."""
    parts = re.split(r"^##+ (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> Rows:
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", text, re.MULTILINE))


def documented() -> dict[str, Rows]:
    """The fields of each event: its own, and those of the groups that its text says it holds."""
    found = sections()
    groups = {f"#{title.lower().replace(' ', '-')}": rows(text) for title, text in found.items() if "`" not in title}
    events: dict[str, Rows] = {}
    for title, text in found.items():
        if title.startswith("`"):
            held = re.search(r"Holds (.+?)\.$", text, re.MULTILINE)
            linked = re.findall(r"\((#[\w-]+)\)", held[1]) if held else []
            events[title.strip("`")] = {k: v for group in linked for k, v in groups[group].items()} | rows(text)
    return events


def test_every_event_is_documented_with_its_fields_and_kinds() -> None:
    """The page and the table say the same, field by field."""
    page = documented()
    assert sorted(page) == sorted(schema.EVENTS)
    for event, fields in schema.EVENTS.items():
        assert page[event] == dict(fields), event


def test_the_page_names_its_version() -> None:
    """Whoever reads an old log can tell whether this page is the right one."""
    assert f"schema version **{schema.VERSION}**" in PAGE
