"""`audit index` brings the index up to date and says where it is."""

import json
from pathlib import Path

import pytest

from audit.cli import main


def test_it_says_what_it_has(small_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a person, and for a program; with a place of one's own, too."""
    assert main(["index", str(small_log)]) == 0
    assert capsys.readouterr().err == f"audit index: 3 events of host-a/hangu in {small_log}.index.sqlite\n"
    assert main(["index", str(small_log), "--json", "--rebuild", "--index", f"{small_log}-i"]) == 0
    assert json.loads(capsys.readouterr().out) == {"index": f"{small_log}-i", "origin": "host-a/hangu", "events": 3}
    assert Path(f"{small_log}-i").is_file()


def test_what_cannot_be_indexed(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No log is wrong usage, a line that is none is a bad log, an index inside the log is refused."""
    assert main(["index", str(tmp_path / "missing")]) == 2
    assert main(["index", str(small_log), "--index", str(small_log / "i")]) == 2
    first = min(small_log.glob("*.log"))
    first.write_bytes(first.read_bytes().replace(b'{"i":2,', b'{"i":3,'))
    assert main(["index", str(small_log)]) == 1
    assert "000000000000.log:3" in capsys.readouterr().err
