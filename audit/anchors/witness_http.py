"""The witness over HTTP/1.1, on the standard library's threading server: a witness needs nothing but `cryptography`.

It is meant to face strangers: every request must arrive within a few seconds however slowly it is sent, bodies are
bounded, connections are counted and those too many are closed at once, and each connection has a thread of its own, so
none waits for another. TLS and limits for each address are a reverse proxy's.
"""

import io
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from audit.anchors.submission import MAX_BODY, PATH
from audit.anchors.witness import Answer, Witness
from audit.directory import printable

MAX_CONNECTIONS = 128
REQUEST_SECONDS = 10.0  # for one whole request, and for a kept connection to send its next


class _BoundedReader(io.RawIOBase):
    """Reads a socket until the deadline of the request, which one byte every few seconds does not move."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline = 0.0

    def restart(self, seconds: float) -> None:
        """A new request begins."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "hangu-witness", ""
    server: "WitnessServer"

    def setup(self) -> None:
        super().setup()
        self._reader = _BoundedReader(self.connection)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        self._reader.restart(self.server.request_seconds)
        try:
            super().handle_one_request()
        except OSError:  # gone, or too slow
            self.close_connection = True

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.close_connection = True  # a body may follow that nobody reads
            status = 404 if self.path != PATH else 411
            self._answer(Answer(status, b"POST /add-checkpoint takes a body with a Content-Length\n"))
        elif len(length) > 8 or int(length) > MAX_BODY:
            self.close_connection = True
            self._answer(Answer(413, b"a submission has at most %d bytes\n" % MAX_BODY))
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(self.server.witness.add_checkpoint(body))

    def do_GET(self) -> None:
        self._answer(self.server.witness.latest(self.path))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: requests of strangers are not worth a line each."""

    def _answer(self, answer: Answer) -> None:
        if answer.notice:
            print(f"audit witness: {answer.notice}", file=sys.stderr, flush=True)
        self.connection.settimeout(self.server.request_seconds)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)


class WitnessServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one witness on a listening socket until `shutdown`."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        listener: socket.socket,
        witness: Witness,
        *,
        max_connections: int = MAX_CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.witness = witness
        self.request_seconds = request_seconds
        self._free = threading.BoundedSemaphore(max_connections)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more connection; it is closed where there is none."""
        return self._free.acquire(blocking=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve it in a thread of its own; where there can be none, its place is free again and the server goes on."""
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line for a request that failed in a way of its own: no stack trace with which to fill a disk."""
        error = sys.exc_info()[1]
        print(f"audit witness: {type(error).__name__}: {printable(str(error))}", file=sys.stderr, flush=True)


def listen(address: str) -> socket.socket:
    """A listening socket on `HOST:PORT`, `[HOST]:PORT` or `unix:PATH`. Raises `OSError`, `ValueError`, `LogBusy`."""
    if address.startswith("unix:"):
        from audit.serve import listen as listen_unix

        return listen_unix(Path(address.removeprefix("unix:")), 0o660)
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 1 << 16):
        raise ValueError(f"`{address}`: HOST:PORT or unix:PATH is needed")
    host = host.removeprefix("[").removesuffix("]")
    return socket.create_server(
        (host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
    )
