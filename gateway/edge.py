"""Between Flask and the pipeline: what a request is before its body is read, and how answers and refusals leave."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from flask import Request, Response, g

from gateway.address import Addresses
from gateway.call import Incoming, Surface
from gateway.contents import Keeper
from gateway.errors import GatewayError
from gateway.limit import RateLimitExceeded
from gateway.record import Emit, Record

SECURITY_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
]
_UNBUFFERED = ("X-Accel-Buffering", "no")  # a buffering proxy would turn a stream into one block
_ASK_EVERY = 0.05  # seconds
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Edge:
    """Opens one Record for each request. `emit` writes an event durably, `keeper` keeps what policy keeps of texts."""

    def __init__(self, emit: Emit, keeper: Keeper, addresses: Addresses) -> None:
        self._emit = emit
        self._keeper = keeper
        self._addresses = addresses

    def open(self, request: Request, route: str, surface: Surface = "api") -> Record:
        """The record of this request. The error handler finds it again in `flask.g`."""
        environ = request.environ
        incoming = Incoming(
            request_id=_request_id(),
            route=route,
            method=request.method,
            path=environ.get("PATH_INFO", ""),
            surface=surface,
            address=self._addresses.of(environ),
            authorization=environ.get("HTTP_AUTHORIZATION"),
            client_gone=_watch(environ.get("gunicorn.socket")),
        )
        record = Record(incoming, self._emit, self._keeper)
        g.record = record
        return record

    def unreadable(self, address: str) -> Record:
        """The record of bytes that are not an HTTP request."""
        incoming = Incoming(_request_id(), "unreadable", "", "", "api", address, None, lambda: False)
        return Record(incoming, self._emit, self._keeper)


def _request_id() -> str:
    return "req_" + os.urandom(12).hex()


def _watch(connection: socket.socket | None) -> Callable[[], bool]:
    """Whether the peer has closed its side. Works for TLS too, since it asks the kernel and reads nothing.

    Asked at most every 50 ms: a system call for each token would cost more than the token.
    """
    if connection is None:
        return lambda: False
    poll: select.poll | None = None
    due = time.monotonic() + _ASK_EVERY

    def gone() -> bool:
        nonlocal due, poll
        now = time.monotonic()
        if now < due:
            return False
        if poll is None:
            poll = select.poll()
            poll.register(connection.fileno(), _GONE)
        due = now + _ASK_EVERY
        return bool(poll.poll(0))

    return gone


def json_response(value: Any, record: Record | None = None, status: int = 200) -> Response:
    """A JSON answer with the headers of its record."""
    headers = SECURITY_HEADERS if record is None else [*SECURITY_HEADERS, *record.headers().items()]
    return Response(orjson.dumps(value), status, headers, content_type="application/json")


def event_stream(chunks: Iterator[bytes], record: Record, close: Callable[[], None]) -> Response:
    """A server-sent event stream (WHATWG HTML §9.2). `close` runs when it ends, also when the client went away."""
    headers = [*SECURITY_HEADERS, *record.headers().items(), _UNBUFFERED]
    response = Response(chunks, headers=headers, content_type="text/event-stream; charset=utf-8")
    response.call_on_close(close)
    return response


def error_body(error: GatewayError, request_id: str | None) -> dict[str, Any]:
    """The one error body, in the shape of OpenAI's."""
    return {
        "error": {
            "message": error.public,
            "type": error.type,
            "code": error.code,
            "param": error.param,
            "request_id": request_id,
        }
    }


def error_response(error: GatewayError, record: Record) -> Response:
    """The answer to a refused request."""
    if isinstance(error, RateLimitExceeded):
        record.quota = error.quota
    response = json_response(error_body(error, record.incoming.request_id), record, error.status)
    response.headers.extend(error.headers())
    return response
