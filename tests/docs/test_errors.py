"""docs/errors.md lists exactly the codes that the gateway can answer with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gateway import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def _refusals(parent: type[errors.GatewayError] = errors.GatewayError) -> Iterator[type[errors.GatewayError]]:
    for child in parent.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
        yield from _refusals(child)


def test_every_code_is_documented_with_its_status_type_and_message() -> None:
    """The table and the classes say the same, row by row."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((str(r.status), r.code, r.type, r.default) for r in _refusals())


def test_codes_are_distinct() -> None:
    """One code means one thing."""
    codes = [refusal.code for refusal in _refusals()]
    assert len(codes) == len(set(codes))
