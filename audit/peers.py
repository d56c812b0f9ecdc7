"""The writer's side of all connections: who may connect, and how much one may leave unfinished or unread.

No client can hold up another: sockets never block, what each may leave behind is bounded, and one that breaks the
protocol is dropped.
"""

import select
import socket
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from audit import wire

_READ = 1 << 16  # a larger buffer is mapped and unmapped by each recv, which costs more than the recv
_MAX_UNREAD = 1 << 20  # bytes of replies that a peer has not fetched
_MAX_UNFINISHED = 64 << 20  # begun requests of all peers together
_CREDENTIALS = struct.Struct("iII")


@dataclass(slots=True, eq=False)
class Peer:
    """One connection. `outbox` holds replies that are not sent yet."""

    connection: socket.socket
    user: int
    inbox: bytearray = field(default_factory=bytearray)
    outbox: bytearray = field(default_factory=bytearray)
    blocked: bool = False  # the kernel took less than the outbox
    gone: bool = False


def user_of(connection: socket.socket) -> int:
    """The kernel's word (SO_PEERCRED) on who opened the other end of a connection."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(raw)[1]
    return user


class Peers:
    """All connections behind one listening socket, and what happens on them."""

    def __init__(
        self,
        listener: socket.socket,
        wake: socket.socket,
        *,
        users: Collection[int],
        limit: int,
        user_of: Callable[[socket.socket], int] = user_of,
    ) -> None:
        """Take connections of `users`, at most `limit` at a time. `wait` also ends when `wake` can be read."""
        self._listener = listener
        self._users = users
        self._user_of = user_of
        self._limit = limit
        self._unfinished = 0
        self._peers: dict[int, Peer] = {}
        self._listener.setblocking(False)
        self._wake = wake.fileno()
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(wake, select.EPOLLIN)

    def __len__(self) -> int:
        return len(self._peers)

    def wait(self, seconds: float | None) -> tuple[list[Peer], bool]:
        """The peers that have sent something within `seconds` (None: for ever), and whether `wake` can be read."""
        readable, woken = [], False
        for descriptor, mask in self._poll.poll(seconds):
            peer = self._peers.get(descriptor)
            if peer is None:
                woken = woken or descriptor == self._wake
                if descriptor == self._listener.fileno():
                    self._accept()
                continue
            if mask & select.EPOLLOUT:
                self.flush(peer)
            if mask & ~select.EPOLLOUT:
                readable.append(peer)
        return readable, woken

    def all(self) -> list[Peer]:
        return list(self._peers.values())

    def read(self, peer: Peer) -> list[wire.Request]:
        """The requests that are whole by now. A peer that has hung up or talks nonsense is dropped."""
        try:
            data = b"" if peer.gone else peer.connection.recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.drop(peer)
            return []
        self._unfinished -= len(peer.inbox)
        peer.inbox += data
        try:
            requests = wire.take_requests(peer.inbox)
        except wire.BadFrame:
            peer.inbox.clear()
            self.drop(peer)
            return []
        self._unfinished += len(peer.inbox)
        if self._unfinished > _MAX_UNFINISHED:
            self.drop(peer)
        return requests

    def flush(self, peer: Peer) -> None:
        """Send what the kernel takes of the outbox now; the rest goes when it takes more."""
        if peer.gone:
            return
        try:
            sent = peer.connection.send(peer.outbox)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop(peer)
            return
        del peer.outbox[:sent]
        if len(peer.outbox) > _MAX_UNREAD:
            self.drop(peer)
            return
        if bool(peer.outbox) != peer.blocked:
            peer.blocked = not peer.blocked
            self._poll.modify(peer.connection, select.EPOLLIN | (select.EPOLLOUT if peer.blocked else 0))

    def drop(self, peer: Peer) -> None:
        """Hang up."""
        if peer.gone:
            return
        peer.gone = True
        self._unfinished -= len(peer.inbox)
        del self._peers[peer.connection.fileno()]
        peer.connection.close()  # which takes it out of the poll as well

    def close(self) -> None:
        """Hang up on everyone."""
        for peer in self.all():
            self.drop(peer)
        self._poll.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again, or the host is out of files
            return
        user = self._user_of(connection)
        if len(self._peers) >= self._limit or user not in self._users:
            connection.close()
            return
        connection.setblocking(False)
        self._peers[connection.fileno()] = Peer(connection, user)
        self._poll.register(connection, select.EPOLLIN)
