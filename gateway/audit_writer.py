"""Start the audit writer and find out whether one answers. It is a process of its own and outlives every worker."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import Final

from audit.client import AuditClient
from gateway import audit_commands
from gateway.settings_audit import AuditSettings

WRITER_READY_WITHIN = 30.0  # seconds; a writer re-reads the log before it takes records
IDLE_EXIT = 10  # seconds without any client until a managed writer seals the log and ends
SUPERVISED: Final = "HANGU_SUPERVISED"  # in the environment of workers whose supervisor sees to the writer
_ANOTHER_WRITER: Final = 3  # exit code of a writer that found the log held by another


class WriterError(Exception):
    """No audit writer could be started, so nothing could be recorded."""


class AnotherWriter(WriterError):
    """Another process writes this log."""


def start_writer(settings: AuditSettings, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a writer that ends by itself once its last client has gone. It reports problems on standard error."""
    command = audit_commands.serve(settings, IDLE_EXIT)
    # A session of its own: a Ctrl-C meant for the gateway must not stop the writer before the last record.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True)


def start_own_writer(settings: AuditSettings, within: float = WRITER_READY_WITHIN) -> subprocess.Popen[bytes]:
    """A writer that takes records and is the caller's to end. Raises WriterError where there is none after `within` s.

    `AnotherWriter` may be one that a killed gateway left behind: it seals the log when its last client has gone. Who
    asked it whether it is still there would be a client.
    """
    process = start_writer(settings, subprocess.PIPE)
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    with process.stdout as output:
        spoken, _, _ = select.select([output], [], [], within)
        if spoken and os.read(output.fileno(), 1):  # its line; at the end of the file it has ended
            return process
    if not spoken:
        process.kill()
        process.wait()
        raise WriterError(f"the audit writer was not ready within {within:.0f} s")
    code = process.wait()
    if code == _ANOTHER_WRITER:
        raise AnotherWriter(f"another writer holds {settings.directory}: does another gateway run with this log?")
    raise WriterError(f"the audit writer ended with exit code {code}; see its message above")


def await_writer(settings: AuditSettings, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once a writer takes records; WriterError where that does not happen in time or the process ended."""
    client = AuditClient(settings.socket, settings.timeout)
    deadline = time.monotonic() + WRITER_READY_WITHIN
    try:
        while not client.healthy():
            code = process.poll() if process else None
            if code not in (None, _ANOTHER_WRITER):  # another worker's writer, which will answer
                raise WriterError(f"the audit writer ended with exit code {code}; see its message above")
            if time.monotonic() > deadline:
                raise WriterError(f"no audit writer answers at {settings.socket}")
            time.sleep(0.02)
    finally:
        client.close()


def ensure_writer(settings: AuditSettings) -> None:
    """Make sure that a writer answers. A managed one is started where none does, but by one process: the supervisor's
    workers wait for its writer. Raises WriterError.
    """
    client = AuditClient(settings.socket, settings.timeout)
    try:
        if client.healthy():
            return
    finally:
        client.close()
    starts = settings.writer == "managed" and SUPERVISED not in os.environ
    await_writer(settings, start_writer(settings) if starts else None)
