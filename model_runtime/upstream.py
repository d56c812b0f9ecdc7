"""Kept-alive HTTP/1.1 connections to one model server.

The standard library's client parses what comes back. The pool is our own because a general one costs more per request
than the rest of this engine, and because an exchange that is given up must close its connection: that is how a model
server learns to stop, and a half-read connection would hand one caller's answer to the next.

Environment proxies are not read and redirects are not followed: prompts go to the configured address or nowhere.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final

from model_runtime.chunked import ChunkedReader
from model_runtime.engine import Abandoned, EngineBusy, EngineFailed, never
from model_runtime.upstream_address import Address

_READ = 1 << 16
_LOOK_UP: Final = 250  # milliseconds
_LAST_CHUNK_WAIT: Final = 0.1  # seconds that the end of a body may lag behind the end of its answer


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: to connect, between two reads, for one whole exchange. `connections` may be open at once."""

    connect: float
    read: float
    answer: float
    connections: int


class Pool:
    """Connections to one address. Safe to use from many threads; an exchange belongs to the thread that began it."""

    def __init__(self, address: Address, limits: Limits, tls: ssl.SSLContext | None = None) -> None:
        """`tls` None means the system's trusted authorities. Opens no connection yet."""
        self._address = address
        self._limits = limits
        self._tls = (tls or ssl.create_default_context()) if address.tls else None
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(limits.connections)
        self._idle: list[HTTPConnection] = []
        self._busy: set[HTTPConnection] = set()
        self._closed = False

    def send(self, request: bytes, abandoned: Callable[[], bool] = never) -> Exchange:
        """Send one request and read the head of the answer.

        Raises EngineBusy when all connections stay in use, EngineFailed when no answer begins, Abandoned when the
        caller gives up before it does; `abandoned` is asked every quarter of a second. A kept-alive connection
        that the server had closed is replaced once; nothing else is tried twice.
        """
        if not self._places.acquire(timeout=self._limits.connect):
            raise EngineBusy("all connections to the upstream are in use")
        deadline = time.monotonic() + self._limits.answer
        try:
            connection, response = self._ask(request, abandoned)
        except BaseException as error:
            self._places.release()
            if isinstance(error, OSError | HTTPException):
                raise EngineFailed(f"upstream did not answer: {type(error).__name__}") from error
            raise
        return Exchange(self, connection, response, deadline)

    def dial(self, timeout: float) -> HTTPConnection:
        """A new connection outside the pool, with one time limit for connecting and reading. Raises OSError."""
        address = self._address
        connection = (
            HTTPSConnection(address.host, address.port, timeout=timeout, context=self._tls)
            if self._tls
            else HTTPConnection(address.host, address.port, timeout=timeout)
        )
        try:
            connection.connect()
        except UnicodeError as error:  # an empty label, or one over 63 characters
            raise OSError("host name cannot be looked up") from error
        return connection

    def give_back(self, connection: HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end for the next request."""
        with self._lock:
            self._busy.discard(connection)
            if not self._closed:
                self._idle.append(connection)
        if self._closed:
            connection.close()
        self._places.release()

    def discard(self, connection: HTTPConnection) -> None:
        """Close a connection in the middle of its answer, so that the server stops working on it."""
        self._forget(connection)
        self._places.release()

    def close(self) -> None:
        """Refuse new requests and break the running ones: their threads see the end of the connection. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            _hang_up(connection)

    def _ask(self, request: bytes, abandoned: Callable[[], bool]) -> tuple[HTTPConnection, HTTPResponse]:
        """Over a kept connection if there is one, else over a new one. Raises OSError or HTTPException."""
        if (kept := self._take_idle()) is not None:
            try:
                return kept, _ask(kept, request, self._wait(abandoned))
            except ConnectionError:  # the server closed it, as it may at any time (RFC 9112 §9.3.1)
                self._forget(kept)
            except BaseException:
                self._forget(kept)
                raise
        new = self._take_new()
        try:
            return new, _ask(new, request, self._wait(abandoned))
        except BaseException:
            self._forget(new)
            raise

    def _wait(self, abandoned: Callable[[], bool]) -> Callable[[socket.socket], None]:
        return lambda sock: _await_answer(sock, self._limits.read, abandoned)

    def _take_new(self) -> HTTPConnection:
        connection = self.dial(self._limits.connect)
        connection.sock.settimeout(self._limits.read)
        with self._lock:
            if not self._closed:
                self._busy.add(connection)
                return connection
        connection.close()
        raise ConnectionAbortedError("the engine is closed")

    def _take_idle(self) -> HTTPConnection | None:
        """The connection used last, if it is still silent."""
        while (connection := self._next_idle()) is not None:
            if _silent(connection.sock):
                return connection
            self._forget(connection)
        return None

    def _next_idle(self) -> HTTPConnection | None:
        with self._lock:
            if not self._idle:
                return None
            connection = self._idle.pop()
            self._busy.add(connection)
            return connection

    def _forget(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()


class Exchange:
    """One request and its answer. End it with `finish` or `close`; whichever comes second does nothing."""

    def __init__(self, pool: Pool, connection: HTTPConnection, response: HTTPResponse, deadline: float) -> None:
        self.status = response.status
        self._pool = pool
        self._connection = connection
        self._response = response
        self._deadline = deadline
        self._left = response.length  # None: chunked, or up to the end of the connection
        self._chunks = ChunkedReader() if response.chunked else None
        self._ended = False

    def header(self, name: str) -> str:
        """A header of the answer, empty when it is not there."""
        return self._response.headers.get(name, "")

    def read(self) -> bytes:
        """The bytes that have arrived, at least one; empty at the end of the body. Raises EngineFailed."""
        if self._left == 0:
            return b""
        if time.monotonic() > self._deadline:
            raise EngineFailed("upstream took too long for its answer")
        try:
            if self._chunks is not None:
                return self._read_chunks(self._chunks)
            data = self._response.read1(_READ if self._left is None else min(_READ, self._left))
        except (OSError, HTTPException, ValueError) as error:
            raise EngineFailed(f"upstream broke off its answer: {type(error).__name__}") from error
        if self._left is not None:
            if not data:
                raise EngineFailed("upstream broke off its answer")
            self._left -= len(data)
        return data

    def _read_chunks(self, chunks: ChunkedReader) -> bytes:
        """The data of all chunks that have arrived. Past `http.client`, which reads one chunk at a time."""
        while not chunks.done:
            received = self._response.fp.read1(_READ)
            if not received:
                raise EngineFailed("upstream broke off its answer")
            if data := chunks.feed(received):
                return data
        return b""

    def read_all(self, limit: int) -> bytes:
        """The whole body. Raises EngineFailed when it is longer than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while data := self.read():
            size += len(data)
            if size > limit:
                raise EngineFailed(f"upstream sent more than {limit} bytes")
            parts.append(data)
        return b"".join(parts)

    def finish(self) -> None:
        """Keep the connection if the body is at its end, else close it."""
        if self._ended:
            return
        if self._response.will_close or not self._at_end():
            self.close()
            return
        self._ended = True
        self._response.close()
        self._pool.give_back(self._connection)

    def close(self) -> None:
        """Close the connection, whatever it still carries."""
        if self._ended:
            return
        self._ended = True
        self._response.close()
        self._pool.discard(self._connection)

    def _at_end(self) -> bool:
        if self._left is not None:
            return not self._left
        if self._chunks is None:
            return self._response.isclosed()
        if self._chunks.done:
            return True
        sock = self._connection.sock
        timeout = sock.gettimeout()
        try:
            sock.settimeout(_LAST_CHUNK_WAIT)
            at_end = not self._read_chunks(self._chunks)
            sock.settimeout(timeout)
        except (OSError, ValueError, EngineFailed):
            return False
        return at_end


def _ask(connection: HTTPConnection, request: bytes, wait: Callable[[socket.socket], None]) -> HTTPResponse:
    """Send in one piece, which spares a system call and a packet, and read the head of the answer."""
    connection.send(request)
    wait(connection.sock)
    response = HTTPResponse(connection.sock, method="POST")
    try:
        response.begin()
    except BaseException:
        response.close()
        raise
    return response


def _await_answer(sock: socket.socket, limit: float, abandoned: Callable[[], bool]) -> None:
    """Return when something can be read. Raises Abandoned, or TimeoutError after `limit` seconds."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    deadline = time.monotonic() + limit
    while not poll.poll(_LOOK_UP):
        if abandoned():
            raise Abandoned("nobody waits for the answer any more")
        if time.monotonic() > deadline:
            raise TimeoutError


def _silent(sock: socket.socket) -> bool:
    """Whether nothing waits to be read: a closed connection, or an answer that nobody asked for, may not be reused."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _hang_up(connection: HTTPConnection) -> None:
    """Wake the thread that reads from `connection` without taking the descriptor from under it."""
    sock = connection.sock
    with suppress(OSError, AttributeError):  # the thread may have closed it meanwhile, which leaves None
        sock.shutdown(socket.SHUT_RDWR)
