"""The witness on the wire: the protocol's form, and strangers who send too much, too slowly, or nonsense."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3
from harness.wait import until

from audit.anchors.submission import MAX_BODY, Submission, latest_path
from audit.anchors.witness_http import listen
from audit.cosignature import require_cosigned
from audit.errors import LogBusy

Log = Any  # the classes in this folder's conftest
Served = Any


def address(served: Served) -> tuple[str, int]:
    """Host and port of a witness."""
    host, port = served.url.removeprefix("http://").split(":")
    return host, int(port)


def raw(where: tuple[str, int], data: bytes) -> bytes:
    """Send these bytes and read until the witness closes."""
    with socket.create_connection(where, timeout=30) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_submission_and_retrieval(served: Served, log: Log) -> None:
    """A submission is answered with the cosignature, on a connection that is kept, and then shown."""
    view = log.view()
    with urllib3.HTTPConnectionPool(*address(served), maxsize=1, retries=False) as pool:
        answer = pool.request("POST", "/add-checkpoint", body=Submission(0, (), view.seen.note).body())
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        require_cosigned(view.seen.note + answer.data.decode(), [served.key])
        shown = pool.request("GET", latest_path("host-a/hangu"))
        assert shown.data.decode() == view.seen.note + answer.data.decode()
        conflict = pool.request("POST", "/add-checkpoint", body=Submission(0, (), view.seen.note).body())
        assert (conflict.status, conflict.headers["Content-Type"]) == (409, "text/x.tlog.size")
        assert conflict.data == b"%d\n" % view.seen.size
        assert pool.num_connections == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: -1\r\n\r\n", 411),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 411),
        (b"POST /other HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\n\r\nold", 404),
        (b"PUT /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 501),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    ],
)
def test_requests_that_are_refused(request_: bytes, status: int, served: Served) -> None:
    """Too long, without a length, of another method or no HTTP: refused by its status, and the connection is closed."""
    assert b" %d " % status in raw(address(served), request_).split(b"\r\n")[0] + b" "


def test_slow_request(log: Log, served: Served, serve: Callable[..., str]) -> None:
    """A request that dribbles in is given up when its time is over, not when the stranger wants."""
    host, port = serve(served.witness, request_seconds=0.3).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        connection.settimeout(0.05)

        def closed() -> bool:
            try:
                connection.sendall(b"X")
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        until("the witness gives the request up", closed)


def test_body_cut_short(served: Served) -> None:
    """A body that ends before its length was reached is not looked at."""
    where = address(served)
    with socket.create_connection(where, timeout=30) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 500\r\n\r\nold 0\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""


def test_too_many_connections(served: Served, serve: Callable[..., str]) -> None:
    """One connection too many is closed at once; where one ends, another has room."""
    host, port = serve(served.witness, max_connections=1).removeprefix("http://").split(":")
    get = b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as first:
        first.sendall(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 404"
        with socket.create_connection((host, int(port)), timeout=30) as second, suppress(ConnectionResetError):
            assert second.recv(1) == b""

    def served_again() -> bool:
        try:
            return b" 404 " in raw((host, int(port)), get)
        except ConnectionError:
            return False

    until("room for the next connection", served_again)


def test_no_thread_to_be_had(
    served: Served, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the system gives no further thread, the connection is closed, and its place is not lost."""
    host, port = serve(served.witness, max_connections=1).removeprefix("http://").split(":")
    get = b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, suppress(ConnectionError):
        patch.setattr(threading.Thread, "start", refuse)
        assert raw((host, int(port)), get) == b""
    assert b" 404 " in raw((host, int(port)), get)
    assert "can't start new thread" in capsys.readouterr().err


def test_failure_of_a_request(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request that fails in an unforeseen way leaves one line on stderr and no trace, and the next one is served."""
    get = b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
    with monkeypatch.context() as patch:
        patch.setattr(type(served.witness), "latest", lambda *_: 1 // 0)
        assert raw(address(served), get) == b""
    assert b" 404 " in raw(address(served), get)
    error = capsys.readouterr().err
    assert error.startswith("audit witness: ZeroDivisionError")
    assert "Traceback" not in error


def test_addresses(tmp_path: Path) -> None:
    """Host and port, IPv6 in brackets, or the path of a Unix socket; anything else is refused by name."""
    with listen("127.0.0.1:0") as listener:
        assert listener.family == socket.AF_INET
    with listen(f"unix:{tmp_path / 's'}") as listener:
        assert listener.family == socket.AF_UNIX
        assert (tmp_path / "s").stat().st_mode & 0o007 == 0
        with pytest.raises(LogBusy):
            listen(f"unix:{tmp_path / 's'}")
    for address_ in ("", "host", "host:", ":x", "127.0.0.1:٣", "127.0.0.1:65536"):
        with pytest.raises(ValueError, match="HOST:PORT or unix:PATH"):
            listen(address_)
