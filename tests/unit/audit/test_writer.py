"""The writer's loop in a thread: who may connect, and what one client cannot do to another."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from audit import wire
from audit.client import AuditClient
from audit.errors import AuditUnavailable, RecordRefused
from audit.journal import Journal, Rotation
from audit.peers import Peer, Peers
from audit.reader import entries
from audit.writer import Writer

GAP = 100e-6  # seconds, as `audit.writer` has it
START_NS = 1_795_420_800_000_000_000


class Running:
    """A writer in a thread, on a real socket and a real log. Its clocks stand where the test sets them."""

    def __init__(self, journal: Journal, path: Path, users: set[int], operators: set[int], peers: int) -> None:
        self.now_ns = START_NS
        self.journal = journal
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        stop, self._wake = socket.socketpair()
        self._sockets = [listener, stop, self._wake]
        writer = Writer(
            journal,
            Peers(listener, stop, users=users, limit=peers),
            operators=operators,
            now_ns=lambda: self.now_ns,
            monotonic=time.monotonic,
        )
        self._thread = threading.Thread(target=writer.run)
        self._thread.start()

    def stop(self) -> None:
        """Seal the log and end the thread."""
        self._wake.send(b"x")
        self._thread.join(10)
        for each in self._sockets:
            each.close()


OWN = os.geteuid()
Start = Callable[..., tuple[AuditClient, Running]]


@pytest.fixture
def start(tmp_path: Path, open_journal: Callable[..., Journal]) -> Iterator[Start]:
    """Starts a writer and gives a client of it."""
    clients: list[AuditClient] = []
    running: list[Running] = []

    def starter(
        users: set[int] | None = None, operators: set[int] | None = None, peers: int = 4
    ) -> tuple[AuditClient, Running]:
        journal = open_journal(rotation=Rotation(max_bytes=3000))
        mine = {OWN}
        running.append(Running(journal, tmp_path / "s", users or mine, mine if operators is None else operators, peers))
        clients.append(AuditClient(tmp_path / "s", timeout=5))
        return clients[-1], running[-1]

    yield starter
    for client in clients:
        client.close()
    for each in running:
        each.stop()


def test_own_user(start: Start) -> None:
    """The writer's own user may write."""
    assert start()[0].append(b"{}").index == 2


def test_other_user(start: Start) -> None:
    """A user who is not on the list is hung up on, before any byte is read."""
    client, _ = start(users={OWN + 1})
    with pytest.raises(AuditUnavailable):
        client.append(b"{}")


def test_too_many_clients(start: Start, tmp_path: Path) -> None:
    """Clients beyond the limit are turned away; those within it are served on."""
    client, _ = start(peers=2)
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
    client, _ = start(peers=64)
    indexes: list[int] = []

    def work() -> None:
        indexes.extend([client.append(b"{}").index for _ in range(40)])

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(indexes)) == 640


def old_segments(client: AuditClient, running: Running) -> list[int]:
    """Fill three segments, then let two years pass. The indexes of the records."""
    indexes = [client.append(b'{"text":"%b"}' % (b"x" * 3000)).index for _ in range(3)]
    running.now_ns += 730 * 86_400 * 1_000_000_000
    return indexes


def test_purge(start: Start, tmp_path: Path) -> None:
    """The writer's own user may have old segments removed, all in one go or in several; the youngest stays."""
    client, running = start()
    old_segments(client, running)
    removed = client.purge(365)
    while more := client.purge(365):
        removed += more
    assert removed == sorted(removed)
    assert len(removed) == 2
    assert not any((tmp_path / "log" / name).exists() for name in removed)
    assert client.append(b"{}").index > 0


def test_purge_by_another_user(start: Start, tmp_path: Path) -> None:
    """A user who may write may not purge."""
    client, running = start(operators=set())
    old_segments(client, running)
    before = sorted((tmp_path / "log").glob("*.log"))
    with pytest.raises(RecordRefused, match="only root and the user that the writer runs as"):
        client.purge(365)
    assert sorted((tmp_path / "log").glob("*.log")) == before
    assert client.append(b"{}").index > 0


@pytest.mark.parametrize("days", [0, 182, -1, 1_000_000])
def test_purge_of_too_much(days: int, start: Start) -> None:
    """Nothing younger than the floor can be purged, and no number of days breaks the protocol."""
    client, running = start()
    old_segments(client, running)
    with pytest.raises(RecordRefused, match="days"):
        client.purge(days)
    assert client.append(b"{}").index > 0


