"""A log that tells of a few requests, and packs made from it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import POLICY, START_NS, Storyteller

from audit.checkpoint import Signer
from audit.evidence import Pack, Selection, build
from audit.journal import Journal, Rotation
from audit.prove import Prover

ORIGIN = "host-a/hangu"


@pytest.fixture
def private() -> Ed25519PrivateKey:
    """The key of every log in these tests."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def story(tmp_path: Path, private: Ed25519PrivateKey) -> Storyteller:
    """An open log in `tmp_path / "log"` with small segments, in which a gateway has just started."""
    teller = Storyteller(Journal(tmp_path / "log", Signer(ORIGIN, private), Rotation(max_bytes=3000), START_NS))
    teller.start_gateway()
    return teller


@pytest.fixture
def log(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> Path:
    """Requests that ended well, were refused, and were cut short; an `anchor` after the first three; another policy."""
    story.request("r-1")
    story.refuse("r-2")
    story.admit("r-3")
    (tmp_path / "anchor").write_text(Prover(tmp_path / "log", private.public_key()).newest())
    story.start_gateway({**POLICY, "policy.csv": "p, role:nobody, model:x, use, deny\n"})
    story.start_gateway()
    story.request("r-4")
    story.tell("operator.note", text="\x1b[31m红\u202e")
    story.close()
    return tmp_path / "log"


@pytest.fixture
def make(log: Path, private: Ed25519PrivateKey) -> Callable[..., Pack]:
    """Makes the pack of some requests or lines."""

    def maker(*request_ids: str, indices: tuple[int, ...] = (), anchors: tuple[str, ...] = ()) -> Pack:
        return build(log, private.public_key(), Selection(indices, request_ids), anchors)

    return maker
