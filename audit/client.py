"""The gateway's side of the log: `append` returns when the record is on disk and signed, or raises."""

import os
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from audit import wire
from audit.errors import AuditUnavailable, RecordRefused
from audit.line import MAX_BODY


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a durable record stands: leaf `index` of the log `origin`."""

    origin: str
    index: int

    def __str__(self) -> str:
        return f"{self.origin}/{self.index}"


class _Idle(NamedTuple):
    process: int
    connections: list[socket.socket]


class AuditClient:
    """Appends records through the writer's socket.

    Threads share a stack of idle connections, one in use for each append under way: a thread sleeps in its own `recv`
    and is woken by the kernel, so nothing is handed from thread to thread. A forked child opens its own connections.
    """

    def __init__(self, socket_path: str | Path, timeout: float = 2.0) -> None:
        """Nothing is opened yet. `timeout` in seconds (a millisecond to an hour) bounds each wait for the writer.

        One append waits for its answer, and where the socket's queue is full also for a place in it. Raises
        `ValueError` for a timeout out of range.
        """
        if not 0.001 <= timeout <= 3600:
            raise ValueError("timeout must be 0.001 to 3600 seconds")
        self._path = os.fspath(socket_path)
        self._timeout = timeout
        self._idle = _Idle(os.getpid(), [])

    def append(self, body: bytes) -> Receipt:
        """Return once the record is durable and signed.

        `body` is a canonical JSON object (`audit.canonical`). Raises `RecordRefused` where it is not, and
        `AuditUnavailable` where durability could not be confirmed in time; the record may then be in the log or not.
        """
        if not 0 < len(body) <= MAX_BODY:
            raise RecordRefused(f"a record has 1 to {MAX_BODY} bytes, this one {len(body)}")
        index, origin = self._confirmed(wire.request(body))
        return Receipt(origin, index)

    def purge(self, days: int) -> list[str]:
        """Have the writer remove segments whose lines are all older than `days`; the names of the files that went.

        One call does a part, so that nobody waits long: call again until nothing is removed. Only root and the user
        that the writer runs as may do that. Raises `RecordRefused` with the reason, or `AuditUnavailable`.
        """
        if not 0 <= days <= wire.MAX_DAYS:
            raise RecordRefused(f"days must be 0 to {wire.MAX_DAYS}, not {days}")
        text = self._confirmed(wire.purge_request(days))[1]
        return text.split()

    def healthy(self) -> bool:
        """Whether the writer answers in time and would take a record now."""
        try:
            status, _, _ = self._exchange(wire.request(b""))
        except AuditUnavailable:
            return False
        return status == wire.DURABLE

    def close(self) -> None:
        """Close the idle connections. The client opens new ones when it is used again."""
        _close_all(self._idle.connections)

    def _confirmed(self, frame: bytes) -> tuple[int, str]:
        status, index, text = self._exchange(frame)
        if status == wire.DURABLE:
            return index, text
        if status == wire.REFUSED:
            raise RecordRefused(text)
        raise AuditUnavailable(f"the audit writer refuses: {text}")

    def _exchange(self, frame: bytes) -> tuple[int, int, str]:
        deadline = time.monotonic() + self._timeout
        connection = None
        try:
            connection = self._send(frame)
            answer = self._receive(connection, deadline)
        except (OSError, ValueError) as error:  # ValueError: a path that is no path
            if connection is not None:
                connection.close()  # a late answer must never be taken for the next record's
            what = "no answer in time" if isinstance(error, TimeoutError | BlockingIOError) else str(error)
            raise AuditUnavailable(f"audit writer: {what}") from error
        self._mine().append(connection)
        return answer

    def _send(self, frame: bytes) -> socket.socket:
        """Send on an idle connection, else on a new one.

        A connection that failed while sending is dropped and the frame sent again: the writer acts on whole frames
        only, so no record can be doubled by that.
        """
        while (connection := self._take_idle()) is not None:
            try:
                connection.sendall(frame)
            except TimeoutError:
                connection.close()
                raise
            except OSError:
                connection.close()
            else:
                return connection
        return self._connect(frame)

    def _take_idle(self) -> socket.socket | None:
        try:
            return self._mine().pop()
        except IndexError:
            return None

    def _mine(self) -> list[socket.socket]:
        """The idle connections of this process. What a forked child has inherited is the parent's and is let go.

        Process and list change together, so no thread can take an inherited connection for one of its own.
        """
        idle = self._idle
        if idle.process != (process := os.getpid()):
            self._idle = _Idle(process, [])
            _close_all(idle.connections)
            return self._idle.connections
        return idle.connections

    def _connect(self, frame: bytes) -> socket.socket:
        if len(os.fsencode(self._path)) > wire.MAX_PATH:
            raise OSError(f"socket path is longer than {wire.MAX_PATH} bytes")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Blocking, so that a place in a full queue is waited for; the kernel bounds the wait.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(self._timeout))
            connection.connect(self._path)
            connection.settimeout(self._timeout)  # which holds under signals too, where the kernel's would start anew
            connection.sendall(frame)
        except BaseException:
            connection.close()
            raise
        return connection

    def _receive(self, connection: socket.socket, deadline: float) -> tuple[int, int, str]:
        data = connection.recv(512)
        while len(data) < wire.REPLY.size or len(data) < wire.REPLY.size + wire.REPLY.unpack_from(data)[2]:
            if time.monotonic() > deadline:
                raise TimeoutError
            more = connection.recv(512) if data else b""
            if not more:
                raise ConnectionError("the connection was closed")
            data += more
        status, index, length = wire.REPLY.unpack_from(data)
        if len(data) != wire.REPLY.size + length:
            raise ConnectionError("the answer is longer than it says")
        return status, index, data[wire.REPLY.size : wire.REPLY.size + length].decode("utf-8", "replace")


def _close_all(connections: list[socket.socket]) -> None:
    with suppress(IndexError):  # another thread may take the last one
        while connections:
            connections.pop().close()


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
