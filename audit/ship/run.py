"""The shipping process: one courier a target, each in its own thread, until a signal or, once, until all is sent."""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.directory import printable
from audit.errors import AuditError
from audit.ship.courier import Courier, Pace
from audit.ship.cursor import Cursor
from audit.ship.sender import Sender
from audit.ship.target import Target

GRACE_S = 5.0  # after a signal, for what is left


@dataclass(frozen=True, slots=True)
class ShipOptions:
    """What a shipping process does."""

    directory: Path
    targets: Sequence[Target]
    cursor: Path
    pace: Pace
    once: bool


def ship(options: ShipOptions) -> bool:
    """Ship until SIGTERM or SIGINT, or once. False where a target did not get everything, or the log was tampered with.

    Raises `ShippingFailed` or `LogBusy` before anything is sent, where the options cannot be served.
    """
    senders = [target.open() for target in options.targets]
    cursor = Cursor(options.cursor, options.directory)
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        routes = [
            _Route(target.url, sender, cursor, options, stop)
            for target, sender in zip(options.targets, senders, strict=True)
        ]
        for route in routes:
            route.thread.start()
        _wait(routes, stop)
        return all(route.done for route in routes)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        cursor.close()


class _Route:
    """A courier and its thread. `done`: it ended, and its target has everything."""

    def __init__(self, url: str, sender: Sender, cursor: Cursor, options: ShipOptions, stop: threading.Event) -> None:
        self._url = url
        self._once = options.once
        self.done = False
        self._courier = Courier(options.directory, url, sender, cursor, options.pace, stop, time.time_ns, self._say)
        self.thread = threading.Thread(target=self._run, name=url, daemon=True)

    def _run(self) -> None:
        try:
            self.done = self._courier.drain() if self._once else self._courier.run()
        except AuditError as error:
            self._say(f"GIVEN UP: {error}")

    def _say(self, text: str) -> None:
        line = f"audit ship: {printable(self._url)}: {_clean(text)}\n"
        sys.stderr.write(line)
        sys.stderr.flush()


def _wait(routes: Sequence[_Route], stop: threading.Event) -> None:
    """Until all couriers have ended, but not for ever once told to stop: a receiver that hangs must not hold us."""
    while not stop.is_set() and any(route.thread.is_alive() for route in routes):
        stop.wait(0.2)
    deadline = time.monotonic() + GRACE_S
    for route in routes:
        route.thread.join(max(0.0, deadline - time.monotonic()) if stop.is_set() else None)


def _clean(text: str) -> str:
    """A line whose parts a receiver or a log may have chosen, safe to show on a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:500])
