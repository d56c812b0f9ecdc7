"""A demo deployment in a folder: made once, used again as it is, and nothing of it open to others."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from gateway import demo
from gateway.settings import load_settings

BIND = "127.0.0.1:8000"


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """The same clients, keys and origin, so that the log goes on."""
    first = demo.prepare(tmp_path / "state", BIND)
    audit = load_settings(first.config).audit
    assert demo.prepare(tmp_path / "state", BIND) == first
    assert load_settings(first.config).audit == audit


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"clients": 3}', '{"clients": {"admin": []}}'])
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    """Keys are not made anew over a log that older ones signed; the message names the file."""
    (tmp_path / "demo.json").write_text(text)
    with pytest.raises(OSError, match=r"demo\.json: not what the demo wrote there"):
        demo.prepare(tmp_path, BIND)


def long_state(folder: Path) -> Path:
    """A folder whose path leaves no room for a socket."""
    return folder / ("状态" * 15) / "state"


def test_the_socket_of_a_long_path_outlives_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of the machine empties the folder for temporary files; the next start makes it again."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    made = demo.prepare(long_state(tmp_path), BIND)
    folder = load_settings(made.config).audit.socket.parent
    assert folder.parent == tmp_path / "t"
    shutil.rmtree(folder)
    demo.prepare(long_state(tmp_path), BIND)
    assert folder.is_dir()


@pytest.mark.parametrize("attack", ["open", "link"])
def test_a_socket_folder_planted_by_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str) -> None:
    """Whoever may write there could stand in for the writer and acknowledge records that nobody keeps."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    made = demo.prepare(long_state(tmp_path), BIND)
    folder = load_settings(made.config).audit.socket.parent
    if attack == "open":
        folder.chmod(0o777)
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="must be a folder of this user alone"):
        demo.prepare(long_state(tmp_path), BIND)
