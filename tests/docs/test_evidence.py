"""docs/evidence.md: its vector is what is written, its program checks packs, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness.story import START_NS, Storyteller

from audit.checkpoint import Signer, parse_vkey
from audit.evidence import Selection, build, check_pack, decode, encode
from audit.journal import Journal, Rotation

DOCS = Path(__file__).parents[2] / "docs"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def block(page: str, name: str) -> str:
    """The content of the only fenced block with this info string."""
    found = re.findall(rf"^```{name}\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_vector(tmp_path: Path) -> None:
    """From the documented log the documented pack is made, to the byte, and it is accepted."""
    (tmp_path / "000000000000.log").write_text(block("audit-format.md", "log"), "utf-8")
    key = parse_vkey(block("audit-format.md", "vkey"))
    raw = encode(build(tmp_path, key.public, Selection(indices=(2,))))
    assert raw.decode() == block("evidence.md", "evidence")
    assert check_pack(decode(raw), key.public, key.origin).lines[0][1].body == {"event": "a", "n": 1}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of several lines, its key beside it."""
    story = Storyteller(Journal(tmp_path / "log", Signer("host-a/hangu", PRIVATE), Rotation(max_bytes=2000), START_NS))
    story.start_gateway()
    for number in range(9):
        story.request(f"r-{number}")
    story.close()
    selection = Selection(request_ids=("r-0", "r-4", "r-8"))
    (tmp_path / "pack").write_bytes(encode(build(tmp_path / "log", PRIVATE.public_key(), selection)))
    pem = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    return tmp_path / "pack"


def run(program: Path, pack: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the page as a reader would."""
    argv = [sys.executable, "-I", str(program), str(pack), str(pack.with_name("key.pem"))]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_program(tmp_path: Path, pack: Path) -> None:
    """The thirty lines accept a good pack and print its records; a changed line, proof or checkpoint they refuse."""
    program = tmp_path / "check.py"
    program.write_text(block("evidence.md", "python"), "utf-8")
    assert len([row for row in program.read_text("utf-8").split("\n") if row.strip()]) <= 30
    good = run(program, pack)
    assert good.returncode == 0, good.stderr
    assert "host-a/hangu/" in good.stdout
    assert good.stdout.count("request.finished") == 3
    raw = pack.read_text("utf-8")
    for old, new in (("张伟", "王芳"), ('"proof":["', '"proof":["AAAA'), ("host-a/hangu\\n", "host-b/hangu\\n")):
        pack.write_text(raw.replace(old, new, 1), "utf-8")
        assert raw != pack.read_text("utf-8")
        assert run(program, pack).returncode != 0


def test_options_exist() -> None:
    """Every option that the page names is one of the commands'."""
    named = set(re.findall(r"--[a-z][a-z-]*", (DOCS / "evidence.md").read_text("utf-8")))
    offered: set[str] = set()
    for command in ("prove", "verify", "export"):
        shown = subprocess.run(
            [sys.executable, "-m", "audit", command, "--help"], capture_output=True, text=True, timeout=60, check=True
        )
        offered |= set(re.findall(r"--[a-z][a-z-]*", shown.stdout))
    assert named <= offered
