"""Run the gateway: the audit writer first, gunicorn after it, anchoring and shipping beside them.

They stop in the opposite order, and what the writer sealed last is anchored and shipped too. Whatever happens to this
process, its children end: most are told by the kernel, and the writer seals the log once its last client has gone.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog
import urllib3

from audit.client import AuditClient
from audit.errors import AuditError
from audit.event import event_logger
from gateway import audit_commands, reload
from gateway.audit_writer import (
    IDLE_EXIT,
    SUPERVISED,
    WRITER_READY_WITHIN,
    AnotherWriter,
    WriterError,
    await_writer,
    start_own_writer,
    start_writer,
)
from gateway.child import Backoff, Child, end, start
from gateway.settings import Settings

READY_WITHIN = 300.0  # seconds; a large checkpoint takes its time to load
_LOOK_EVERY = 1.0  # seconds between two looks at the children
_WRITER_PATIENCE = 3  # checks that a writer may fail before it is replaced, and seconds that it gets to end
_FINISH_WITHIN: Final = 15.0  # seconds that anchoring and shipping the sealed end may take
_LEAVE_WITHIN: Final = 20.0  # seconds, beyond what they wait for, that another gateway's processes get to end
_ASK_AGAIN: Final = 2.0  # seconds between two starts of a writer, each of which says that there is another
_STOP: Final = (signal.SIGTERM, signal.SIGINT)
_log = structlog.get_logger("hangu.supervise")


class StartError(Exception):
    """The gateway could not be started."""


def check_bind(bind: str) -> str:
    """The address to serve on, with port 0 replaced by a free one. StartError where it cannot be bound.

    An address without a host is refused: it would be every address of this machine, and nobody said so.
    """
    host, _, port = bind.rpartition(":")
    if not host:
        raise StartError(f"cannot listen on {bind}: `host:port` is needed, such as `127.0.0.1:8000`")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError, OverflowError) as error:
            raise StartError(f"cannot listen on {bind}: {error}") from error
        return f"{host}:{probe.getsockname()[1]}"


class Gateway:
    """The child processes of one deployment."""

    def __init__(self, settings: Settings, bind: str) -> None:
        self._settings = settings
        self._bind = bind
        self._writer: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._beside: tuple[Child, ...] = ()
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()  # the one queue that a signal handler may put into
        self._log = AuditClient(settings.audit.socket, settings.audit.timeout)
        self._emit = event_logger(self._log.append).event
        self._failures = 0
        self._backoff = Backoff()
        self._replaced: int | None = None  # exit code of a writer whose successor has not answered yet
        self._judged_from = 0.0  # until then a successor may be reading the log

    @property
    def base_url(self) -> str:
        return f"http://{self._bind}"

    def start_writer(self) -> None:
        """Start the audit writer, unless the deployment runs its own. Raises WriterError, StartError."""
        if self._settings.audit.writer == "managed":
            self._writer = self._own_writer()
        await_writer(self._settings.audit, self._writer)
        self._log.healthy()  # this connection stays: without a client the writer would end while a model loads

    def _own_writer(self) -> subprocess.Popen[bytes]:
        """What a killed gateway left behind is waited for: its answers, and the writer once they are recorded."""
        deadline = time.monotonic() + self._settings.grace + IDLE_EXIT + _LEAVE_WITHIN
        while True:
            try:
                return start_own_writer(self._settings.audit)
            except AnotherWriter:
                if time.monotonic() > deadline:
                    raise
            if self._next_signal(_ASK_AGAIN) in _STOP:
                raise StartError("stopped while starting")

    def start_server(self) -> None:
        """Start gunicorn and return once it is ready to serve. Raises StartError."""
        environment = os.environ | {
            "HANGU_CONFIG": str(self._settings.source),
            "HANGU_BIND": self._bind,
            SUPERVISED: "1",
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "python:gateway.gunicorn_conf", "wsgi:application"]
        self._server = start(command, environment, Path(__file__).parent.parent)
        self._await_ready(self._server)

    def start_beside(self) -> None:
        """Start anchoring and shipping, where they are configured and the log is this process's to read."""
        if self._settings.audit.writer == "managed":
            commands = audit_commands.beside(self._settings.audit)
            self._beside = tuple(Child(name, command) for name, command in commands.items())
        for child in self._beside:
            child.keep()

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        reload_asked = False
        with urllib3.PoolManager(timeout=2.0, retries=False) as pool:
            while not self._answers(pool):
                if server.poll() is not None:
                    raise StartError("the gateway did not start; see the message above")
                if time.monotonic() > deadline:
                    raise StartError(f"the gateway was not ready within {READY_WITHIN:.0f} s")
                signum = self._next_signal(0.05)
                if signum in _STOP:
                    raise StartError("stopped while starting")
                reload_asked |= signum == signal.SIGHUP
        if reload_asked:  # what was read when the start began may not be what is meant any more
            self._signals.put(signal.SIGHUP)

    def _answers(self, pool: urllib3.PoolManager) -> bool:
        hosts = self._settings.http.hosts
        headers = {"Host": hosts[0].removeprefix(".")} if hosts else {}  # a name that is not listed is refused
        try:
            return pool.request("GET", f"{self.base_url}/healthz/ready", headers=headers).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """The handler of every signal: what is to be done is done in `wait`."""
        self._signals.put(signum)

    def _next_signal(self, within: float) -> int | None:
        try:
            return self._signals.get(timeout=within)
        except queue.Empty:
            return None

    def wait(self) -> int:
        """Supervise until a signal comes or gunicorn ends. Returns the exit code: 0 after a signal."""
        assert self._server is not None  # noqa: S101 - start_server ran before
        while (signum := self._next_signal(_LOOK_EVERY)) not in _STOP:
            if self._server.poll() is not None:
                _log.error("gunicorn ended", code=self._server.returncode)
                return 1
            if signum == signal.SIGHUP:
                self._reload(self._server)
            self._keep_writer()
            for child in self._beside:
                child.keep()
        return 0

    def _reload(self, server: subprocess.Popen[bytes]) -> None:
        """Have gunicorn replace its workers one by one; what runs is finished.

        A configuration or bundle with a mistake changes nothing, and that it was tried is recorded. Nor is anything
        changed while there is no writer: new workers could record nothing, and would not start.
        """
        try:
            refused = reload.refusal(self._settings.source, self._settings.audit)
        except Exception as error:  # noqa: BLE001 - whatever it was, the workers that run are left alone
            _log.error("not reloaded", problems=f"{type(error).__name__}: {error}")
            return
        if refused is not None:
            _log.error("not reloaded", problems=refused.problems)
            self._tell(refused.event, **refused.fields)
        elif not self._log.healthy():
            _log.error("not reloaded", problems="no audit writer answers; ask again when it does")
        else:
            server.send_signal(signal.SIGHUP)

    def _keep_writer(self) -> None:
        """Bring back a writer that ended, hangs or has given up after a failed write.

        Until it is there every request is refused, which is what must happen.
        """
        if self._writer is None:
            return
        if self._writer.poll() is None:
            if self._log.healthy():
                self._writer_answers()
                return
            self._failures += 1
            if self._failures < _WRITER_PATIENCE or time.monotonic() < self._judged_from:
                return
            end(self._writer, _WRITER_PATIENCE)
        if not self._backoff.due():
            return
        _log.error("the audit writer is started again", code=self._writer.returncode)
        self._failures = 0
        self._replaced = self._writer.returncode
        self._judged_from = time.monotonic() + WRITER_READY_WITHIN
        try:
            self._writer = start_writer(self._settings.audit)
        except OSError as error:  # no process to be had: tried again when it is due
            _log.error("cannot be started", process="audit writer", error=error.strerror)

    def _writer_answers(self) -> None:
        self._failures, self._judged_from = 0, 0.0
        self._backoff.worked()
        if self._replaced is not None and self._tell("audit.writer_restarted", exit_code=self._replaced):
            self._replaced = None

    def _tell(self, event: str, **fields: Any) -> bool:
        """Record an event of this process; False, and a line of output, where the log does not take it."""
        try:
            self._emit(event, **fields)
        except AuditError as error:
            _log.error("not recorded", event_name=event, error=str(error))
            return False
        return True

    def stop(self) -> None:
        """Let running answers finish within the grace time, have the writer seal the log, anchor and ship its end."""
        if self._server is not None:
            end(self._server, self._settings.grace + 10)
        self._log.close()
        if self._writer is not None:
            end(self._writer, 15)
        for child in self._beside:
            child.ask_to_end()
        deadline = time.monotonic() + _FINISH_WITHIN
        for child in self._beside:
            child.stop(max(0.0, deadline - time.monotonic()))


def run(
    settings: Settings, bind: str, step: Callable[[str, Callable[[], None]], None], ready: Callable[[], None]
) -> int:
    """Start, report `ready`, supervise, stop. `step` runs one named part of the start and shows its progress."""
    gateway = Gateway(settings, bind)
    for signum in (*_STOP, signal.SIGHUP):
        signal.signal(signum, gateway.on_signal)
    try:
        step("audit writer", gateway.start_writer)
        step("gateway and model", gateway.start_server)
        gateway.start_beside()
        ready()
        return gateway.wait()
    except WriterError as error:
        raise StartError(str(error)) from error
    finally:
        gateway.stop()
