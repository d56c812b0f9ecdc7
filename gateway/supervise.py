"""Run the gateway: the audit writer first, gunicorn after it; stop them in the opposite order.

Whatever happens to this process, its children end: gunicorn is told by the kernel, and the writer seals the log once
its last client has gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
import urllib3

from audit.client import AuditClient
from gateway.audit_writer import WriterError, await_writer, start_writer
from gateway.settings import Settings, load_settings
from policies import bundle as bundles
from policies.source import SourceError

READY_WITHIN = 300.0  # seconds; a large checkpoint takes its time to load
_RESTART_DELAY = 1.0  # seconds between two looks at the children, and before a writer's second start
_MAX_RESTART_DELAY = 30.0  # seconds; a log that was tampered with keeps every writer from starting
_WRITER_PATIENCE = 3  # checks that a writer may fail before it is replaced, and seconds that it gets to end
_PR_SET_PDEATHSIG = 1
_log = structlog.get_logger("hangu.supervise")


class StartError(Exception):
    """The gateway could not be started."""


def check_bind(bind: str) -> str:
    """The address to serve on, with port 0 replaced by a free one. StartError where it cannot be bound."""
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError, OverflowError) as error:
            raise StartError(f"cannot listen on {bind}: {error}") from error
        return f"{host}:{probe.getsockname()[1]}"


class Gateway:
    """The two child processes of one deployment."""

    def __init__(self, settings: Settings, bind: str) -> None:
        self._settings = settings
        self._bind = bind
        self._writer: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._log = AuditClient(settings.audit.socket, settings.audit.timeout)
        self._failures = 0
        self._delay = _RESTART_DELAY
        self._next_start = 0.0

    @property
    def base_url(self) -> str:
        return f"http://{self._bind}"

    def start_writer(self) -> None:
        """Start the audit writer, unless the deployment runs its own. Raises WriterError."""
        if self._settings.audit.writer == "managed":
            self._writer = start_writer(self._settings.audit)
        await_writer(self._settings.audit, self._writer)

    def start_server(self) -> None:
        """Start gunicorn and return once it is ready to serve. Raises StartError."""
        environment = os.environ | {"HANGU_CONFIG": str(self._settings.source), "HANGU_BIND": self._bind}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:gateway.gunicorn_conf", "wsgi:application"]
        self._server = subprocess.Popen(
            command,
            env=environment,
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C reaches this process alone, which then stops gunicorn gracefully
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread runs yet, and the function makes one system call
        )
        self._await_ready(self._server)

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        with urllib3.PoolManager(timeout=2.0, retries=False) as pool:
            while not self._answers(pool):
                if server.poll() is not None:
                    raise StartError("the gateway did not start; see the message above")
                if time.monotonic() > deadline:
                    raise StartError(f"the gateway was not ready within {READY_WITHIN:.0f} s")
                if self._stop.wait(0.05):
                    raise StartError("stopped while starting")

    def _answers(self, pool: urllib3.PoolManager) -> bool:
        try:
            return pool.request("GET", f"{self.base_url}/healthz/ready").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def request_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """A signal handler: end `wait`."""
        self._stop.set()

    def reload(self, _signum: int, _frame: FrameType | None) -> None:
        """A signal handler: gunicorn replaces its workers one by one; what runs is finished.

        A configuration or bundle with a mistake changes nothing: workers that cannot start would end the gateway.
        """
        try:
            bundles.load(load_settings(self._settings.source).bundle)
        except SourceError as error:
            _log.error("not reloaded", problems=str(error))
            return
        if self._server:
            self._server.send_signal(signal.SIGHUP)

    def wait(self) -> int:
        """Supervise until a signal comes or gunicorn ends. Returns the exit code: 0 after a signal."""
        assert self._server is not None  # noqa: S101 - start_server ran before
        while not self._stop.wait(_RESTART_DELAY):
            if self._server.poll() is not None:
                _log.error("gunicorn ended", code=self._server.returncode)
                return 1
            self._keep_writer()
        return 0

    def _keep_writer(self) -> None:
        """Bring back a writer that ended, hangs or has given up after a failed write.

        Until it is there every request is refused, which is what must happen.
        """
        if self._writer is None:
            return
        if self._writer.poll() is None:
            healthy = self._log.healthy()
            self._failures = 0 if healthy else self._failures + 1
            self._delay = _RESTART_DELAY if healthy else self._delay
            if self._failures < _WRITER_PATIENCE:
                return
            _end(self._writer, _WRITER_PATIENCE)
        if time.monotonic() < self._next_start:
            return
        _log.error("the audit writer is started again", code=self._writer.returncode)
        self._failures = 0
        self._next_start = time.monotonic() + self._delay
        self._delay = min(2 * self._delay, _MAX_RESTART_DELAY)
        self._writer = start_writer(self._settings.audit)

    def stop(self) -> None:
        """Let running answers finish within the grace time, then have the writer seal the log."""
        if self._server is not None:
            _end(self._server, self._settings.grace + 10)
        if self._writer is not None:
            _end(self._writer, 15)


def run(
    settings: Settings, bind: str, step: Callable[[str, Callable[[], None]], None], ready: Callable[[], None]
) -> int:
    """Start, report `ready`, supervise, stop. `step` runs one named part of the start and shows its progress."""
    gateway = Gateway(settings, bind)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, gateway.request_stop)
    signal.signal(signal.SIGHUP, gateway.reload)
    try:
        step("audit writer", gateway.start_writer)
        step("gateway and model", gateway.start_server)
        ready()
        return gateway.wait()
    except WriterError as error:
        raise StartError(str(error)) from error
    finally:
        gateway.stop()


def _end(process: subprocess.Popen[bytes], within: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    """Ask the kernel to send SIGTERM when the supervisor dies, however it dies (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
