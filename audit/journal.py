"""The log open for writing: batches become lines under a signed checkpoint, in one write and one fdatasync.

A record counts as durable when, and only when, `append` has returned its index.
"""

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audit import line as lines
from audit.bodies import ROTATE, STOP, end, header, note_body, recovery
from audit.checkpoint import Signer
from audit.directory import LOCK
from audit.errors import AuditUnavailable, LogBusy
from audit.merkle import leaf_hash
from audit.recovery import Opening, reopen
from audit.scan import SEGMENT_NAME
from audit.storage import Segment


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a segment that has records ends: at this size, or when a new period starts (3600: with each hour, UTC)."""

    max_bytes: int = 64 << 20
    period_seconds: int = 3600


class Journal:
    """One process's exclusive hold on a log directory. Not thread-safe."""

    def __init__(self, directory: Path, signer: Signer, rotation: Rotation, now_ns: int) -> None:
        """Lock the directory, recover if need be, and open a new segment.

        `now_ns` is UTC in nanoseconds, here and below. Raises `LogBusy`, `Tampered`, or `OSError` from the disk.
        """
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._directory = directory
        self._signer = signer
        self._rotation = rotation
        self._lock = _lock(directory)
        try:
            opening = reopen(directory, signer.key.public, signer.key.origin)
            self._tree = opening.tree
            self._time = opening.time
            self._number = opening.number
            self.broken = ""
            self._segment = self._new_segment(self._tree.size)
            self._open(now_ns, opening)
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
        self.broken = "an earlier commit did not finish"  # stands unless the end of this function is reached
        try:
            if self._due(now_ns):
                self._rotate(now_ns)
            first = self._tree.size
            self._write(self._segment, [(b"rec", body) for body in bodies], now_ns)
        except OSError as error:
            self.broken = f"the log cannot be written: {error}"
            raise AuditUnavailable(self.broken) from error
        self._records += self._tree.size - first - 1
        self.broken = ""
        return first

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
        """Seal the segment and open the next.

        The next file is there, empty, before the seal is: a seal by rotation without a successor is then never the
        trace of a crash, and a deleted last segment is seen.
        """
        sealed = self._segment
        self._segment = self._new_segment(self._tree.size + 2)  # behind `end` and its checkpoint
        self._write(sealed, [(b"end", end(ROTATE))], now_ns)
        sealed.close()
        self._open(now_ns)

    def _new_segment(self, first: int) -> Segment:
        return Segment(self._directory / SEGMENT_NAME.format(first))

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
        self._time = time = max(lines.timestamp(now_ns), self._time)
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


def _lock(directory: Path) -> int:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LogBusy(f"{directory}: another writer holds this log") from error
    return descriptor
