"""`audit ship`: what is wrong usage, and that it leaves nothing behind."""

from pathlib import Path

import pytest

from audit.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "nonsense", "--cursor", "c"),
        ("--to", "syslog+udp://h", "--cursor", "log/c"),
        ("--to", "syslog+udp://h", "--to", "syslog+udp://h", "--cursor", "c"),
        ("--to", "syslog+tls://h", "--cursor", "c", "--ca-file", "none"),
        ("--to", "syslog+udp://h", "--cursor", "c", "--max-message-bytes", "100"),
        ("--to", "syslog+udp://h", "--cursor", "c", "--max-buffer", "0"),
        ("--to", "syslog+udp://h", "--cursor", "c", "--format", "parquet"),
        ("--to", "syslog+udp://h", "--cursor", "none/c"),
        ("--to", "syslog+udp://h"),
        ("--cursor", "c"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong arguments are exit code 2 with a message, and no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log").mkdir()
    assert main(["ship", "log", "--once", *arguments]) == 2
    assert capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["log"]
