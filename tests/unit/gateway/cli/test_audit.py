"""`hangu audit`: a deployment's own paths for what is left out, by `--config` or HANGU_CONFIG."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.checkpoint import Signer
from audit.journal import Journal, Rotation
from audit.keys import load_private
from gateway import demo
from gateway.cli import main
from gateway.settings import load_settings

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
    audit = load_log(config)
    assert json.loads(hangu("verify", audit[0], "--key", audit[1], "--json").output)["state"] == "clean"


def load_log(config: Path) -> tuple[Path, Path]:
    from gateway.settings import load_log_settings

    log = load_log_settings(config)
    return log.directory, log.public_key


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Exit 2 and a place, no stack trace."""
    shown = hangu("verify", "--config", tmp_path / "none.yaml")
    assert shown.exit_code == 2
    assert f"{tmp_path / 'none.yaml'}:1:1: cannot be read" in shown.output


def test_commands_without_a_log_need_no_configuration(tmp_path: Path) -> None:
    """A key can be made before there is a file to name it in."""
    words = ("keygen", "--key", tmp_path / "a.pem", "--public", tmp_path / "a.pub")
    assert hangu(*words, HANGU_CONFIG=str(tmp_path / "none.yaml")).exit_code == 0
