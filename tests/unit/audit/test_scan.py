"""The state machine over lines: starting in the middle, copying, partial lines and anchors."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.directory import feed_file, segments
from audit.errors import Tampered
from audit.line import MAX_LINE
from audit.merkle import Tree
from audit.scan import Scanner


@pytest.fixture
def scanner(private: Ed25519PrivateKey) -> Scanner:
    """A scanner before the first line of a log."""
    return Scanner(private.public_key(), "host-a/hangu", Tree())


def test_whole_log(small_log: Path, scanner: Scanner) -> None:
    """After all lines the counts stand, the key is trusted and the log is sealed."""
    for name in segments(small_log):
        assert feed_file(scanner, small_log, name) == b""
    scanner.settle()
    assert (scanner.lines, scanner.records, scanner.checkpoints, scanner.unsigned) == (13, 3, 6, 0)
    assert (scanner.sealed, scanner.chain.ended, scanner.chain.number, scanner.chain.trusted) == (True, "stop", 2, True)


def test_from_the_middle(small_log: Path, scanner: Scanner, private: Ed25519PrivateKey) -> None:
    """A scan from a later segment reaches the same tree as one from the start."""
    for name in segments(small_log):
        feed_file(scanner, small_log, name)
    late = Scanner(private.public_key(), "host-a/hangu")
    feed_file(late, small_log, segments(small_log)[-1])
    late.settle()
    assert late.tree is not None
    assert scanner.tree is not None
    assert (late.lines, late.tree.root(), late.chain.number) == (13, scanner.tree.root(), 2)
    assert late.ledger.start == 7


def test_forged_frontier(small_log: Path, private: Ed25519PrivateKey) -> None:
    """A frontier that was changed in a `hdr` is not covered by the checkpoint behind it."""
    file = small_log / segments(small_log)[-1]
    data = file.read_bytes()
    place = data.index(b'"frontier":["') + 13
    file.write_bytes(data[:place] + (b"A" if data[place : place + 1] != b"A" else b"B") + data[place + 1 :])
    late = Scanner(private.public_key(), "host-a/hangu")
    with pytest.raises(Tampered):
        feed_file(late, small_log, file.name)


def test_copy(small_log: Path, scanner: Scanner) -> None:
    """A copy goes on by itself."""
    first, second = segments(small_log)
    feed_file(scanner, small_log, first)
    twin = scanner.copy(every=True)
    feed_file(twin, small_log, second)
    assert (scanner.lines, scanner.records, scanner.chain.number, scanner.ledger.segments) == (7, 2, 1, 1)
    assert (twin.lines, twin.records, twin.chain.number, twin.ledger.segments) == (13, 3, 2, 2)


@pytest.mark.parametrize(
    ("rest", "good"),
    [
        (b"", True),
        (b"{", True),
        (b'{"i":5,"k":"', True),
        (b'{"i":5,"k":"rec","r":{"any', True),
        (b"\0\0", True),
        (b'{"i":5\0\0', True),
        (b"x", False),
        (b'{"i":6', False),
        (b'\0{"i":5', False),
    ],
)
def test_partial_line(rest: bytes, good: bool, small_log: Path, scanner: Scanner) -> None:
    """Behind the last LF only the start of the next line may stand, then NULs."""
    scanner.begin("000000000000.log")
    for row in (small_log / "000000000000.log").read_bytes().splitlines()[:5]:
        scanner.feed(row)
    if good:
        scanner.check_partial(rest)
        return
    with pytest.raises(Tampered, match=r"^000000000000\.log:6: "):
        scanner.check_partial(rest)


def test_too_long(scanner: Scanner) -> None:
    """A line beyond the limit is refused before anything is made of it."""
    scanner.begin("000000000000.log")
    with pytest.raises(Tampered, match="longer than"):
        scanner.feed(b"x" * (MAX_LINE + 1))


def test_anchor(small_log: Path, scanner: Scanner) -> None:
    """An anchor that is met is done with, and its time is known."""
    scanner.anchors = {1: bytes(32), 99: bytes(32)}
    with pytest.raises(Tampered, match="anchor"):
        feed_file(scanner.copy(every=False), small_log, "000000000000.log")
    scanner.anchors = {99: bytes(32)}
    feed_file(scanner, small_log, "000000000000.log")
    assert (scanner.anchors, scanner.anchored) == ({99: bytes(32)}, (0, b""))
