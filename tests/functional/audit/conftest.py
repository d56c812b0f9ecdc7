"""Real writer processes on real files. Nothing is patched; a test waits for lines and exit codes, never for time."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.client import AuditClient


@dataclass(frozen=True, slots=True)
class Host:
    """One host with a key, a log directory and a socket path."""

    root: Path
    running: list[subprocess.Popen[bytes]]

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def socket(self) -> Path:
        return self.root / "s"

    def command(self, *more: str) -> list[str]:
        """The command line of this host's writer."""
        base = [sys.executable, "-m", "audit", "serve", str(self.log), "--key", str(self.root / "key.pem")]
        return [*base, "--socket", str(self.socket), "--origin", "host-a/hangu", *more]

    def start(self, *more: str, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
        """A writer that has said it is ready. `before` runs in the new process before the program does."""
        process = subprocess.Popen(
            self.command(*more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=before,  # noqa: PLW1509  # a resource limit of the child, set where no thread runs
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready "), process.stderr and process.stderr.read()
        return process

    def refused(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a writer that is expected not to start."""
        return subprocess.run(self.command(*more), capture_output=True, text=True, timeout=30, check=False)

    def verify(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the verifier over the log."""
        base = [sys.executable, "-m", "audit", "verify", str(self.log), "--key", str(self.root / "public.pem")]
        return subprocess.run([*base, *more], capture_output=True, text=True, timeout=60, check=False)


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process and close its pipes."""
    process.communicate(timeout=30)
    return process.returncode


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with a fresh key and no log yet. What still runs at the end of the test is killed."""
    names = ["--key", str(tmp_path / "key.pem"), "--public", str(tmp_path / "public.pem")]
    subprocess.run([sys.executable, "-m", "audit", "keygen", *names], check=True)
    running: list[subprocess.Popen[bytes]] = []
    yield Host(tmp_path, running)
    for process in running:
        if process.poll() is None:
            process.kill()
        finish(process)


@pytest.fixture
def client(host: Host) -> Iterator[AuditClient]:
    """A client of the host's writer."""
    client = AuditClient(host.socket, timeout=30)
    yield client
    client.close()
