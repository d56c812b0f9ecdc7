"""What the README and the examples tell a newcomer to type does what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import policies

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HANGU = str(Path(sys.executable).parent / "hangu")


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=cwd)


def test_every_link_leads_somewhere() -> None:
    """A relative link of the README or a page in docs/ names a file that exists."""
    for page in [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_first_policy_edit_does_what_it_says(tmp_path: Path) -> None:
    """The line lets guests see the models, and the misspelt one is found with a hint."""
    state = tmp_path / "state"
    shutil.copytree(Path(policies.__file__).parent / "bundles" / "default", state / "bundle")
    explain = re.search(r"\$ \.venv/bin/hangu (policy explain .*)", README)
    assert explain
    before = run(HANGU, *explain[1].split(), cwd=tmp_path)
    line = re.search(r"^p, role:guest, models, read, allow$", README, re.MULTILINE)
    assert line
    policy = state / "bundle" / "policy.csv"
    policy.write_text(policy.read_text() + line[0] + "\n")
    assert run(HANGU, "policy", "check", "state/bundle", cwd=tmp_path).returncode == 0
    after = run(HANGU, *explain[1].split(), cwd=tmp_path)
    assert ("deny" in before.stdout, "allow" in after.stdout) == (True, True), before.stdout + after.stdout
    policy.write_text(policy.read_text().replace("models, read, allow\n", "models, raed, allow\n"))
    bad = run(HANGU, "policy", "check", "state/bundle", cwd=tmp_path)
    assert bad.returncode == 1
    assert re.search(r"policy\.csv:\d+:\d+: .*did you mean `read`\?", bad.stdout + bad.stderr)


def test_the_examples_explain_themselves() -> None:
    """Without arguments each example prints how it is called."""
    for example in sorted((ROOT / "examples").glob("*.py")):
        shown = subprocess.run(
            [sys.executable, str(example)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={name: value for name, value in os.environ.items() if name != "HANGU_TOKEN"},
        )
        assert shown.returncode == 1
        assert f"examples/{example.name}" in shown.stderr
