"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1.1): pure arithmetic on hashes.

Leaf and node hashes carry different prefixes, so that no node can pass for a leaf.
"""

import hashlib
from collections.abc import Iterable

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree of which only the frontier is kept: the roots of its perfect subtrees, largest first.

    That is one hash for each bit set in `size`, enough for the root and for growing on, whatever the size.
    """

    __slots__ = ("_frontier", "size")

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        """Raise `ValueError` where the frontier cannot be one of a tree of `size` leaves."""
        self._frontier = list(frontier)
        self.size = size
        if size < 0 or len(self._frontier) != size.bit_count() or any(len(h) != HASH_SIZE for h in self._frontier):
            raise ValueError("frontier does not fit the size")

    @property
    def frontier(self) -> tuple[bytes, ...]:
        return tuple(self._frontier)

    def append(self, leaf: bytes) -> None:
        """Grow by one leaf, given as its `leaf_hash`."""
        node, position = leaf, self.size
        while position & 1:
            node = node_hash(self._frontier.pop(), node)
            position >>= 1
        self._frontier.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far; `EMPTY_ROOT` for none."""
        if not self._frontier:
            return EMPTY_ROOT
        node = self._frontier[-1]
        for left in self._frontier[-2::-1]:
            node = node_hash(left, node)
        return node

    def copy(self) -> "Tree":
        """An independent tree in the same state."""
        twin = Tree()
        twin.size, twin._frontier = self.size, self._frontier.copy()
        return twin
