"""An export is there whole, private and where it may be, or it is not there."""

from pathlib import Path

import pytest

from audit.errors import ExportFailed
from audit.export.output import new_file, open_output, outside


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log directory."""
    (tmp_path / "log" / "quarantine").mkdir(parents=True)
    return tmp_path / "log"


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_whole_and_private(tmp_path: Path, log: Path) -> None:
    """The file has what was written, mode 0600, and nothing is left beside it."""
    with open_output(str(tmp_path / "o.csv"), log, force=False) as stream:
        stream.write(b"x")
        assert not (tmp_path / "o.csv").exists()
    assert (tmp_path / "o.csv").read_bytes() == b"x"
    assert (tmp_path / "o.csv").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["log", "o.csv"]


def failing(path: Path, log: Path, error: Exception, *, force: bool = False) -> None:
    """An export that breaks half-way."""
    with open_output(str(path), log, force=force) as stream:
        stream.write(b"half")
        raise error


def test_half_a_file(tmp_path: Path, log: Path) -> None:
    """An export that fails leaves no file, and an older one as it was."""
    with pytest.raises(KeyError):
        failing(tmp_path / "o", log, KeyError("x"))
    with pytest.raises(ExportFailed, match="No space left"):
        failing(tmp_path / "o", log, OSError(28, "No space left on device"))
    assert names(tmp_path) == ["log"]
    (tmp_path / "o").write_bytes(b"old")
    with pytest.raises(KeyError):
        failing(tmp_path / "o", log, KeyError("x"), force=True)
    assert (tmp_path / "o").read_bytes() == b"old"


def test_existing_file(tmp_path: Path, log: Path) -> None:
    """A file that is there is kept, also one that came while the export ran, unless it was to be replaced."""
    target = tmp_path / "o"
    with pytest.raises(ExportFailed, match="exists already"), open_output(str(target), log, force=False):
        target.write_bytes(b"came meanwhile")
    assert target.read_bytes() == b"came meanwhile"
    with pytest.raises(ExportFailed, match="exists already"), open_output(str(target), log, force=False):
        pass
    with open_output(str(target), log, force=True) as stream:
        stream.write(b"new")
    assert target.read_bytes() == b"new"


def test_link_in_the_way(tmp_path: Path, log: Path) -> None:
    """A link at the place is not followed: without force it is a file that is there, with force it is replaced."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (tmp_path / "o").symlink_to(victim)
    with pytest.raises(ExportFailed, match="exists already"), open_output(str(tmp_path / "o"), log, force=False):
        pass
    with open_output(str(tmp_path / "o"), log, force=True) as stream:
        stream.write(b"new")
    assert (victim.read_bytes(), (tmp_path / "o").read_bytes()) == (b"kept", b"new")


@pytest.mark.parametrize("place", ["log/o", "log/quarantine/o", "link/o", "log/../log/o"])
def test_inside_the_log(place: str, tmp_path: Path, log: Path) -> None:
    """No file is ever put into the log directory, by whatever path: it would make the log tampered."""
    (tmp_path / "link").symlink_to(log)
    with (
        pytest.raises(ExportFailed, match="lies in the log directory"),
        open_output(str(tmp_path / place), log, force=True),
    ):
        pass
    assert names(log) == ["quarantine"]


@pytest.mark.parametrize("place", ["/", ".", "..", "", "loop/o"])
def test_no_place_for_a_file(place: str, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What names no file, and links in a circle, are refused with a reason."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ExportFailed, match=r"not the name of a file|loop/o"), open_output(place, log, force=True):
        pass
    with pytest.raises(ExportFailed, match="loop"):
        outside(tmp_path / "o", tmp_path / "loop" / "log")


@pytest.mark.parametrize("place", ["missing/o", "file/o"])
def test_no_such_folder(place: str, tmp_path: Path) -> None:
    """A place that cannot be written to is named."""
    (tmp_path / "file").touch()
    with pytest.raises(ExportFailed, match=place), new_file(tmp_path / place, force=True):
        pass
