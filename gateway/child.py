"""A helper process that is kept running: started again when it ends, less and less often, and ended with its parent."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

FIRST_DELAY: Final = 1.0  # seconds before the second start
LONGEST_DELAY: Final = 30.0  # a log that was tampered with lets nothing start for long
_PR_SET_PDEATHSIG: Final = 1
_prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec nothing may take a lock
_log = structlog.get_logger("hangu.supervise")


class Backoff:
    """When the next start is due: at once, then after a delay that doubles until something has worked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._delay = FIRST_DELAY
        self._due = 0.0

    def due(self) -> bool:
        """Whether a start is due; if so the delay before the next one begins."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_DELAY)
        return True

    def worked(self) -> None:
        """What was started works: a later failure is a new one."""
        self._delay = FIRST_DELAY


class Child:
    """One command line. Its output goes where its parent's goes."""

    def __init__(self, name: str, command: Sequence[str], backoff: Backoff | None = None) -> None:
        self.name = name
        self._command = tuple(command)
        self._backoff = backoff or Backoff()
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start it where it does not run and its time has come. A process that cannot be had is tried again later."""
        if self._process is not None and self._process.poll() is None:
            return
        if not self._backoff.due():
            return
        if self._process is not None:
            _log.error("started again", process=self.name, code=self._process.returncode)
        try:
            self._process = start(self._command)
        except OSError as error:
            _log.error("cannot be started", process=self.name, error=error.strerror)

    def ask_to_end(self) -> None:
        """Send SIGTERM. It may take its time for what is left to do."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, within: float) -> None:
        """Ask it to end, and see that it does within so many seconds."""
        if self._process is not None:
            end(self._process, within)


def start(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """A process that a Ctrl-C meant for its parent does not reach, and that ends when its parent dies."""
    return subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - the function makes one system call and takes no lock
    )


def end(process: subprocess.Popen[bytes], within: float) -> None:
    """SIGTERM, and SIGKILL where the process does not end within so many seconds."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with_parent() -> None:
    """Ask the kernel to send SIGTERM when the parent dies, however it dies (prctl(2))."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
