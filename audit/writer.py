"""The writer process: one event loop that takes records from many clients and commits whatever has arrived at once.

No client can hold up another: sockets never block, what a client may leave unread or unfinished is bounded, and one
that breaks the protocol is dropped.
"""

import selectors
import socket
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from audit import wire
from audit.admission import admit
from audit.errors import AuditUnavailable, NotCanonical
from audit.journal import Journal

_READ = 1 << 18
_ROUNDS = 4  # looks for more records before a commit: a disk write costs more than a look
_BATCH_BYTES = 4 << 20
_MAX_UNREAD = 1 << 20  # bytes of replies that a peer has not fetched
_MAX_UNFINISHED = 64 << 20  # begun requests of all peers together
_CREDENTIALS = struct.Struct("iII")


@dataclass(slots=True, eq=False)
class _Peer:
    connection: socket.socket
    inbox: bytearray = field(default_factory=bytearray)
    outbox: bytearray = field(default_factory=bytearray)
    gone: bool = False


def allow_users(users: Collection[int]) -> Callable[[socket.socket], bool]:
    """A check of the kernel's word (SO_PEERCRED) on who is at the other end of a connection."""

    def allowed(connection: socket.socket) -> bool:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, _ = _CREDENTIALS.unpack(raw)
        return user in users

    return allowed


class Writer:
    """The loop. `stop` is a socket: when it can be read, what has arrived is committed and the log is sealed."""

    def __init__(
        self,
        journal: Journal,
        listener: socket.socket,
        stop: socket.socket,
        *,
        allowed: Callable[[socket.socket], bool],
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        exit_when_idle: float | None = None,
        max_peers: int = 512,
    ) -> None:
        self._journal = journal
        self._listener = listener
        self._stop = stop
        self._allowed = allowed
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._exit_when_idle = exit_when_idle
        self._max_peers = max_peers
        self._idle_since = monotonic()
        self._peers: set[_Peer] = set()
        self._pending: list[tuple[_Peer, bytes]] = []
        self._pending_bytes = 0
        self._unfinished = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until told to stop or idle for long enough, then seal the log.

        Raises `AuditUnavailable` if it cannot be sealed.
        """
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stop, selectors.EVENT_READ)
        try:
            while self._turn():
                pass
            for peer in list(self._peers):  # what had arrived when the signal came
                self._read(peer)
            self._commit()
        finally:
            for peer in list(self._peers):
                self._drop(peer)
            self._selector.close()
            self._journal.close(self._now_ns())

    def _turn(self) -> bool:
        events = self._selector.select(self._patience())
        for _ in range(_ROUNDS):
            for key, mask in events:
                if key.fileobj is self._stop:
                    return False
                self._serve(key, mask)
            if not self._pending or not (events := self._selector.select(0)):
                break
        self._commit()
        return self._patience() != 0

    def _serve(self, key: selectors.SelectorKey, mask: int) -> None:
        if key.fileobj is self._listener:
            self._accept()
            return
        if mask & selectors.EVENT_WRITE:
            self._flush(key.data)
        if mask & selectors.EVENT_READ:
            self._read(key.data)

    def _patience(self) -> float | None:
        """Seconds to wait for something to happen; 0 when the writer has been idle for long enough."""
        if self._exit_when_idle is None or self._peers:
            return None
        return max(0.0, self._idle_since + self._exit_when_idle - self._monotonic())

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again
            return
        if len(self._peers) >= self._max_peers or not self._allowed(connection):
            connection.close()
            return
        connection.setblocking(False)
        peer = _Peer(connection)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _read(self, peer: _Peer) -> None:
        if peer.gone:
            return
        try:
            data = peer.connection.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(peer)
            return
        self._unfinished -= len(peer.inbox)
        peer.inbox += data
        try:
            bodies = wire.take_requests(peer.inbox)
        except wire.BadFrame:
            peer.inbox.clear()
            self._drop(peer)
            return
        self._unfinished += len(peer.inbox)
        if self._unfinished > _MAX_UNFINISHED:
            self._drop(peer)
        for body in bodies:
            self._pending.append((peer, body))
            self._pending_bytes += len(body)
        if self._pending_bytes > _BATCH_BYTES:
            self._commit()

    def _commit(self) -> None:
        """Write all that is pending in one batch, then answer."""
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        reasons = [_refusal(body) for _, body in pending]
        bodies = [body for (_, body), reason in zip(pending, reasons, strict=True) if body and reason is None]
        try:
            index = self._journal.append(bodies, self._now_ns()) if bodies else self._journal.size
        except AuditUnavailable:
            index = 0
        broken = self._journal.broken
        for (peer, body), reason in zip(pending, reasons, strict=True):
            if broken:
                peer.outbox += wire.reply(wire.UNAVAILABLE, 0, broken)
            elif reason is not None:
                peer.outbox += wire.reply(wire.REFUSED, 0, reason)
            else:
                peer.outbox += wire.reply(wire.DURABLE, index, self._journal.origin)
                index += bool(body)
        for peer in {peer for peer, _ in pending}:
            self._flush(peer)

    def _flush(self, peer: _Peer) -> None:
        if peer.gone:
            return
        try:
            sent = peer.connection.send(peer.outbox)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(peer)
            return
        del peer.outbox[:sent]
        if len(peer.outbox) > _MAX_UNREAD:
            self._drop(peer)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.outbox else 0)
        if self._selector.get_key(peer.connection).events != events:
            self._selector.modify(peer.connection, events, peer)

    def _drop(self, peer: _Peer) -> None:
        if peer.gone:
            return
        peer.gone = True
        self._unfinished -= len(peer.inbox)
        self._peers.discard(peer)
        self._selector.unregister(peer.connection)
        peer.connection.close()
        self._idle_since = self._monotonic()


def _refusal(body: bytes) -> str | None:
    """Why a record cannot be written, or None. An empty body is a ping."""
    if body:
        try:
            admit(body)
        except NotCanonical as error:
            return str(error)
    return None
