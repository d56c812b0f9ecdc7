"""Refusals of an address over its limit: the first of a minute is recorded like any other, the rest are counted.

Without this, whoever is refused could fill the log's disk with refusals. With it one address leaves, in each minute and
worker, as many records as its limit admits requests, one for the first refusal, and one for the count of the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from audit.errors import AuditError
from gateway.errors import RateLimited

Emit = Callable[..., object]

INTERVAL: Final = 60.0  # seconds
MAX_ADDRESSES: Final = 4096  # that are counted at a time; each has sent a whole limit's worth of requests before
_log = structlog.get_logger("hangu.flood")


class Floods:
    """Counts refusals by address, and writes the counts when an interval is over. Safe to call from many threads.

    `emit` writes a record durably; a count that it does not take is kept for the next interval. A worker that is killed
    takes the counts of its running interval with it.
    """

    def __init__(self, emit: Emit, interval: float = INTERVAL) -> None:
        self._emit = emit
        self._interval = interval
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._began = 0.0
        self._timer: threading.Timer | None = None

    def counted(self, address: str) -> bool:
        """Whether this refusal is in a count. False where it must be recorded: the first of an interval is."""
        with self._lock:
            if address in self._counts:
                self._counts[address] += 1
                return True
            if len(self._counts) < MAX_ADDRESSES and self._running():
                self._counts[address] = 0
            return False

    def flush(self) -> None:
        """Write what was counted since the interval began."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            counts, began = self._counts, self._began
            self._counts, self._timer = {}, None
        left = self._write(counts, began)
        if left:
            _log.error("refusals could not be recorded yet", addresses=len(left), refusals=sum(left.values()))
            with self._lock:
                if self._running():
                    self._counts = {name: left.get(name, 0) + self._counts.get(name, 0) for name in left | self._counts}

    def _running(self) -> bool:
        """Whether an interval runs, whose end will write the counts. Called with the lock held."""
        if self._timer is None:
            timer = threading.Timer(self._interval, self.flush)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError:  # no thread to be had: then nothing is counted, and every refusal is recorded
                return False
            self._timer, self._began = timer, time.monotonic()
        return True

    def _write(self, counts: Mapping[str, int], began: float) -> dict[str, int]:
        """Write the counts; what the log did not take is returned."""
        seconds = max(1, round(time.monotonic() - began))
        left: dict[str, int] = {}
        for address, count in counts.items():
            if count == 0:
                continue
            try:
                self._emit(
                    "request.refused",
                    address=address,
                    status=RateLimited.status,
                    code=RateLimited.code,
                    detail="limit by address",
                    count=count,
                    seconds=seconds,
                )
            except AuditError:
                left[address] = count
        return left
