"""A bundle that asks for what the deployment does not have is refused with the place of the row."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from audit.contents import auditor
from gateway import demo
from gateway.policy import load_policy
from gateway.settings import load_settings
from policies.source import SourceError

RULES = """\
rules:
  - {role: guest, prompt: hash, completion: encrypted}
  - role: user
    prompt: encrypted
    completion: hash
  - {prompt: hash, completion: hash}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A deployment without a contents store."""
    made = demo.prepare(tmp_path / "state", "127.0.0.1:8000").config
    settings = yaml.safe_load(made.read_text())
    settings["audit"].pop("contents", None)
    made.write_text(yaml.safe_dump(settings))
    return made


def test_every_row_that_cannot_be_kept_is_named(config: Path) -> None:
    """Both rows, each with file, line and column; without them the bundle is fine."""
    load_policy(load_settings(config))
    file = config.parent / "bundle" / "audit.yaml"
    file.write_text(RULES)
    with pytest.raises(SourceError) as caught:
        load_policy(load_settings(config))
    message = f"level `encrypted` needs `audit.contents` in {config}, which has none"
    assert str(caught.value).splitlines() == [f"{file}:2:5: {message}", f"{file}:3:5: {message}"]


def test_a_deployment_with_a_store_keeps_them(config: Path) -> None:
    """The twin: the same bundle is accepted."""
    (config.parent / "bundle" / "audit.yaml").write_text(RULES)
    auditor.generate(config.parent / "a.pem", config.parent / "a.pub.pem")
    contents = "audit:\n  contents: {directory: c, auditor_key: a.pub.pem}\n"
    config.write_text(config.read_text().replace("audit:\n", contents, 1))
    assert load_policy(load_settings(config)).audit.rules[0].encrypts
