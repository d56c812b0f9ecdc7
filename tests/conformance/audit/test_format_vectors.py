"""docs/audit-format.md against the code, in both directions: what is written, and what is read."""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer, parse_vkey
from audit.journal import Journal, Rotation
from audit.merkle import leaf_hash
from audit.verify import CLEAN, verify

PAGE = Path(__file__).parents[3] / "docs" / "audit-format.md"
START_NS = 1_795_420_800_000_000_000


def block(name: str) -> str:
    """The content of the fenced block with this info string."""
    found = re.findall(rf"^```{name}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def private() -> Ed25519PrivateKey:
    """The key that the page names."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_written_bytes(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """The journal writes the documented bytes."""
    journal = Journal(tmp_path, Signer("host-a/hangu", private), Rotation(), START_NS)
    bodies = [b'{"event":"a","n":1}', '{"event":"b","text":"医保"}'.encode()]
    assert journal.append(bodies, START_NS + 1_000_000) == 2
    journal.close(START_NS + 2_000_000)
    assert (tmp_path / "000000000000.log").read_text() == block("log")


def test_read_bytes(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """The verifier finds the documented bytes clean under the documented key."""
    (tmp_path / "000000000000.log").write_text(block("log"))
    key = parse_vkey(block("vkey"))
    assert key.vkey == block("vkey").strip()
    assert key.public == private.public_key()
    report = verify(tmp_path, key.public, key.origin)
    assert (report.state, report.lines, report.records, report.ended) == (CLEAN, 7, 2, "stop")


def test_leaf_hashes() -> None:
    """A leaf is the line without its LF."""
    lines = block("log").encode().splitlines()
    assert [leaf_hash(line).hex() for line in lines] == block("leaves").split()
