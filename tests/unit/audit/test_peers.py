"""Connections one by one: whose they are, what they may leave behind, and that nothing of them stays."""

import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit import wire
from audit.peers import Peer, Peers, user_of

OWN = os.geteuid()


class Place:
    """A listening socket with peers behind it, and the clients that a test connects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.stop, self.wake = socket.socketpair()
        self.clients: list[socket.socket] = []
        self.peers = self.open({OWN}, 3)

    def open(self, users: set[int], limit: int) -> Peers:
        """Other rules for the same socket."""
        self.peers = Peers(self.listener, self.stop, users=users, limit=limit)
        return self.peers

    def connect(self) -> socket.socket:
        """A client, after the peers had their turn to take it in."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(str(self.path))
        self.clients.append(client)
        assert self.peers.wait(10) == ([], False)
        return client

    def next_peer(self) -> Peer:
        """The one peer that has something to say."""
        ((peer,), woken) = self.peers.wait(10)
        assert not woken
        return peer


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place with room for three clients of our own user."""
    place = Place(tmp_path / "s")
    yield place
    place.peers.close()
    for each in (place.listener, place.stop, place.wake, *place.clients):
        each.close()


def test_requests(place: Place) -> None:
    """What a client sends arrives as its requests, half a frame only when it is whole."""
    client = place.connect()
    client.sendall(wire.request(b"{}") + wire.request(b'{"a":1}')[:5])
    peer = place.next_peer()
    assert (peer.user, place.peers.read(peer)) == (OWN, [b"{}"])
    client.sendall(wire.request(b'{"a":1}')[5:])
    assert place.peers.read(place.next_peer()) == [b'{"a":1}']
    assert place.peers.read(peer) == []


def test_user_of_a_connection(place: Place) -> None:
    """The kernel says who is at the other end."""
    assert user_of(place.connect()) == OWN


def test_stranger(place: Place) -> None:
    """A user who is not on the list is hung up on."""
    place.open({OWN + 1}, 3)
    assert place.connect().recv(1) == b""
    assert len(place.peers) == 0


def test_limit(place: Place) -> None:
    """Beyond the limit connections are closed at once; when one goes, there is a place again."""
    first, *_ = [place.connect() for _ in range(3)]
    assert place.connect().recv(1) == b""
    first.close()
    assert place.peers.read(place.next_peer()) == []
    assert len(place.peers) == 2
    place.connect()
    assert len(place.peers) == 3


def test_nonsense(place: Place) -> None:
    """A client that breaks the protocol is hung up on, the others are not."""
    bad, good = place.connect(), place.connect()
    bad.sendall(b"GET / HTTP/1.1\r\n")
    assert place.peers.read(place.next_peer()) == []
    assert bad.recv(1) == b""
    good.sendall(wire.request(b"{}"))
    assert place.peers.read(place.next_peer()) == [b"{}"]


def test_unfinished_requests_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun requests of all peers together stay below a limit; who goes beyond it is dropped, and its bytes with it."""
    monkeypatch.setattr("audit.peers._MAX_UNFINISHED", 150)
    first, second = place.connect(), place.connect()
    for client in (first, second):
        client.sendall(wire.request(b"x" * 200)[:100])
        place.peers.read(place.next_peer())
    assert second.recv(1) == b""
    third = place.connect()
    third.sendall(wire.request(b"x" * 200)[:40])
    assert place.peers.read(place.next_peer()) == []
    assert len(place.peers) == 2


def test_replies_wait_for_their_reader(place: Place) -> None:
    """Replies that the kernel does not take yet are kept and sent when it does, in order."""
    client = place.connect()
    client.sendall(wire.request(b"{}"))
    peer = place.next_peer()
    place.peers.read(peer)
    sent = b"".join(i.to_bytes(4, "big") for i in range(200_000))
    peer.outbox += sent
    place.peers.flush(peer)
    assert peer.blocked
    received = bytearray()
    while len(received) < len(sent):
        received += client.recv(1 << 16)
        place.peers.wait(0)
    assert received == sent
    place.peers.wait(0)
    assert not peer.blocked


def test_replies_that_nobody_reads(place: Place) -> None:
    """A client that leaves more than a megabyte of replies unread is dropped."""
    client = place.connect()
    client.sendall(wire.request(b"{}"))
    peer = place.next_peer()
    peer.outbox += bytes(4 << 20)
    place.peers.flush(peer)
    assert peer.gone
    place.peers.flush(peer)
    place.peers.drop(peer)
    assert len(place.peers) == 0


def test_woken(place: Place) -> None:
    """The wake socket ends the wait, also beside clients that send."""
    client = place.connect()
    client.sendall(wire.request(b"{}"))
    place.wake.send(b"x")
    readable, woken = place.peers.wait(10)
    assert (len(readable), woken) == (1, True)


def test_close(place: Place) -> None:
    """At the end everyone is hung up on."""
    client = place.connect()
    place.peers.close()
    assert client.recv(1) == b""
    assert select.select([client], [], [], 0)[0] == [client]
    place.open({OWN}, 1)