def test_record_that_reads_like_a_command(start: Start, tmp_path: Path) -> None:
    """A record is a record whatever its bytes: nothing that `append` takes can purge."""
    client, running = start()
    old_segments(client, running)
    before = sorted((tmp_path / "log").glob("*.log"))
    for body in (b"purge 365", b'{"purge":365}', b"\x80\x00\x00\x09purge 365"):
        with suppress(RecordRefused):
            client.append(body)
    assert not set(before) - set((tmp_path / "log").glob("*.log"))


def test_clock_one_hour_back(start: Start, tmp_path: Path) -> None:
    """A clock that is set back is recorded once; times of lines never decrease, and receipts stay right."""
    client, running = start()
    client.append(b'{"n":1}')
    running.now_ns -= 3_600_000_000_000
    receipts = [client.append(b'{"n":2}'), client.append(b'{"n":3}')]
    found = {entry.index: entry for entry in entries(tmp_path / "log") if entry.kind == b"rec"}
    assert [found[receipt.index].body for receipt in receipts] == [b'{"n":2}', b'{"n":3}']
    notes = [entry.body for entry in found.values() if b"audit.clock" in entry.body]
    assert notes == [b'{"behind_ms":3600000,"event":"audit.clock"}']
    times = [entry.time for entry in entries(tmp_path / "log")]
    assert times == sorted(times)


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[Callable[[type[Peers], int], tuple[Peers, list[socket.socket]]]]:
    """Connects so many clients to peers that are told to stop: a writer has one turn, with what was sent before."""
    sockets: list[socket.socket] = []

    def connect(kind: type[Peers], count: int) -> tuple[Peers, list[socket.socket]]:
        listener, (stop, wake) = socket.socket(socket.AF_UNIX), socket.socketpair()
        sockets.extend((listener, stop, wake))
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        peers = kind(listener, stop, users={OWN}, limit=count)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(count)]
        sockets.extend(clients)
        for client in clients:
            client.connect(str(tmp_path / "s"))
            assert peers.wait(10) == ([], False)
        wake.send(b"x")
        return peers, clients

    yield connect
    for each in sockets:
        each.close()


def commits(log: Path) -> list[int]:
    """How many records stand in front of each checkpoint."""
    counts = [0]
    for entry in entries(log):
        counts[-1] += entry.kind == b"rec"
        counts += [0] if entry.kind == b"ckpt" else []
    return counts


def test_flood_of_tiny_records(
    connected: Callable[[type[Peers], int], tuple[Peers, list[socket.socket]]],
    open_journal: Callable[..., Journal],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What a commit holds is bounded in bytes of the log, where a tiny record has a line many times its size."""
    monkeypatch.setattr("audit.writer._BATCH_BYTES", 1000)
    peers, clients = connected(Peers, 4)
    for client in clients:
        client.sendall(wire.request(b"{}") * 10)
    writer = Writer(open_journal(), peers, operators=(), now_ns=lambda: START_NS, monotonic=time.monotonic)
    writer.run()
    assert [count for count in commits(tmp_path / "log") if count] == [10, 10, 10, 10]


class Spaced(Peers):
    """One peer that sends many records at once, and from then on another just before the writer stops waiting."""

    seconds = 0.0
    turns = 0

    def wait(self, seconds: float | None) -> tuple[list[Peer], bool]:
        """Everything that happens: two turns, and no end of records while the writer waits for more."""
        if not self.all():
            return super().wait(seconds)
        self.turns += seconds != 0
        self.seconds += 0.9 * GAP
        return self.all(), self.turns > 2

    def read(self, peer: Peer) -> list[wire.Request]:
        """A thousand records in the first turn, one at a time later."""
        return [b"{}"] * (1000 if self.turns == 1 else 1)


def test_records_just_in_time(
    connected: Callable[[type[Peers], int], tuple[Peers, list[socket.socket]]],
    open_journal: Callable[..., Journal],
    tmp_path: Path,
) -> None:
    """A client that spaces its records so that more are always about to come delays nobody's for more than a moment."""
    peers, _ = connected(Spaced, 1)
    assert isinstance(peers, Spaced)
    writer = Writer(open_journal(), peers, operators=(), now_ns=lambda: START_NS, monotonic=lambda: peers.seconds)
    writer.run()
    first, second, *_ = (count for count in commits(tmp_path / "log") if count)
    assert (first, second < 30) == (1000, True)
