"""The client against a far side that misbehaves in every way we could think of."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit import wire
from audit.client import AuditClient, Receipt
from audit.errors import AuditUnavailable, RecordRefused
from audit.line import MAX_BODY

Talk = Callable[[socket.socket], None]


class FakeWriter:
    """A far side on a real socket: `talks` says what it does with each connection in turn."""

    def __init__(self, path: Path, *talks: Talk) -> None:
        self.path = path
        self.served = 0
        self._talks = talks
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for talk in self._talks:
            connection, _ = self._listener.accept()
            with connection:
                self.served += 1
                talk(connection)

    def close(self) -> None:
        """Wait until every talk has been held."""
        self._thread.join(10)
        self._listener.close()


def ask(connection: socket.socket) -> None:
    """Read one request."""
    assert connection.recv(100_000)


def answer(*replies: bytes) -> Talk:
    """Answers one request with each of the replies, then hangs up."""

    def talk(connection: socket.socket) -> None:
        for reply in replies:
            ask(connection)
            connection.sendall(reply)

    return talk


def in_pieces(connection: socket.socket) -> None:
    """A right answer, byte by byte."""
    ask(connection)
    for byte in wire.reply(wire.DURABLE, 7, "host-a/hangu"):
        connection.sendall(bytes([byte]))


def hold(connection: socket.socket) -> None:
    """Never answers; waits for the client to hang up."""
    while connection.recv(100_000):
        pass


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Callable[..., FakeWriter]]:
    """Starts a fake writer at `tmp_path / "s"`."""
    started: list[FakeWriter] = []

    def start(*talks: Talk) -> FakeWriter:
        started.append(FakeWriter(tmp_path / "s", *talks))
        return started[-1]

    yield start
    for writer in started:
        writer.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AuditClient]:
    """A client of the fake writer, with little patience."""
    client = AuditClient(tmp_path / "s", timeout=0.3)
    yield client
    client.close()


def test_receipt(fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """A durable record has a receipt of origin and index, also when the answer comes byte by byte."""
    fake(in_pieces)
    receipt = client.append(b"{}")
    assert (receipt, str(receipt)) == (Receipt("host-a/hangu", 7), "host-a/hangu/7")


def test_refusals(fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """A refused record and an unavailable log are told apart, and one connection serves on."""
    fake(answer(wire.reply(wire.REFUSED, 0, "bad"), wire.reply(wire.UNAVAILABLE, 0, "broken"), b"\0" * 11))
    with pytest.raises(RecordRefused, match="bad"):
        client.append(b"{}")
    with pytest.raises(AuditUnavailable, match="broken"):
        client.append(b"{}")
    assert client.healthy()


@pytest.mark.parametrize(
    "reply",
    [b"", b"\0", b"\0" * 10, b"\0" * 8 + b"\x01\xff\xff", b"\x09" + b"\0" * 10, wire.reply(wire.DURABLE, 1, "o")[:-1]],
)
def test_half_an_answer(reply: bytes, fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """A connection that ends inside an answer, or an answer of unknown meaning, confirms nothing."""
    fake(answer(reply))
    with pytest.raises(AuditUnavailable):
        client.append(b"{}")


def test_silence(fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """A writer that never answers costs the timeout, and its connection is not used again."""
    fake(hold, answer(wire.reply(wire.DURABLE, 3, "o")))
    begin = time.monotonic()
    with pytest.raises(AuditUnavailable, match="no answer in time"):
        client.append(b"{}")
    assert 0.25 < time.monotonic() - begin < 2
    assert client.append(b"{}").index == 3


def test_late_answer_is_not_the_next_ones(fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """Bytes that come unasked make a connection useless: the next record's receipt must be its own."""
    fake(
        answer(wire.reply(wire.DURABLE, 1, "o") + wire.reply(wire.DURABLE, 666, "o")),
        answer(wire.reply(wire.DURABLE, 2, "o")),
    )
    with pytest.raises(AuditUnavailable):
        client.append(b"{}")
    assert client.append(b"{}").index == 2


def test_reconnects(fake: Callable[..., FakeWriter], client: AuditClient) -> None:
    """A writer that has gone and come back is met again without an error in between."""
    writer = fake(*[answer(wire.reply(wire.DURABLE, index, "o")) for index in range(3)])
    indexes = []
    for count in range(3):
        indexes.append(client.append(b"{}").index)
        while writer.served == count + 1 and not _closed(client):
            pass
    assert indexes == [0, 1, 2]


def _closed(client: AuditClient) -> bool:
    """Whether the far end of the idle connection has hung up."""
    return client._mine()[0].recv(1, socket.MSG_PEEK) == b""


def test_no_socket(client: AuditClient) -> None:
    """Without a socket, or with an impossible path, the log is unavailable, not the program broken."""
    paths: list[str] = ["/nonexistent", "/tmp/" + "x" * 200, "/tmp/\ud800", "/tmp/\0"]
    for path in paths:
        assert not AuditClient(path).healthy()
        with pytest.raises(AuditUnavailable):
            AuditClient(path).append(b"{}")


def test_size(client: AuditClient) -> None:
    """A record that is too large, or empty, is refused before anything is sent."""
    for body in (b"", b"x" * (MAX_BODY + 1)):
        with pytest.raises(RecordRefused):
            client.append(body)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_timeout_without_bound(timeout: float) -> None:
    """There is no way to wait without a bound."""
    with pytest.raises(ValueError, match="timeout"):
        AuditClient("s", timeout=timeout)
