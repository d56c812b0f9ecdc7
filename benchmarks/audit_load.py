"""Writers that append one durable record after the other, to Hangu's log or to SQLite, and time each.

A load is so many processes with so many threads each: gateway workers are a few processes with many threads, and
threads of one process share one interpreter, which is part of what they wait for.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from audit import canonical
from audit.client import AuditClient

PATIENCE = 60.0  # seconds; a writer that starves shows in the figures, not as an error

Append = Callable[[], object]
Open = Callable[[], Append]  # what each thread calls once


@dataclass(frozen=True, slots=True)
class Shape:
    """How many writers, and how they are spread."""

    processes: int
    threads: int  # of each process

    @property
    def writers(self) -> int:
        return self.processes * self.threads

    def __str__(self) -> str:
        return f"{self.processes} x {self.threads}"


@dataclass(frozen=True, slots=True)
class Run:
    """Durable records per second, and the time of one as its writer sees it, in milliseconds."""

    rate: float
    p50: float
    p99: float
    slowest: float


def shapes(writers: int) -> list[Shape]:
    """The ways to spread so many writers: all in one process, and over a few."""
    processes = min(writers, 4)
    return list(dict.fromkeys([Shape(1, writers), Shape(processes, writers // processes)]))


def record() -> bytes:
    """A record as a request leaves it, 1.3 KB with Chinese text in it."""
    return canonical.encode(
        {
            "action": "invoke",
            "address": "10.1.2.3",
            "bundle": "sha256:" + "ab" * 32,
            "chains": {"completion": ["pii", "secrets"], "prompt": ["pii", "injection"]},
            "client": "office-assistant",
            "decision": {"effect": "allow", "reason": "matched-rule", "rule": "policy.csv:14:1"},
            "event": "request.admitted",
            "filters": [{"action": "rewrite", "count": 2, "direction": "prompt", "filter": "pii", "type": "phone"}],
            "issuer": "https://sso.example.com",
            "model": "chatglm3-6b",
            "prompt": {"chars": 180, "hmac": "cd" * 32, "text": "出差回来以后，报销要走哪些步骤？" * 11},
            "request_id": "01JD" + "X" * 22,
            "roles": ["analyst", "employee"],
            "route": "/v1/chat/completions",
            "subject": "u-10293",
            "tenant": "finance",
            "token_id": "ef" * 16,
        }
    )


def to_hangu(socket: Path) -> Open:
    """Appends through a running writer, with one client for the process."""
    client, body = AuditClient(socket, PATIENCE), record()
    return lambda: lambda: client.append(body)


def to_sqlite(database: Path) -> Open:
    """Inserts one row and commits it, on a connection of the thread's own: WAL, synchronous=FULL."""
    body = record()

    def open_connection() -> Append:
        connection = sqlite3.connect(database, PATIENCE, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return lambda: connection.execute("INSERT INTO record (body) VALUES (?)", (body,))

    return open_connection


def new_database(database: Path) -> None:
    """One table, as plain as can be."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    connection.close()


def load(target: Callable[[Path], Open], place: Path, shape: Shape, seconds: float) -> Run:
    """Let all writers append for so long, all starting at once. Raises `RuntimeError` where one of them failed."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(shape.processes), context.SimpleQueue()
    arguments = (target, place, shape.threads, seconds, start, results)
    processes = [context.Process(target=_write, args=arguments) for _ in range(shape.processes)]
    with _started(processes):
        taken = [each for _ in processes for each in results.get()]
    if not taken or any(process.exitcode for process in processes):
        raise RuntimeError("a writer failed; its message is above")
    ordered = sorted(taken)
    p50, p99 = statistics.median_low(ordered), ordered[int(len(ordered) * 0.99)]
    return Run(len(ordered) / seconds, p50 * 1e3, p99 * 1e3, ordered[-1] * 1e3)


@contextmanager
def _started(processes: list[multiprocessing.context.SpawnProcess]) -> Iterator[None]:
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.join()


def _write(
    target: Callable[[Path], Open],
    place: Path,
    threads: int,
    seconds: float,
    start: Barrier,
    results: SimpleQueue[list[float]],
) -> None:
    """One process of a load: puts what each append took, in seconds; after a failure nothing, and a bad exit code."""
    taken: list[float] = []
    try:
        opened = target(place)
        start.wait(PATIENCE)
        with ThreadPoolExecutor(threads) as pool:
            for each in [pool.submit(_append_for, seconds, opened) for _ in range(threads)]:
                taken += each.result()
    except BaseException:
        taken.clear()
        raise
    finally:
        results.put(taken)


def _append_for(seconds: float, opened: Open) -> list[float]:
    append, taken = opened(), []
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        append()
        before, now = now, time.perf_counter()
        taken.append(now - before)
    return taken
