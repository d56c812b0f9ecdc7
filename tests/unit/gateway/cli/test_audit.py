"""`hangu audit`: a deployment's own paths for what is left out, by `--config` or HANGU_CONFIG."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.checkpoint import Signer
from audit.cli import COMMANDS
from audit.journal import Journal, Rotation
from audit.keys import load_private
from gateway import demo
from gateway.cli import main
from gateway.cli.audit import OFFERS
from gateway.settings import load_log_settings, load_settings

NOW = 1_795_000_000_000_000_000


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `hangu.yaml` of a deployment with a sealed log; a reviewer has no key of the digests."""
    made = demo.prepare(tmp_path_factory.mktemp("state"), "127.0.0.1:8000")
    audit = load_settings(made.config).audit
    Journal(audit.directory, Signer(audit.origin, load_private(audit.key)), Rotation(), NOW).close(NOW)
    assert audit.hmac_file is not None
    audit.hmac_file.unlink()
    return made.config


def hangu(*words: str | Path, **environment: str) -> Result:
    return CliRunner(env={"HANGU_CONFIG": None, **environment}).invoke(main, ["audit", *map(str, words)])


def test_the_configuration_says_which_log(config: Path) -> None:
    """Folder and key come from the file, wherever the option stands and however it is named."""
    for words in (("verify", "--config", config), ("verify", f"--config={config}", "--json")):
        shown = hangu(*words)
        assert shown.exit_code == 0, shown.output
    assert hangu("verify", HANGU_CONFIG=str(config)).exit_code == 0


def test_what_is_given_counts(config: Path, tmp_path: Path) -> None:
    """Another folder is another log, here one that is not there."""
    shown = hangu("verify", tmp_path / "absent", "--config", config)
    assert shown.exit_code == 2
    assert "absent" in shown.output


def test_without_a_configuration_everything_is_given_by_hand(config: Path) -> None:
    """As with `python -m audit`."""
    assert hangu("verify").exit_code == 2
    log = load_log_settings(config)
    assert json.loads(hangu("verify", log.directory, "--key", log.public_key, "--json").output)["state"] == "clean"


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Exit 2 and a place, no stack trace."""
    shown = hangu("verify", "--config", tmp_path / "none.yaml")
    assert shown.exit_code == 2
    assert f"{tmp_path / 'none.yaml'}:1:1: cannot be read" in shown.output


def test_every_command_of_one_log_has_its_defaults(config: Path) -> None:
    """A new command is not forgotten: each takes the log's folder, its socket or its public key from the file."""
    log = load_log_settings(config)
    for command in set(COMMANDS) - {"keygen", "origins", "witness"}:
        parser = argparse.ArgumentParser()
        import_module(f"audit.cli.{command}").configure(parser)
        known = {action.dest for action in parser._actions}
        assert known & OFFERS[command](log).keys() & {"directory", "directories", "socket"}, command


def test_what_is_offered_has_the_shape_that_is_asked_for(config: Path) -> None:
    """Where an argument may be given several times, a list: one path in its place ended a report in a stack trace."""
    log = load_log_settings(config)
    for command, offer in OFFERS.items():
        parser = argparse.ArgumentParser()
        import_module(f"audit.cli.{command}").configure(parser)
        offered = offer(log)
        for action in parser._actions:
            if action.dest in offered:
                several = isinstance(action, argparse._AppendAction) or action.nargs in ("*", "+")
                assert isinstance(offered[action.dest], list) is several, (command, action.dest)


def test_whoever_reads_is_recorded_without_naming_the_socket(config: Path) -> None:
    """Every command that records its reads takes the writer's socket from the file."""
    log = load_log_settings(config)
    for command, offer in OFFERS.items():
        parser = argparse.ArgumentParser()
        import_module(f"audit.cli.{command}").configure(parser)
        if {"socket", "unrecorded"} <= {action.dest for action in parser._actions}:
            assert offer(log)["socket"] == log.socket, command


def test_commands_without_a_log_need_no_configuration(tmp_path: Path) -> None:
    """A key can be made before there is a file to name it in."""
    words = ("keygen", "--key", tmp_path / "a.pem", "--public", tmp_path / "a.pub")
    assert hangu(*words, HANGU_CONFIG=str(tmp_path / "none.yaml")).exit_code == 0
