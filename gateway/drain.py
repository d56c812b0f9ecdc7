"""Whether this worker is stopping: readiness turns false at once, running answers are cut after the grace time."""

from __future__ import annotations

import threading

stopping = threading.Event()
expired = threading.Event()


def begin(grace: float) -> None:
    """Start draining. After `grace` seconds whatever still runs is ended, so that its record can be sealed."""
    if stopping.is_set():
        return
    stopping.set()
    timer = threading.Timer(grace, expired.set)
    timer.daemon = True
    timer.start()
