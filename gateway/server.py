"""The gunicorn worker: gthread, with deadlines against slow clients and Hangu's error body for unreadable requests.

gunicorn's own thread worker waits without limit for a request that trickles in or an answer that nobody reads, which
lets a few slow clients hold every thread; and it answers a malformed request with an HTML page.
"""

from __future__ import annotations

import math
import select
import socket
import struct
from http import HTTPStatus
from typing import Any

import orjson
from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from gateway import drain, reading
from gateway.edge import error_body
from gateway.errors import GatewayError, HeadersTooLarge, InternalError, InvalidHttp, UriTooLong

FOLLOW_WITHIN = 1  # milliseconds that a thread waits for a connection's next request
SEAL_MARGIN = 3.0  # seconds of the grace time kept back for ending what still runs and sealing its record


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One worker process: threads for requests, one engine thread for the model."""

    def enqueue_req(self, conn: TConn) -> None:
        if not conn.initialized:
            timeout = struct.pack("ll", math.ceil(self.wsgi.extensions["hangu"].client_seconds), 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Serve a request, and the next ones of this connection while they follow at once.

        gunicorn hands a connection back to its main thread after every request, which costs two thread switches and
        half a dozen system calls; a busy client's next request is here before that is done.
        """
        while True:
            descriptor = conn.sock.fileno()
            reading.began(descriptor, conn)
            try:
                kept = super().handle(conn)
            finally:
                reading.ended(descriptor)
            if kept is not True or not self.alive or not self._more_follows(conn, descriptor):
                return kept

    def _more_follows(self, conn: TConn, descriptor: int) -> bool:
        if self.tpool._work_queue.qsize():  # noqa: SLF001 - others wait for a thread, and the pool does not say so
            return False
        if conn.parser.unreader.buf.getvalue():
            return False  # read ahead already, which gunicorn sees to
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(FOLLOW_WITHIN))

    def murder_pending(self) -> None:
        super().murder_pending()
        for conn in reading.overdue(self.wsgi.extensions["hangu"].client_seconds):
            _hang_up(conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        drain.begin(max(0.0, self.cfg.graceful_timeout - SEAL_MARGIN))
        super().handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn could not read: recorded like any other, and nothing of it is echoed."""
        running = self.wsgi.extensions["hangu"]
        error, headers = running.refuse_unreadable(addr[0] if addr else "unknown", _classify(exc))
        body = orjson.dumps(error_body(error, headers["X-Request-ID"]))
        lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}", "Connection: close"]
        lines += ["Content-Type: application/json", "X-Content-Type-Options: nosniff", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            client.sendall("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body)
        except OSError:
            self.log.debug("the client left before its error was sent")


def _hang_up(conn: TConn) -> None:
    try:
        conn.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it went away by itself


def _classify(exc: BaseException) -> GatewayError:
    if isinstance(exc, http_errors.LimitRequestLine):
        return UriTooLong()
    if isinstance(exc, http_errors.LimitRequestHeaders):
        return HeadersTooLarge()
    if isinstance(exc, http_errors.ParseException):
        return InvalidHttp(detail=type(exc).__name__)
    return InternalError(detail=type(exc).__name__)
