"""A real Redis on a free port of this machine, for as long as a test needs it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.server import await_line, started


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The server's URL. Skips the test where no Redis is installed and none could be."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; tests/services/install installs it for root")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    with started([program, *options]) as (process, output):
        await_line(process, output, "Ready to accept connections")
        yield f"redis://127.0.0.1:{port}/0"
