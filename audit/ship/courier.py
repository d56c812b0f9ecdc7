"""One target's courier: read what is committed, send it, move the cursor, wait; each with its own place in the log.

At least once: the cursor moves only when the receiver has a batch, so what is uncertain is sent again. One batch is all
that is in memory. A courier knows nothing of the others, so that a slow receiver delays only itself.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from audit.errors import AuditError, ShippingFailed
from audit.export.record import Record
from audit.line import timestamp
from audit.ship.cursor import Cursor, Reached
from audit.ship.sender import NotTaken, Refused, Sender
from audit.ship.tail import Batch, Gap, Position, Tail

FIRST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_ASKED_S = 0.5, 60.0, 600.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """`batch`: records in memory at most, apart from the commit that exceeds it; `every`: seconds between looks."""

    batch: int = 1000
    every: float = 1.0


class Courier:
    """Ships one log to one target. `run` and `drain` are for one thread; `say` takes one line for the operator."""

    def __init__(
        self,
        directory: Path,
        url: str,
        sender: Sender,
        cursor: Cursor,
        pace: Pace,
        stop: threading.Event,
        now_ns: Callable[[], int],
        say: Say,
    ) -> None:
        reached = cursor.get(url)
        self._tail = Tail(directory, reached.position if reached else Position(), reached.origin if reached else None)
        self._url = url
        self._sender = sender
        self._cursor = cursor
        self._pace = pace
        self._stop = stop
        self._now_ns = now_ns
        self._say = say
        self._held: Batch | None = None  # read, but not known to be taken
        self._failures = 0
        self._refused: set[int] = set()  # indexes in the batch
        self.lost = 0  # records that the receiver refused for good, and lines that were purged before it got them

    def run(self) -> bool:
        """Ship until told to stop, then what is left. False: some could not be shipped, or was lost.

        Raises `ShippingFailed` where the log is not the one that was shipped before, or the cursor cannot be kept.
        """
        while not self._stop.is_set():
            try:
                if not self._advance():
                    self._stop.wait(self._pace.every)
            except ShippingFailed:
                raise
            except NotTaken as error:
                self._pause(str(error), error.retry_after)
            except (AuditError, OSError) as error:  # no log yet, or one that an operator has to look at
                self._pause(str(error), None)
        return self.drain()

    def drain(self) -> bool:
        """Ship what is there now, trying once. False where that failed or something was lost. Raises like `run`."""
        try:
            while self._advance():
                pass
        except NotTaken as error:
            self._say(f"not delivered: {error}")
            return False
        except OSError as error:
            raise ShippingFailed(f"{error.filename or 'the log'}: {error.strerror or error}") from error
        finally:
            self._sender.close()
        return not self.lost

    def _advance(self) -> bool:
        """Ship the next batch and move the cursor. False: there is nothing to ship."""
        batch = self._held = self._held or self._tail.read(self._pace.batch)
        if batch is None:
            return False
        records = batch.records if batch.gap is None else [self._notice(batch.origin, batch.gap)]
        if records:
            self._send(records)
        self._cursor.put(self._url, Reached(batch.origin, batch.position))
        self.lost += len(self._refused) + (batch.gap.next - batch.gap.first if batch.gap else 0)
        self._held, self._refused = None, set()
        if self._failures:
            self._say(f"delivering again after {self._failures} failures")
            self._failures = 0
        return True

    def _send(self, records: Sequence[Record]) -> None:
        """Send; where the receiver refuses records for good, find out which, say so, and leave those behind."""
        try:
            complaint = self._sender.send(records)
        except Refused as error:
            if len(records) > 1:
                middle = len(records) // 2
                self._send(records[:middle])
                self._send(records[middle:])
                return
            self._refused.add(records[0].index)
            complaint = f"record {records[0].id} is refused for good and left out: {error}"
        if complaint:
            self._say(complaint)

    def _notice(self, origin: str, gap: Gap) -> Record:
        """What the receiver is told in the place of lines that were purged before it got them."""
        count = gap.next - gap.first
        self._say(f"GAP: {count} lines, {gap.first} to {gap.next - 1}, were purged before this target got them")
        fields = {"event": "ship.gap", "first": gap.first, "lines": count, "next": gap.next}
        return Record(origin, gap.next, timestamp(self._now_ns()).decode(), orjson.dumps(fields), fields)

    def _pause(self, why: str, asked: float | None) -> None:
        """Wait longer after each failure, at random times so that many senders do not come back at once."""
        self._failures += 1
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures - 1, 20))
        pause = random.uniform(longest / 2, longest)  # noqa: S311  # spreads load, keeps no secret
        if asked is not None:
            pause = max(pause, min(asked, LONGEST_ASKED_S))
        self._say(f"{why} (attempt {self._failures}, the next in {pause:.1f} s)")
        self._stop.wait(pause)
