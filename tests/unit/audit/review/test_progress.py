"""Progress is drawn for someone who watches a long build, and is gone afterwards."""

import io
import sys
from pathlib import Path

import pytest

from audit.errors import UnreadableLog
from audit.review.progress import progress_bar


class Terminal(io.StringIO):
    """Text for a person."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four segments of 16 MiB, as sparse files."""
    for first in (0, 100, 200, 300):
        with (tmp_path / f"{first:012}.log").open("wb") as file:
            file.truncate(16 << 20)
    return tmp_path


def test_a_bar(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands for the segments that have been read, moves when one is done, and clears its line in the end."""
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress_bar(log) as advance:
        assert advance is not None
        for index in (50, 60, 150, 350):
            advance(index)
    drawn = terminal.getvalue().split("\r")[1:]
    assert [row.count("#") for row in drawn] == [0, 10, 30, 0, 0]
    assert drawn[-2].strip() == ""


def test_nobody_looks(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn into a file."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar(log) as advance:
        assert advance is None


def test_a_short_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done in a moment needs no bar."""
    for first in (100, 200, 300):
        (log / f"{first:012}.log").unlink()
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(log) as advance:
        assert advance is None


def test_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that is not there is named."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(UnreadableLog, match="missing"), progress_bar(tmp_path / "missing"):
        pass
