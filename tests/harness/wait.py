"""Wait for what another process will do: asked again and again, bounded, and loud when it never comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, condition: Callable[[], T], within: float = 30.0) -> T:
    """The first true value of the condition; AssertionError naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within} s")
        pause.wait(0.02)
    return value
