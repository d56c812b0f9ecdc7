"""docs/review.md knows every option of the commands and every member of what they print."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from pathlib import Path

import pytest

from audit.review.schema import COLUMNS

PAGE = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
RENAMED = {"idx": "index", "name": "event"}


@pytest.mark.parametrize("command", ["query", "show", "index"])
def test_every_option_is_on_the_page(command: str) -> None:
    """An option that the page does not mention is one that nobody finds."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"audit.cli.{command}").configure(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    assert options <= set(re.findall(r"--[a-z][a-z-]*", PAGE))


def test_every_option_on_the_page_is_there() -> None:
    """And none that is on the page is missing."""
    known = {"--config"}
    for command in ("query", "show", "index"):
        parser = argparse.ArgumentParser(add_help=False)
        import_module(f"audit.cli.{command}").configure(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known


def test_every_member_of_a_case_is_on_the_page() -> None:
    """Whoever reads the JSON lines finds what each is called."""
    text = PAGE.partition("The members of a case")[2].partition("\n\n")[0]
    members = {RENAMED.get(name, name) for name in COLUMNS} | {"origin", "roles", "filters"}
    assert set(re.findall(r"`([a-z_]+)`", text)) == members
