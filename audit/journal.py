"""The log open for writing: batches become lines under a signed checkpoint, in one write and one fdatasync.

A record counts as durable when, and only when, `append` has returned its index.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import line as lines
from audit.bodies import REKEY, ROTATE, STOP, Purge, end, header, note_body, purge, recovery
from audit.chain import SEGMENT_NAME
from audit.checkpoint import Signer
from audit.clock import LineClock, step_record
from audit.errors import AuditUnavailable, KeyUnusable, LogBusy, RecordRefused, Tampered
from audit.exclusive import lock_for_writing, tidying
from audit.merkle import leaf_hash
from audit.purge import carry_out, cutoff, plan
from audit.recovery import Opening, reopen
from audit.storage import Segment
from audit.watch import Watch

HEARTBEAT = b'{"event":"audit.heartbeat"}'


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a segment that has records ends: at this size, or when a new period starts (3600: with each hour, UTC)."""

    max_bytes: int = 64 << 20
    period_seconds: int = 3600


class Journal:
    """One process's exclusive hold on a log directory. Not thread-safe."""

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        rotation: Rotation,
        now_ns: int,
        predecessor: Ed25519PublicKey | None = None,
    ) -> None:
        """Lock the directory, recover if need be, and open a new segment.

        `now_ns` is UTC in nanoseconds, here and below. `predecessor` is the key whose hand-over to this one a crash cut
        short. Raises `LogBusy`, `Tampered`, `KeyUnusable` where another key writes this log, or `OSError`.
        """
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._directory = directory
        self._signer = signer
        self._rotation = rotation
        self._lock = lock_for_writing(directory)
        try:
            opening = reopen(directory, signer.key.public, signer.key.origin, predecessor)
            self._tree = opening.tree
            self._clock = LineClock(opening.time)
            self._number = opening.number
            self.broken = ""
            self._watch = Watch(directory)
            self._segment = self._new_segment(self._tree.size)
            self._start(now_ns, opening)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def origin(self) -> str:
        return self._signer.key.origin

    @property
    def size(self) -> int:
        """Lines so far, which is the next index."""
        return self._tree.size

    def append(self, bodies: Iterable[bytes], now_ns: int) -> int:
        """Write one record for each body (canonical, unchecked here) and return the index of the first, when durable.

        Raises `AuditUnavailable` if that fails, and from then on always: what is on disk is then no longer known.
        """
        self._refuse_if_broken()
        with self._all_or_nothing():
            self._watch.check(self._segment.stamp.written_ns)
            if self._due(now_ns):
                self._rotate(now_ns)
            entries = [(b"rec", body) for body in bodies]
            if behind_ms := self._clock.stepped_back(now_ns):
                entries.insert(0, (b"rec", step_record(behind_ms)))
            first = self._tree.size + (behind_ms > 0)
            self._write(self._segment, entries, now_ns)
        self._records += len(entries)
        return first

    def beat(self, now_ns: int) -> None:
        """Record that the writer lives though nothing happens, after a look at all segments.

        Raises `AuditUnavailable`, as `append` does.
        """
        self._refuse_if_broken()
        with self._all_or_nothing():
            self._watch.check_segments()
        self.append([HEARTBEAT], now_ns)

    def purge(self, keep_days: int, now_ns: int) -> list[str]:
        """Remove the oldest segments whose lines are all older than `keep_days`, and return the names of the files.

        Call it again until nothing is removed: one call does no more than keeps others waiting for a moment. The line
        that says so is durable before any file goes. Raises `RecordRefused`, with nothing changed, for fewer days than
        `RETENTION_FLOOR_DAYS`, while an archiver is at work, or where an old segment cannot be read; else as `append`.
        """
        before = cutoff(keep_days, now_ns)
        self._refuse_if_broken()
        try:
            with tidying(self._directory):
                what = plan(self._directory, before)
                return self._purge(what, now_ns) if what is not None else []
        except (LogBusy, Tampered, OSError) as error:
            raise RecordRefused(f"nothing was purged: {error}") from error

    def hand_over(self, signer: Signer, now_ns: int) -> None:
        """End this segment with a line that names the next key, and go on in a new segment under that key.

        Raises `KeyUnusable` unless it is another key for the same origin, else as `append` does.
        """
        if signer.key.origin != self.origin or signer.key.public == self._signer.key.public:
            raise KeyUnusable(f"a log is handed over to another key for `{self.origin}`")
        self._refuse_if_broken()
        with self._all_or_nothing():
            self._seal(end(REKEY, signer.key), now_ns)
            self._signer = signer
            self._open(now_ns)

    def close(self, now_ns: int) -> None:
        """Seal the log and let it go. Raises `AuditUnavailable` where that fails or the log was given up before."""
        try:
            self._refuse_if_broken()
            self._write(self._segment, [(b"end", end(STOP))], now_ns)
            self.broken = "the log is closed"
        except OSError as error:
            self.broken = f"the log cannot be written: {error}"
            raise AuditUnavailable(self.broken) from error
        finally:
            self._segment.close()
            os.close(self._lock)

    def _purge(self, what: Purge, now_ns: int) -> list[str]:
        with self._all_or_nothing():
            self._watch.check(self._segment.stamp.written_ns)
            self._write(self._segment, [(b"purge", purge(what))], now_ns)
            gone = carry_out(self._directory, what)
            for name in gone:
                self._watch.removed(name)
        return gone

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Give the log up for good unless what is inside reaches its end: what is on disk is then no longer known."""
        self.broken = "an earlier commit did not finish"
        try:
            yield
        except OSError as error:
            self.broken = f"the log cannot be written: {error}"
            raise AuditUnavailable(self.broken) from error
        self.broken = ""

    def _refuse_if_broken(self) -> None:
        if self.broken:
            raise AuditUnavailable(self.broken)

    def _due(self, now_ns: int) -> bool:
        if not self._records:
            return False
        return self._segment.size >= self._rotation.max_bytes or self._period_of(now_ns) > self._period

    def _period_of(self, now_ns: int) -> int:
        return now_ns // (self._rotation.period_seconds * 1_000_000_000)

    def _rotate(self, now_ns: int) -> None:
        self._seal(end(ROTATE), now_ns)
        self._open(now_ns)

    def _seal(self, body: bytes, now_ns: int) -> None:
        """End the segment, with the file of the next in place.

        The next file is there, empty, before the seal is: a seal by rotation without a successor is then never the
        trace of a crash, and a deleted last segment is seen.
        """
        sealed = self._segment
        self._segment = self._new_segment(self._tree.size + 2)  # behind `end` and its checkpoint
        self._write(sealed, [(b"end", body)], now_ns)
        sealed.close()
        self._watch.sealed(sealed.name, sealed.stamp)
        self._watch.check_segments()

    def _new_segment(self, first: int) -> Segment:
        segment = Segment(self._directory / SEGMENT_NAME.format(first))
        self._watch.opened(segment.name)
        return segment

    def _start(self, now_ns: int, opening: Opening) -> None:
        """Open the first segment. If nothing of it can be written, no file stays behind.

        A writer that is started over and over on a full disk would else leave one file more each time.
        """
        try:
            self._open(now_ns, opening)
        except BaseException:
            self._segment.abandon()
            raise

    def _open(self, now_ns: int, opening: Opening | None = None) -> None:
        self._number += 1
        self._records = 0
        self._period = self._period_of(now_ns)
        entries = [(b"hdr", header(self._signer.key, self._number, self._tree))]
        if opening is not None and not opening.clean:
            entries.append((b"rcv", recovery(opening.torn)))
        self._write(self._segment, entries, now_ns)

    def _write(self, segment: Segment, entries: list[tuple[bytes, bytes]], now_ns: int) -> None:
        """Write the lines and a checkpoint over all lines so far. All have one time, never before the last one."""
        time = self._clock.tick(now_ns)
        tree = self._tree
        batch = []
        for kind, body in entries:
            batch.append(line := lines.build(tree.size, kind, body, time))
            tree.append(leaf_hash(line))
        note = self._signer.sign(tree.size, tree.root())
        batch.append(line := lines.build(tree.size, b"ckpt", note_body(note), time))
        tree.append(leaf_hash(line))
        batch.append(b"")
        segment.append(b"\n".join(batch))
