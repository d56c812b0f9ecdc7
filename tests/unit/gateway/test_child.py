"""Helper processes: kept running with less and less haste, ended when they are told and when their parent dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness.wait import until

from gateway.child import LONGEST_DELAY, Backoff, Child, end, start

ROOT = Path(__file__).parents[3]
READY = "import signal, sys, time; {}; open(sys.argv[1], 'a').write('.'); {}"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that each start of a child adds to."""
    return tmp_path / "started"


def command(mark: Path, before: str = "pass", after: str = "time.sleep(60)") -> list[str]:
    return [sys.executable, "-c", READY.format(before, after), str(mark)]


def running(mark: Path) -> int:
    """How many processes have been given this file."""
    found = 0
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended meanwhile
            found += os.fsencode(mark) in process.read_bytes().split(b"\0")
    return found


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.stop(0.1)


def test_delays_double_up_to_a_bound_and_start_again_once_it_worked() -> None:
    """1, 2, 4 … 30 seconds; a start that worked begins anew."""
    clock = Clock()
    backoff = Backoff(clock)
    waited = []
    for _ in range(8):
        began = clock.now
        while not backoff.due():
            clock.now += 0.5
        waited.append(clock.now - began)
    assert waited == [0, 1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY]
    backoff.worked()
    clock.now += LONGEST_DELAY
    assert backoff.due()
    clock.now += 1
    assert backoff.due()


def test_a_child_that_ends_is_started_again(mark: Path, children: list[Child]) -> None:
    """And one that runs is left alone."""
    clock = Clock()
    child = Child("short-lived", command(mark, after="pass"), Backoff(clock))
    children.append(child)

    def twice() -> bool:
        clock.now += 60
        child.keep()
        return mark.exists() and mark.read_text().count(".") >= 2

    until("a second start", twice)


def test_a_running_child_is_not_started_twice(mark: Path, children: list[Child]) -> None:
    """However often one looks."""
    clock = Clock()
    child = Child("steady", command(mark), Backoff(clock))
    children.append(child)
    for _ in range(5):
        clock.now += 60
        child.keep()
    assert running(mark) == 1


def test_a_command_that_does_not_exist_is_no_reason_to_fall(children: list[Child]) -> None:
    """The gateway serves on without it."""
    child = Child("absent", ["/nonexistent/command"])
    child.keep()
    child.ask_to_end()
    child.stop(0.1)


def test_a_child_may_finish_what_it_does(mark: Path, children: list[Child]) -> None:
    """SIGTERM asks; what takes a moment longer is waited for."""
    last = "signal.sigwait([signal.SIGTERM]); open(sys.argv[1], 'a').write('done')"
    child = Child("last", command(mark, "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])", last))
    children.append(child)
    child.keep()
    until("the start", mark.exists)
    child.ask_to_end()
    child.stop(30)
    assert mark.read_text() == ".done"


def test_a_deaf_child_is_ended_all_the_same(mark: Path) -> None:
    """SIGTERM, then SIGKILL."""
    deaf = start(command(mark, before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    until("the start", mark.exists)
    end(deaf, 0.1)
    assert deaf.returncode == -signal.SIGKILL


def test_a_child_ends_with_its_parent(tmp_path: Path, mark: Path) -> None:
    """Also when the parent is killed and can say nothing."""
    program = f"from gateway.child import start; print(start({command(mark)!r}).pid, flush=True); input()"
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until("the child's start", mark.exists)
        parent.kill()

    def gone() -> bool:
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"

    until("the child's end", gone)
