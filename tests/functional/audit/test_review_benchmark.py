"""The benchmark of the review index runs and measures what it says. How fast is not a test's business."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_figures(tmp_path: Path) -> None:
    """The whole log is indexed, questions find what the log was made to hold, and nothing is left on the disk."""
    command = [sys.executable, "-m", "benchmarks.review", "--records", "1200", "--folder", str(tmp_path), "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["build"]["records"] == 1200
    assert figures["build"]["peak_mb"] > 0
    cases = {row["question"]: row["cases"] for row in figures["query"]}
    assert 600 < cases["the newest"] < 1200  # two records of a request are one case
    assert cases["one request"] == 1
    assert cases["never finished"] == 0
    assert cases["a word in many texts"] > 0
    assert not list(tmp_path.iterdir())
