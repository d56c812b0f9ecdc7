"""`audit anchor` and `audit witness` as commands: wrong usage is 2, a word about what is wrong, and no stack trace."""

from pathlib import Path
from typing import Any

import pytest

from audit.anchors.file_store import NotesFile
from audit.cli import main
from audit.keys import write_key_file

Log = Any  # the class in this folder's conftest


@pytest.fixture
def place(log: Log, tmp_path: Path) -> Path:
    """A folder with the log and a file with its verifier key line."""
    write_key_file(tmp_path / "key", log.key.vkey.encode(), 0o644)
    return tmp_path


def base(place: Path, *more: str) -> list[str]:
    """The command line of one round with that log."""
    return ["anchor", f"{place}/log", "--key", f"{place}/key", "--state", f"{place}/state", "--once", *more]


def test_one_round_and_back(place: Path, log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """One round brings a note, `--fetch` brings it back, and a second round has nothing to do."""
    for _ in range(2):
        assert main(base(place, "--to", f"{place}/notes")) == 0
    assert main(["anchor", "--key", f"{place}/key", "--fetch", f"{place}/notes", "--out", f"{place}/out"]) == 0
    assert (place / "out").read_text(encoding="utf-8") == log.view().seen.note
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--key", "@/key"],
        ["@/log", "--key", "@/key"],
        ["@/log", "--key", "@/key", "--state", "@/s"],
        ["@/log", "--key", "@/missing", "--state", "@/s", "--to", "@/n", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/log/state", "--to", "@/n", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/missing/s", "--to", "@/n", "--once"],
        ["@/nowhere", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--to", "@/n", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--retain-days", "9", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--witness", "http://w", "no-key", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--witness", "http://w", "a+b+c", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "nosuch://x", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "s3://a:hunter2@b/c", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--every", "-1"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--every", "1e300"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/n", "--timeout", "1e300", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/log/n", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/log/n/", "--once"],
        ["@/log", "--key", "@/key", "--state", "@/s", "--to", "@/log", "--once"],
        ["@/log", "--key", "@/key", "--fetch", "@/n", "--out", "@/log/out"],
        ["--key", "@/key", "--fetch", "@/n"],
        ["--key", "@/key", "--fetch", "@/n", "--out", "@/out", "--last", "-1"],
    ],
)
def test_wrong_usage_of_anchor(argv: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be anchored as asked for is refused before anything is sent, and secrets are not repeated."""
    assert main(["anchor", *(word.replace("@", str(place), 1) if word[0] == "@" else word for word in argv)]) == 2
    error = capsys.readouterr().err
    assert error
    assert "hunter2" not in error
    assert not (place / "n").exists()
    assert {file.suffix for file in (place / "log").iterdir()} <= {".log", ".lock"}


def test_nothing_to_fetch(place: Path, log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that is missing, or has notes of other logs only, is 1, and no file is written."""
    fetch = ["anchor", "--key", f"{place}/key", "--fetch", f"{place}/notes", "--out", f"{place}/out"]
    assert main(fetch) == 1
    NotesFile(place / "notes").create("host-b/hangu", 5, log.view().seen.note.replace("host-a", "host-b"))
    assert main(fetch) == 1
    assert "no note of `host-a/hangu`" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_damaged_state(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A state that is not whole is not begun anew."""
    (place / "state").write_text("{}")
    assert main(base(place, "--to", f"{place}/notes")) == 2
    assert "not the state of `audit anchor`" in capsys.readouterr().err


def test_rewritten_log(place: Path, log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that was cut is 10, loud, and not anchored."""
    log.grow(3)
    assert main(base(place, "--to", f"{place}/notes")) == 0
    (segment,) = log.directory.glob("*.log")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:4]))
    assert main(base(place, "--to", f"{place}/notes")) == 10
    assert "TAMPERED" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["keygen", "--name", "a b", "--key", "@/w", "--state", "@/wm"],
        ["keygen", "--name", "w", "--key", "@/key", "--state", "@/wm"],
        ["serve", "--listen", "127.0.0.1:0", "--key", "@/key", "--state", "@/log", "--log", "x"],
        ["serve", "--listen", "nonsense", "--key", "@/good", "--state", "@/memory", "--log", "@/key"],
        ["serve", "--listen", "127.0.0.1:00000199999", "--key", "@/good", "--state", "@/memory", "--log", "@/key"],
        ["serve", "--listen", "127.0.0.1:0", "--key", "@/other", "--state", "@/memory", "--log", "@/key"],
        ["serve", "--listen", "127.0.0.1:0", "--key", "@/good", "--state", "@/memory", "--log", "a+b+c"],
        ["serve", "--listen", "127.0.0.1:0", "--key", "@/good", "--state", "@/memory", "--log", "@/missing"],
    ],
)
def test_wrong_usage_of_witness(argv: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A witness starts with its own key, its own memory and logs that are named, or not at all."""
    for key, memory in (("good", "memory"), ("other", "other-memory")):
        made = ["witness", "keygen", "--name", "w", "--key", f"{place}/{key}", "--state", f"{place}/{memory}"]
        assert main(made) == 0
    assert main(["witness", *(word.replace("@", str(place), 1) if word[0] == "@" else word for word in argv)]) == 2
    assert capsys.readouterr().err
