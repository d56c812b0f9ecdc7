"""Moving windows in this process's memory, as a storage of the `limits` library.

The library's own memory storage starts a timer thread for nearly every hit and drops locks that other threads may be
waiting for. This one counts under one lock, forgets lazily, and follows a clock that cannot be set back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from limits.storage import MovingWindowSupport, Storage

SCHEME: Final = "hangu-memory"
_SWEEP_EVERY: Final = 4096  # hits between two sweeps of windows that nobody uses any more


class WindowStorage(Storage, MovingWindowSupport):
    """The times of the latest hits, by key. A key's window holds at most as many as its limit admits."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - a list is what the library asks for

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[deque[float], int]] = {}
        self._until_sweep = _SWEEP_EVERY

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing of this storage fails."""
        return OSError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` hits when the last `expiry` seconds hold room for them, all or none."""
        now = time.monotonic()
        with self._lock:
            hits = self._window(key, expiry, now)
            if len(hits) + amount > limit:
                return False
            hits.extend([now] * amount)
            self._sweep(now)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest hit of the window was, in seconds since 1970, and how many it holds."""
        now = time.monotonic()
        with self._lock:
            hits = self._window(key, expiry, now)
            return time.time() - (now - hits[0] if hits else 0.0), len(hits)

    def _window(self, key: str, expiry: int, now: float) -> deque[float]:
        hits, _ = self._windows.setdefault(key, (deque(), expiry))
        while hits and hits[0] <= now - expiry:
            hits.popleft()
        return hits

    def _sweep(self, now: float) -> None:
        """Forget the windows whose newest hit has left them, so that a million callers do not stay for ever."""
        self._until_sweep -= 1
        if self._until_sweep <= 0:
            self._until_sweep = max(_SWEEP_EVERY, len(self._windows))
            self._windows = {
                key: (hits, expiry) for key, (hits, expiry) in self._windows.items() if hits and hits[-1] > now - expiry
            }

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything."""
        with self._lock:
            count = len(self._windows)
            self._windows = {}
        return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        with self._lock:
            self._windows.pop(key, None)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Fixed windows are not counted here."""
        raise NotImplementedError
