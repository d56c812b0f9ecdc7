"""Logs built in process with a fixed key and a fixed clock: the same bytes on every machine."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer
from audit.journal import Journal, Rotation

ORIGIN = "host-a/hangu"
START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z


@pytest.fixture
def private() -> Ed25519PrivateKey:
    """The key of every log in these tests."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def open_journal(tmp_path: Path, private: Ed25519PrivateKey) -> Callable[..., Journal]:
    """Opens a journal in `tmp_path / name` with the fixed key, the default origin and any rotation."""

    def opener(name: str = "log", *, rotation: Rotation | None = None, now_ns: int = START_NS) -> Journal:
        return Journal(tmp_path / name, Signer(ORIGIN, private), rotation or Rotation(), now_ns)

    return opener


@pytest.fixture
def small_log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """Two batches of records in two segments, sealed: every kind of line but `rcv`."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    journal.append([b'{"event":"a","n":1}', '{"event":"a","text":"医保报销"}'.encode()], START_NS + 1_000)
    journal.append([b'{"event":"b"}'], START_NS + 2_000)
    journal.close(START_NS + 3_000)
    return tmp_path / "log"
