"""What the supervisor decides by itself: where it listens, and when a writer is replaced."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import demo, supervise
from gateway.child import end
from gateway.settings import load_settings
from gateway.settings_audit import AuditSettings
from gateway.supervise import Gateway, StartError, check_bind

SILENT = [sys.executable, "-c", "import time; time.sleep(600)"]  # lives, and never answers


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """One whose writer was killed."""
    made = Gateway(load_settings(demo.prepare(tmp_path, "127.0.0.1:8000").config), "127.0.0.1:0")
    made._writer = subprocess.Popen(SILENT)
    made._writer.kill()
    made._writer.wait()
    return made


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The writers that are started: processes that read a long log for ever."""
    started: list[subprocess.Popen[bytes]] = []

    def start(_: AuditSettings) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(SILENT))
        return started[-1]

    monkeypatch.setattr(supervise, "start_writer", start)
    yield started
    for process in started:
        end(process, 30)


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "localhost:0"])
def test_a_free_port(bind: str) -> None:
    """Port 0 becomes one that can be had."""
    host, _, port = check_bind(bind).rpartition(":")
    assert host == bind.rpartition(":")[0]
    assert int(port) > 0


@pytest.mark.parametrize("bind", ["8000", ":8000", "", "localhost", "host:name", "127.0.0.1:70000", "127.0.0.1:-1"])
def test_an_address_that_is_none(bind: str) -> None:
    """Refused with its name. A port alone would have opened every address of the machine."""
    with pytest.raises(StartError, match="cannot listen on"):
        check_bind(bind)


def test_a_new_writer_may_take_its_time(gateway: Gateway, writers: list[subprocess.Popen[bytes]]) -> None:
    """It reads the log before it answers: ended for its silence, it and each one after it would never serve."""
    for _ in range(10):
        gateway._keep_writer()
    assert [process.poll() for process in writers] == [None]


def test_a_new_writer_that_never_answers(
    gateway: Gateway, writers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its time is over it is replaced in its turn."""
    monkeypatch.setattr(supervise, "WRITER_READY_WITHIN", 0.0)
    for _ in range(4):
        gateway._keep_writer()
    assert writers[0].poll() == -signal.SIGTERM


def test_a_writer_that_cannot_be_started(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for a process does not end the gateway: it is tried again."""

    def fail(_: AuditSettings) -> subprocess.Popen[bytes]:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(supervise, "start_writer", fail)
    gateway._keep_writer()
    gateway._keep_writer()
