"""A load generator that is cheaper than what it loads: one thread, one epoll loop, kept-alive connections.

Each connection sends the same prepared request, waits for the whole answer, sends again. Run as a process of its own,
so that it shares no interpreter with a server:

    python -m benchmarks.load PORT REQUEST_FILE CONNECTIONS SECONDS
"""

from __future__ import annotations

import select
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw. Latencies in milliseconds, from first byte sent to last byte received."""

    requests: int
    seconds: float
    rate: float
    p50: float
    p99: float
    reconnects: int


class LoadFailed(Exception):
    """The server answered something other than 200, so the figures would mean nothing."""


class _Lane:
    """One connection and the answer it waits for."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def complete(self) -> bool:
        """Whether `received` holds one whole answer with status 200. Raises LoadFailed for another status."""
        head_end = self.received.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        if not self.received.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            raise LoadFailed(self.received[:2000].decode("utf-8", "replace"))
        head = self.received[:head_end].lower()
        at = head.find(b"content-length:")
        if at >= 0:
            return len(self.received) >= head_end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        return self.received.endswith(b"0\r\n\r\n")


def run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Drive `connections` connections for `seconds` and count what came back. Raises LoadFailed."""
    poll = select.epoll()
    lanes: dict[int, _Lane] = {}
    latencies: list[float] = []
    reconnects = 0

    def connect() -> None:
        lane = _Lane(port)
        lanes[lane.sock.fileno()] = lane
        poll.register(lane.sock, select.EPOLLIN)
        send(lane)

    def send(lane: _Lane) -> None:
        lane.received = b""
        lane.sent_at = time.perf_counter()
        lane.sock.sendall(request)

    start = time.perf_counter()
    for _ in range(connections):
        connect()
    while (now := time.perf_counter()) - start < seconds:
        for descriptor, _ in poll.poll(1.0):
            lane = lanes[descriptor]
            data = lane.sock.recv(262144)
            lane.received += data
            if data and not lane.complete():
                continue
            if not data:  # the server closed the connection, which keep-alive should have spared
                poll.unregister(descriptor)
                lanes.pop(descriptor).sock.close()
                reconnects += 1
                connect()
                continue
            latencies.append(time.perf_counter() - lane.sent_at)
            send(lane)
    for lane in lanes.values():
        lane.sock.close()
    return _summary(latencies, now - start, reconnects)


def _summary(latencies: list[float], seconds: float, reconnects: int) -> Load:
    if not latencies:
        raise LoadFailed("no request was answered in the time given")
    ordered = sorted(latencies)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return Load(len(ordered), seconds, len(ordered) / seconds, p50 * 1e3, p99 * 1e3, reconnects)


def main() -> None:
    port, path, connections, seconds = sys.argv[1:]
    load = run(int(port), Path(path).read_bytes(), int(connections), float(seconds))
    sys.stdout.buffer.write(orjson.dumps(asdict(load)) + b"\n")


if __name__ == "__main__":
    main()
