"""The writer's loop: records from many clients, of which whatever has arrived is committed at once."""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from audit import wire
from audit.admission import admit
from audit.errors import AuditError, AuditUnavailable, NotCanonical
from audit.journal import Journal
from audit.line import MAX_BODY, MAX_LINE
from audit.peers import Peer, Peers

_GAP = 100e-6  # seconds without a record, after which no more are waited for
_LONGEST = 20 * _GAP  # wait for more, however they are spaced
_BATCH_BYTES = 4 << 20  # with what stands in a line around each record: a commit stays below `directory.MAX_TAIL`
_FRAME = MAX_LINE - MAX_BODY


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds without which event something is due; None or 0: never."""

    heartbeat: float = 0.0  # without a record: a heartbeat is recorded
    idle_exit: float | None = None  # without a client: the log is sealed


class Writer:
    """The loop over one journal and its peers. Once `Peers.wait` is woken, what has arrived is committed and sealed."""

    def __init__(
        self,
        journal: Journal,
        peers: Peers,
        *,
        operators: Collection[int],
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        timers: Timers | None = None,
    ) -> None:
        """`operators` are the users who may give commands."""
        self._journal = journal
        self._peers = peers
        self._operators = operators
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._timers = timers or Timers()
        self._occupied_at = self._recorded_at = monotonic()
        self._pending: list[tuple[Peer, bytes, str | None]] = []  # whose, the record, why it is refused
        self._pending_bytes = 0
        self._expected = 0  # records that came together the last time

    def run(self) -> None:
        """Serve until told to stop or idle for long enough, then seal the log.

        Raises `AuditUnavailable` if it cannot be sealed.
        """
        try:
            while self._turn():
                pass
            for peer in self._peers.all():  # what had arrived when the signal came
                self._take(peer)
            self._commit()
        finally:
            self._peers.close()
            self._journal.close(self._now_ns())

    def _turn(self) -> bool:
        """Wait, gather, commit. Whether to go on."""
        occupied = len(self._peers) > 0
        readable, woken = self._peers.wait(self._patience())
        if occupied:
            self._occupied_at = self._monotonic()
        for peer in readable:
            self._take(peer)
        woken = self._await_more() or woken
        self._commit()
        if self._until_heartbeat() == 0:
            self._beat()
        return not woken and self._until_exit() != 0

    def _await_more(self) -> bool:
        """Take what comes at once behind the first records, since a disk write costs more than a short wait.

        Whoever was answered by the last commit is about to send again: wait for as many, but not past a gap. Who
        writes alone waits for nobody. Whether the loop was woken.
        """
        expected, self._expected = self._expected, len(self._pending)
        last = start = self._monotonic()
        while 0 < len(self._pending) < expected and (now := self._monotonic()) < min(last + _GAP, start + _LONGEST):
            os.sched_yield()  # where there is one core, they need it to send
            readable, woken = self._peers.wait(0)
            for peer in readable:
                self._take(peer)
            if woken:
                return True
            if len(self._pending) > self._expected:
                self._expected, last = len(self._pending), now
        return False

    def _patience(self) -> float | None:
        """Seconds to wait for something to happen."""
        waits = [wait for wait in (self._until_heartbeat(), self._until_exit()) if wait is not None]
        return min(waits, default=None)

    def _until_heartbeat(self) -> float | None:
        if not self._timers.heartbeat:
            return None
        return max(0.0, self._recorded_at + self._timers.heartbeat - self._monotonic())

    def _until_exit(self) -> float | None:
        if self._timers.idle_exit is None or len(self._peers):
            return None
        return max(0.0, self._occupied_at + self._timers.idle_exit - self._monotonic())

    def _take(self, peer: Peer) -> None:
        for request in self._peers.read(peer):
            if isinstance(request, wire.PurgeCommand):
                self._commit()  # replies keep the order of the requests
                self._purge(peer, request)
                continue
            self._pending.append((peer, request, _refusal(request)))  # checked here, while others are still sending
            self._pending_bytes += len(request) + _FRAME
        if self._pending_bytes > _BATCH_BYTES:
            self._commit()

    def _commit(self) -> None:
        """Write all that is pending in one batch, then answer."""
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        bodies = [body for _, body, reason in pending if body and reason is None]
        index = self._append(bodies) if bodies else self._journal.size
        broken = self._journal.broken
        for peer, body, reason in pending:
            if broken:
                peer.outbox += wire.reply(wire.UNAVAILABLE, 0, broken)
            elif reason is not None:
                peer.outbox += wire.reply(wire.REFUSED, 0, reason)
            else:
                peer.outbox += wire.reply(wire.DURABLE, index, self._journal.origin)
                index += bool(body)
        for peer in {peer for peer, _, _ in pending}:
            self._peers.flush(peer)

    def _append(self, bodies: list[bytes]) -> int:
        """Index of the first record; where there is none, the journal says why it is broken."""
        try:
            return self._journal.append(bodies, self._now_ns())
        except AuditUnavailable:
            return 0
        finally:
            self._recorded_at = self._monotonic()

    def _beat(self) -> None:
        """Record that nothing was recorded. A log that takes nothing more says so to its clients, not here."""
        self._recorded_at = self._monotonic()
        with suppress(AuditUnavailable):
            self._journal.beat(self._now_ns())

    def _purge(self, peer: Peer, command: wire.PurgeCommand) -> None:
        """Remove old segments, if the peer may ask for that, and answer."""
        if peer.user in self._operators:
            answer = self._purged(command.days)
        else:
            answer = wire.reply(wire.REFUSED, 0, "only root and the user that the writer runs as may purge")
        peer.outbox += answer
        self._peers.flush(peer)

    def _purged(self, days: int) -> bytes:
        try:
            return wire.purge_reply(self._journal.purge(days, self._now_ns()))
        except AuditUnavailable as error:
            return wire.reply(wire.UNAVAILABLE, 0, str(error))
        except (AuditError, OSError) as error:  # nothing was begun
            return wire.reply(wire.REFUSED, 0, str(error))


def _refusal(body: bytes) -> str | None:
    """Why a record cannot be written, or None. An empty body is a ping."""
    if body:
        try:
            admit(body)
        except NotCanonical as error:
            return str(error)
    return None
