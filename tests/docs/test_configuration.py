"""docs/configuration.md names every key of hangu.yaml, and its example is a valid file."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_every_key_is_in_the_table() -> None:
    """The keys that the reader knows are the keys that the page explains."""
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "gateway").glob("settings*.py"))
    lists = re.findall(r"(?:required|optional|embedded|upstream)\s*=\s*\(([^)]*)\)", source)
    known = {key for text in lists for key in re.findall(r'"(\w+)"', text)}
    explained = {key.rpartition(".")[2] for key in re.findall(r"^\| `([\w.<>\[\]]+)` \|", PAGE, re.MULTILINE)}
    sections = {"models", "audit", "oauth", "issuers", "limits", "http", "anchors", "witnesses", "shipping", "contents"}
    assert known - sections == explained - {"<name>"}


def test_the_example_is_valid(tmp_path: Path) -> None:
    """Copied with a checkpoint folder that exists and the secrets it names, the example is complete."""
    example = re.search(r"```yaml\n(bind:.*?)```", PAGE, re.DOTALL)
    assert example
    file = tmp_path / "hangu.yaml"
    file.write_text(example[1], encoding="utf-8")
    key = tmp_path / "keys" / "hmac.key"
    key.parent.mkdir()
    key.write_text("k" * 64)
    key.chmod(0o600)
    text = file.read_text(encoding="utf-8").replace("/srv/models/chatglm3-6b", str(tmp_path))
    file.write_text(text, encoding="utf-8")
    assert load_settings(file, {"LEGACY_SECRET": "s" * 32}).workers == 1
