"""An empty store, and a worker that seals into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.contents import Bench

from audit.contents.sealer import Direction, Sealed
from audit.contents.store import create_store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty store."""
    made = Bench(create_store(tmp_path / "contents"))
    yield made
    for sealer in made.sealers:
        sealer.close()


@pytest.fixture
def seal(bench: Bench) -> Callable[..., Sealed]:
    """Seals for alice's request 1 unless told otherwise, always through the same worker."""
    sealer = bench.sealer()

    def sealing(text: str, subject: str = "alice", request: str = "req_1", direction: Direction = "prompt") -> Sealed:
        return sealer.seal(subject, request, direction, text.encode())

    return sealing
