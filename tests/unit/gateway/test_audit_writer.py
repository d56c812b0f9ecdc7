"""Writer processes as the gateway starts them: one of its own, or none, never half of one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.client import AuditClient
from gateway import audit_writer, demo
from gateway.audit_writer import SUPERVISED, AnotherWriter, WriterError, ensure_writer, start_own_writer
from gateway.child import end
from gateway.settings import load_settings
from gateway.settings_audit import AuditSettings


@pytest.fixture
def settings(tmp_path: Path) -> AuditSettings:
    return load_settings(demo.prepare(tmp_path / "状态", "127.0.0.1:8000").config).audit


@pytest.fixture
def writer(settings: AuditSettings) -> Iterator[subprocess.Popen[bytes]]:
    process = start_own_writer(settings)
    yield process
    end(process, 30)


@pytest.mark.usefixtures("writer")
def test_a_writer_that_is_returned_takes_records(settings: AuditSettings) -> None:
    """At once, since its line was waited for."""
    client = AuditClient(settings.socket, 10.0)
    assert client.append(b'{"event":"a"}').origin == settings.origin
    client.close()


@pytest.mark.usefixtures("writer")
def test_another_gateways_writer_is_not_taken_for_ones_own(settings: AuditSettings) -> None:
    """It could be neither ended nor replaced: two gateways on one log are refused."""
    with pytest.raises(AnotherWriter, match="does another gateway run with this log"):
        start_own_writer(settings)


def test_a_writer_that_cannot_start(settings: AuditSettings) -> None:
    """Its exit code is told; its own message went to standard error."""
    settings.key.unlink()
    with pytest.raises(WriterError, match="ended with exit code 2"):
        start_own_writer(settings)


def test_a_writer_that_never_gets_ready(settings: AuditSettings) -> None:
    """It is ended: a process that nobody waits for would hold the log."""
    with pytest.raises(WriterError, match="was not ready within 0 s"):
        start_own_writer(settings, within=0.0)
    end(start_own_writer(settings), 30)


def test_a_supervised_worker_starts_no_writer(settings: AuditSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor could not hold the log any more; alone, a worker starts one."""
    monkeypatch.setattr(audit_writer, "WRITER_READY_WITHIN", 0.1)
    monkeypatch.setenv(SUPERVISED, "1")
    with pytest.raises(WriterError, match="no audit writer answers"):
        ensure_writer(settings)
    assert list(settings.directory.iterdir()) == []


def test_nothing_is_imported_from_the_folder_of_the_start(settings: AuditSettings, tmp_path: Path) -> None:
    """A file that anyone left in that folder would run with the signing key."""
    planted = tmp_path / "planted"
    (planted / "audit").mkdir(parents=True)
    for file in (planted / "json.py", planted / "audit" / "__init__.py"):
        file.write_text("raise SystemExit(99)\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(planted)
        end(start_own_writer(settings), 30)
    shutil.rmtree(planted)
