"""Bringing checkpoints to a witness: it is told the truth, caught up with, and believed only with its signature."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.witness_client import WitnessTarget
from audit.cosignature import Cosigner, require_cosigned
from audit.errors import AnchorFailed, Tampered

Log = Any  # the classes in this folder's conftest
NewLog = Callable[..., Any]
Served = Any


@contextmanager
def answering(status: int, body: bytes, kind: str = "text/plain", length: int | None = None) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_each_checkpoint(served: Served, log: Log) -> None:
    """A cosignature comes back for each checkpoint, the proof starting where the last one ended."""
    target = WitnessTarget(served.url + "/", served.key, 10.0)
    seen, size = None, 0
    for _ in range(3):
        log.grow(2)
        view = log.view(seen)
        line = target.anchor(view, view.seen.note, size)
        require_cosigned(view.seen.note + line, [served.key])
        seen, size = view.seen, view.seen.size


def test_catching_up(served: Served, log: Log) -> None:
    """Where this process's memory and the witness's differ, in either direction, the witness's counts."""
    target = WitnessTarget(served.url, served.key, 10.0)
    target.anchor(log.view(), "", 0)
    early = log.view().seen
    log.grow(20)
    middle = log.view(early)
    assert target.anchor(middle, "", 0)  # memory lost
    log.grow()
    view = log.view(middle.seen)
    assert target.anchor(view, "", early.size)  # an old memory


def test_witness_without_memory_of_us(served: Served, log: Log) -> None:
    """A witness that has nothing yet is begun with, though we remember to have been there."""
    view = log.view()
    assert WitnessTarget(served.url, served.key, 10.0).anchor(view, "", 3)


def test_rolled_back_log(served: Served, log: Log, tmp_path: Path) -> None:
    """A witness that cosigned more than the log has proves the rollback with the log's own signature."""
    short = log.copy(tmp_path / "short").view()
    log.open()
    log.grow(4)
    target = WitnessTarget(served.url, served.key, 10.0)
    target.anchor(log.view(), "", 0)
    with pytest.raises(Tampered, match="is kept elsewhere"):
        target.anchor(short, "", 0)


def test_rewritten_log(served: Served, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A witness that cosigned another history proves it, for a log as long and for a longer one."""
    target = WitnessTarget(served.url, served.key, 10.0)
    target.anchor(log.view(), "", 0)
    forged = new_log(tmp_path / "forged")
    for commits in (2, 5):
        forged.grow(commits, text="another story")
        with pytest.raises(Tampered, match="are not those of a checkpoint that is kept elsewhere"):
            target.anchor(forged.view(), "", 0)


def test_log_that_the_witness_does_not_know(served: Served, new_log: NewLog, tmp_path: Path) -> None:
    """A refusal is reported with the witness's own words."""
    stranger = new_log(tmp_path / "stranger", seed=b"\x07" * 32)
    stranger.grow()
    with pytest.raises(AnchorFailed, match="answered 403: not signed by a key of that log"):
        WitnessTarget(served.url, served.key, 10.0).anchor(stranger.view(), "", 0)


def test_cosignature_of_another_key(served: Served, log: Log) -> None:
    """An answer without a good signature of the witness that was meant is a failure, whatever its status."""
    other = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32))
    with pytest.raises(AnchorFailed, match=r"without a cosignature of `witness.example/w1`"):
        WitnessTarget(served.url, other.key, 10.0).anchor(log.view(), "", 0)


def test_cosignature_for_another_checkpoint(log: Log) -> None:
    """A line of the right witness over another text is refused."""
    cosigner = Cosigner("w", Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32))
    with (
        answering(200, cosigner.line("another\n1\ntext\n", 5).encode()) as url,
        pytest.raises(AnchorFailed, match="not over"),
    ):
        WitnessTarget(url, cosigner.key, 10.0).anchor(log.view(), "", 0)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (200, b"", "text/plain", "NotCanonical"),
        (200, b"<html>", "text/html", "NotCanonical"),
        (200, b"x" * 70000, "text/plain", "too long"),
        (409, b"nonsense\n", "text/x.tlog.size", "answered 409"),
        (409, b"999999\n", "text/x.tlog.size", "answered 409"),
        (409, b"3\n", "text/plain", "answered 409"),
        (302, b"", "text/plain", "answered 302"),
        (500, b"\x1b[31mboo\n", "text/plain", "answered 500: \ufffd\\[31mboo"),
    ],
)
def test_answers_of_a_broken_witness(
    status: int, body: bytes, kind: str, message: str, log: Log, served: Served
) -> None:
    """Nonsense is a failure with a short, clean message, and never evidence against the log."""
    with answering(status, body, kind) as url, pytest.raises(AnchorFailed, match=message):
        WitnessTarget(url, served.key, 10.0).anchor(log.view(), "", 0)


def test_witness_that_refuses_what_it_asked_for(log: Log, served: Served) -> None:
    """A witness that refuses a proof from the very size that it named is given up, not asked for ever."""
    with answering(409, b"3\n", "text/x.tlog.size") as url, pytest.raises(AnchorFailed, match="answered 409"):
        WitnessTarget(url, served.key, 10.0).anchor(log.view(), "", 0)


def test_nobody_there(served: Served, log: Log) -> None:
    """A port that nobody listens on is a failure at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AnchorFailed, match="NewConnectionError"):
        WitnessTarget(f"http://127.0.0.1:{port}", served.key, 10.0).anchor(log.view(), "", 0)


def test_silence(served: Served, log: Log) -> None:
    """A witness that accepts and says nothing is a failure after the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = WitnessTarget(f"http://127.0.0.1:{listener.getsockname()[1]}", served.key, 0.2)
        with pytest.raises(AnchorFailed, match="ReadTimeoutError"):
            target.anchor(log.view(), "", 0)


def test_answer_that_does_not_end(served: Served, log: Log) -> None:
    """An answer of which one byte comes now and then is a failure, too."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=dribble)
        thread.start()
        target = WitnessTarget(f"http://127.0.0.1:{listener.getsockname()[1]}", served.key, 0.5)
        try:
            with pytest.raises(AnchorFailed, match=r"takes too long|Timeout"):
                target.anchor(log.view(), "", 0)
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize(
    "url",
    ["", "witness.example", "ftp://w", "http://", "https://user:pw@w/", "https://w/?q", "http://w/#f", "http://["],
)
def test_urls_that_are_none(url: str, served: Served) -> None:
    """Only a plain http or https prefix is taken, and none with credentials in it."""
    with pytest.raises(AnchorFailed, match="not the http or https prefix"):
        WitnessTarget(url, served.key, 1.0)
