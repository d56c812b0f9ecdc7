"""Who runs in the next step. Plain Python: no tensor, no thread, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from model_runtime.engine import EngineBusy


class Cancellable(Protocol):
    """What is scheduled. `cancelled` may turn true at any time, on any thread, and never turns back."""

    @property
    def cancelled(self) -> bool: ...


T = TypeVar("T", bound=Cancellable)


@dataclass(frozen=True, slots=True)
class Round(Generic[T]):
    """One step's work: at most one chunk of one prompt, one token of each answer. `dropped` were cancelled."""

    prefill: T | None
    decode: tuple[T, ...]
    dropped: tuple[T, ...]


class Scheduler(Generic[T]):
    """Keeps at most `max_running` requests running and `max_waiting` waiting, first come, first served.

    Every round moves each answer by one token. Prompts take turns, one chunk a round, so that a long prompt delays
    the running answers by one chunk at a time and a short prompt by its own length.
    """

    def __init__(self, max_running: int, max_waiting: int) -> None:
        if max_running < 1 or max_waiting < 0:
            raise ValueError("max_running must be at least 1 and max_waiting at least 0")
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._waiting: deque[T] = deque()
        self._prefilling: deque[T] = deque()
        self._decoding: list[T] = []

    def submit(self, request: T) -> None:
        """Queue `request`. Raises EngineBusy when neither a running nor a waiting place is free."""
        self._waiting = deque(waiting for waiting in self._waiting if not waiting.cancelled)
        free = self._max_running - self.running
        if len(self._waiting) >= max(free, 0) + self._max_waiting:
            raise EngineBusy(f"{self.running} requests are running and {len(self._waiting)} are waiting")
        self._waiting.append(request)

    def plan(self) -> Round[T]:
        """Drop what was cancelled, let waiting requests in, and say what this step computes."""
        dropped = tuple(request for request in (*self._prefilling, *self._decoding) if request.cancelled)
        for request in dropped:
            self.remove(request)
        while self._waiting and self.running < self._max_running:
            request = self._waiting.popleft()
            if not request.cancelled:
                self._prefilling.append(request)
        prefill = self._prefilling[0] if self._prefilling else None
        self._prefilling.rotate(-1)
        return Round(prefill, tuple(self._decoding), dropped)

    def prefilled(self, request: T) -> None:
        """The prompt of `request` is done: from the next round on it decodes."""
        self._prefilling.remove(request)
        self._decoding.append(request)

    def remove(self, request: T) -> None:
        """`request` ended. It must be running."""
        (self._prefilling if request in self._prefilling else self._decoding).remove(request)

    def drain(self) -> tuple[T, ...]:
        """Take out every request, running or waiting."""
        everything = (*self._decoding, *self._prefilling, *self._waiting)
        self._decoding.clear()
        self._prefilling.clear()
        self._waiting.clear()
        return everything

    @property
    def running(self) -> int:
        return len(self._prefilling) + len(self._decoding)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return not (self._waiting or self.running)
