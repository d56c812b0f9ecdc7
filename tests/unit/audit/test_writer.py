"""The writer's loop in a thread: who may connect, and what one client cannot do to another."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.client import AuditClient
from audit.errors import AuditUnavailable
from audit.journal import Journal
from audit.writer import Writer, allow_users

START_NS = 1_795_420_800_000_000_000


class Running:
    """A writer in a thread, on a real socket and a real log."""

    def __init__(self, journal: Journal, path: Path, allowed: Callable[[socket.socket], bool], peers: int) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        stop, self._wake = socket.socketpair()
        self._sockets = [listener, stop, self._wake]
        writer = Writer(
            journal,
            listener,
            stop,
            allowed=allowed,
            now_ns=lambda: START_NS,
            monotonic=time.monotonic,
            max_peers=peers,
        )
        self._thread = threading.Thread(target=writer.run)
        self._thread.start()

    def stop(self) -> None:
        """Seal the log and end the thread."""
        self._wake.send(b"x")
        self._thread.join(10)
        for each in self._sockets:
            each.close()


Start = Callable[..., AuditClient]


@pytest.fixture
def start(tmp_path: Path, open_journal: Callable[..., Journal]) -> Iterator[Start]:
    """Starts a writer and gives a client of it."""
    clients: list[AuditClient] = []
    running: list[Running] = []

    def starter(allowed: Callable[[socket.socket], bool] | None = None, peers: int = 4) -> AuditClient:
        check = allowed or allow_users({os.geteuid()})
        running.append(Running(open_journal(), tmp_path / "s", check, peers))
        clients.append(AuditClient(tmp_path / "s", timeout=5))
        return clients[-1]

    yield starter
    for client in clients:
        client.close()
    for each in running:
        each.stop()


def test_own_user(start: Start) -> None:
    """The writer's own user may write."""
    assert start().append(b"{}").index == 2


def test_other_user(start: Start) -> None:
    """A user who is not on the list is hung up on, before any byte is read."""
    client = start(allow_users({os.geteuid() + 1}))
    with pytest.raises(AuditUnavailable):
        client.append(b"{}")


def test_too_many_clients(start: Start, tmp_path: Path) -> None:
    """Clients beyond the limit are turned away; those within it are served on."""
    client = start(peers=2)
    assert client.append(b"{}").index == 2
    second = AuditClient(tmp_path / "s")
    third = AuditClient(tmp_path / "s")
    assert second.healthy()
    assert not third.healthy()
    assert client.append(b"{}").index == 4
    second.close()
    third.close()


def test_many_threads(start: Start) -> None:
    """Each of many threads gets its own index for each of its records."""
    client = start(peers=64)
    indexes: list[int] = []

    def work() -> None:
        indexes.extend([client.append(b"{}").index for _ in range(40)])

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(indexes)) == 640
