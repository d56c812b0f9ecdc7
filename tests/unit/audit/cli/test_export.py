"""`audit export`: what is wrong usage, and that it leaves nothing behind."""

from pathlib import Path

import pytest

from audit.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--format", "csv"),
        ("--out", "o"),
        ("--format", "xml", "--out", "o"),
        ("--format", "csv", "--out", "o", "--verified"),
        ("--format", "csv", "--out", "o", "--since", "yesterday"),
        ("--format", "csv", "--out", "o", "--request-id", "r"),
        ("--format", "csv", "--out", "log/o"),
        ("--format", "csv", "--out", "o"),  # there is no log
        ("--format", "jsonl", "--out", "o", "--bom"),
        ("--evidence", "o", "--request-id", "r"),
        ("--evidence", "o", "--key", "k"),
        ("--evidence", "o", "--key", "none", "--index", "1"),
        ("--evidence", "log/o", "--key", "k", "--index", "1"),
        ("--evidence", "o", "--key", "k", "--index", "1", "--format", "csv"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong arguments are exit code 2 with a message, and no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log").mkdir()
    assert main(["export", "log", *arguments, "--unrecorded"]) == 2
    assert capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["log"]
