"""deploy/systemd: units run commands that exist, with options that these take, and every timer has its service."""

from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.cli.defaults import parse
from gateway import demo
from gateway.cli import main
from gateway.cli.audit import OFFERS
from gateway.settings import load_log_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
_EXEC = re.compile(r"^ExecStart=(.*)$", re.MULTILINE)


def command_lines() -> list[list[str]]:
    """What the units start, without the folder of the programs."""
    texts = [unit.read_text("utf-8").replace("\\\n", " ") for unit in UNITS]
    found = [shlex.split(line) for text in texts for line in _EXEC.findall(text)]
    return [[Path(words[0]).name, *words[1:]] for words in found]


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_what_a_unit_starts_can_be_started(words: list[str], tmp_path: Path) -> None:
    """The command is there and understands its arguments; what is left out, `hangu.yaml` fills in."""
    if words[0] == "hangu" and words[1] != "audit":
        assert CliRunner().invoke(main, [words[1], "--help"]).exit_code == 0
        return
    audit = 2 if words[0] == "hangu" else words.index("audit") + 1
    name, arguments, offered = words[audit], words[audit + 1 :], {}
    if "--config" in arguments:
        place = arguments.index("--config")
        del arguments[place : place + 2]
        config = demo.prepare(tmp_path / "state", "127.0.0.1:8000").config
        offered = OFFERS[name](load_log_settings(config))
    if name in ("anchor", "ship"):  # the demo has no receivers
        offered |= {"to": ["x"]}
    parser = argparse.ArgumentParser()
    import_module(f"audit.cli.{name}").configure(parser)
    parse(parser, arguments, offered)  # exits where it does not


def test_each_timer_has_its_service() -> None:
    """A timer without one starts nothing, and says so only to those who look."""
    names = {unit.name for unit in UNITS}
    timers = [name for name in names if name.endswith(".timer")]
    assert timers
    assert all(name.replace(".timer", ".service") in names for name in timers)


def test_every_unit_is_in_the_guide() -> None:
    """Nobody enables what nobody names."""
    pages = "".join(page.read_text("utf-8") for page in (DEPLOY / "README.md", DEPLOY.parent / "docs" / "anchors.md"))
    unnamed = {unit.stem for unit in UNITS if not re.search(rf"\b{unit.stem}\b", pages)}
    assert unnamed == set()
