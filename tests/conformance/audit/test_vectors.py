"""The committed vectors: our verifier's word on each, by the command that users run, and that they can be made anew."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.audit.make_vectors import FOLDER, VECTORS, files_of

from audit.anchor import load_anchors
from audit.keys import load_public
from audit.verify import CLEAN, TAMPERED, TORN, verify

NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
EXIT = {CLEAN: 0, TORN: 3, TAMPERED: 10}


def expected(name: str) -> tuple[int, str | None, int | None]:
    """Exit code, and the place where the log is bad."""
    value = json.loads((FOLDER / name / "expected.json").read_text())
    return value["exit"], value["file"], value["line"]


def test_there_are_vectors() -> None:
    """Every kind of verdict has its vectors, and each committed one has a maker."""
    assert sorted(VECTORS) == NAMES
    assert {expected(name)[0] for name in NAMES} == {0, 3, 10}


@pytest.mark.parametrize("name", NAMES)
def test_verdict(name: str) -> None:
    """The verifier says what the vector expects, and names that place."""
    public, origin = load_public(FOLDER / name / "key.vkey")
    anchor, log = FOLDER / name / "anchor", FOLDER / name / "log"
    anchors = load_anchors(anchor, public, log) if anchor.exists() else ()
    report = verify(log, public, origin, anchors)
    assert (EXIT[report.state], report.file, report.line) == expected(name), report.problem


@pytest.mark.parametrize("name", ["clean-anchored", "clean-archived-deflated", "torn-nuls", "tampered-rolled-back"])
def test_command(name: str) -> None:
    """`audit verify` exits and reports alike."""
    folder = FOLDER / name
    argv = [sys.executable, "-m", "audit", "verify", str(folder / "log"), "--key", str(folder / "key.vkey"), "--json"]
    argv += ["--anchor", str(folder / "anchor")] if (folder / "anchor").exists() else []
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["file"], report["line"]) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_made_anew(name: str) -> None:
    """The generator makes the committed bytes, and no file more or less."""
    folder = FOLDER / name
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert {path: file.read_bytes() for path, file in there.items()} == files_of(VECTORS[name]())


def test_vectors_are_small() -> None:
    """A vector can be read by a person."""
    sizes = {path: path.stat().st_size for path in Path(FOLDER).rglob("*") if path.is_file()}
    assert max(sizes.values()) < 8192
