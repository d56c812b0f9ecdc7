"""Start the audit writer and find out whether one answers. It is a process of its own and outlives every worker."""

from __future__ import annotations

import subprocess
import time

from audit.client import AuditClient
from gateway import audit_commands
from gateway.settings_audit import AuditSettings

READY_WITHIN = 30.0  # seconds; a writer re-reads the log before it takes records
IDLE_EXIT = 10  # seconds without any client until a managed writer seals the log and ends


class WriterError(Exception):
    """No audit writer could be started, so nothing could be recorded."""


def start_writer(settings: AuditSettings) -> subprocess.Popen[bytes]:
    """Start a writer that ends by itself once its last client has gone. It reports problems on standard error."""
    command = audit_commands.serve(settings, IDLE_EXIT)
    # A session of its own: a Ctrl-C meant for the gateway must not stop the writer before the last record.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def await_writer(settings: AuditSettings, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once a writer takes records; WriterError where that does not happen in time or the process ended."""
    client = AuditClient(settings.socket, settings.timeout)
    deadline = time.monotonic() + READY_WITHIN
    try:
        while not client.healthy():
            code = process.poll() if process else None
            if code not in (None, _ANOTHER_WRITER):
                raise WriterError(f"the audit writer ended with exit code {code}; see its message above")
            if time.monotonic() > deadline:
                raise WriterError(f"no audit writer answers at {settings.socket}")
            time.sleep(0.02)
    finally:
        client.close()


_ANOTHER_WRITER = 3  # lost the race against another worker's writer, which will answer


def ensure_writer(settings: AuditSettings) -> None:
    """Make sure that a writer answers; a managed one is started where none does. Raises WriterError."""
    client = AuditClient(settings.socket, settings.timeout)
    try:
        if client.healthy():
            return
    finally:
        client.close()
    await_writer(settings, start_writer(settings) if settings.writer == "managed" else None)
