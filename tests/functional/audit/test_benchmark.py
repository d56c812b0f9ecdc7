"""The benchmark runs and measures what it says. How fast is not a test's business."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_figures(tmp_path: Path) -> None:
    """Both logs and the verifier are measured, in one process and in several, and nothing is left on the disk."""
    command = [sys.executable, "-m", "benchmarks.audit", "--seconds", "0.2", "--rounds", "1", "--writers", "1", "2"]
    command += ["--records", "80", "--folder", str(tmp_path), "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert [row["writers"] for row in figures["append"]] == ["1 x 1", "1 x 2", "2 x 1"]
    for row in figures["append"]:
        assert row["ratio"] > 0
        assert row["fdatasync"] > 0
        for side in (row["sqlite"], row["hangu"]):
            assert side["rate"] > 0
            assert 0 < side["p50"] <= side["p99"] <= side["slowest"]
    assert figures["verify"]["lines"] == 1 + 1 + 80 + 10 + 2  # hdr, its checkpoint, records, theirs, the end
    assert not list(tmp_path.iterdir())
