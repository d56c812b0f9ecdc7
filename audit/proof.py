"""Inclusion and consistency proofs of RFC 6962 section 2.1 (RFC 9162 section 2.1.3 and 2.1.4): pure arithmetic.

A proof is a list of node hashes. `inclusion_spans` and `consistency_spans` say which nodes; who has the lines on disk
reads these (`audit.nodes`). The builders here take a tree as its leaf hashes *from some point on*: all that lies before
that point is known by the frontier of the tree there, so a proof never needs the whole log.
"""

from collections.abc import Sequence

from audit.errors import ProofInvalid
from audit.merkle import HASH_SIZE, Tree, node_hash

__all__ = [
    "Leaves",
    "ProofInvalid",
    "check_consistency",
    "check_inclusion",
    "consistency_proof",
    "consistency_spans",
    "inclusion_proof",
    "inclusion_spans",
]

Span = tuple[int, int]  # a node of the tree by the leaves below it: from the first up to, not with, the second


class Leaves:
    """The leaf hashes of a tree from index `base.size` on, with everything before them as the frontier of `base`."""

    def __init__(self, base: Tree, hashes: Sequence[bytes]) -> None:
        self._hashes = hashes
        self._base = base.size
        self._perfect = {}
        start = 0
        for node in base.frontier:
            width = 1 << ((base.size - start).bit_length() - 1)
            self._perfect[start, start + width] = node
            start += width

    @property
    def size(self) -> int:
        return self._base + len(self._hashes)

    def root(self, start: int, stop: int) -> bytes:
        """MTH(D[start:stop]), 0 <= start < stop <= size. Raises `ValueError` where the frontier does not reach."""
        known = self._perfect.get((start, stop))
        if known is not None:
            return known
        if stop - start > 1:
            middle = start + _split(stop - start)
            return node_hash(self.root(start, middle), self.root(middle, stop))
        if start < self._base:
            raise ValueError(f"leaf {start} lies before the first known leaf, {self._base}")
        return self._hashes[start - self._base]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The nodes of PATH(index, D[0:size]), from the leaf upwards. Raises `ValueError` unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError("index must be below the size of the tree")
    path = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The nodes of PROOF(old, D[0:new]). Raises `ValueError` unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError("sizes must be positive and in order")
    path = []
    start, stop, whole = 0, new, True
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, stop))
    return path[::-1]


def inclusion_proof(leaves: Leaves, index: int, size: int) -> list[bytes]:
    """PATH(index, D[0:size]), from the leaf upwards. Raises `ValueError` unless 0 <= index < size <= known leaves."""
    if size > leaves.size:
        raise ValueError("the tree must be known up to its size")
    return [leaves.root(start, stop) for start, stop in inclusion_spans(index, size)]


def consistency_proof(leaves: Leaves, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[0:new]). Raises `ValueError` unless 0 < old <= new <= known leaves."""
    if new > leaves.size:
        raise ValueError("the tree must be known up to its size")
    return [leaves.root(start, stop) for start, stop in consistency_spans(old, new)]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if the leaf hash stands at `index` in the tree of this size and root (RFC 9162 section 2.1.3.2).

    Raises `ProofInvalid`.
    """
    if not 0 <= index < size:
        raise ProofInvalid("the index is not below the size of the tree")
    node, position, last = leaf, index, size - 1
    for sibling in _nodes(proof):
        if last == 0:
            raise ProofInvalid("the inclusion proof is too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the inclusion proof is too short")
    if node != root:
        raise ProofInvalid("the inclusion proof does not lead to the root")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Return only if the tree of `old` leaves is the start of the one of `new` (RFC 9162 section 2.1.4.2).

    Raises `ProofInvalid`. A tree without leaves is the start of every tree, which shows nothing, so `old` is positive.
    """
    if not 0 < old <= new:
        raise ProofInvalid("sizes must be positive and in order")
    if old == new:
        if proof or old_root != new_root:
            raise ProofInvalid("two trees of one size must have one root")
        return
    nodes = _nodes(proof)
    if old & (old - 1) == 0:
        nodes = [old_root, *nodes]
    if not nodes:
        raise ProofInvalid("the consistency proof is too short")
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    before = after = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            raise ProofInvalid("the consistency proof is too long")
        if position & 1 or position == last:
            before = node_hash(sibling, before)
            after = node_hash(sibling, after)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            after = node_hash(after, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the consistency proof is too short")
    if before != old_root or after != new_root:
        raise ProofInvalid("the consistency proof does not lead to both roots")


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _nodes(proof: Sequence[bytes]) -> list[bytes]:
    if any(len(node) != HASH_SIZE for node in proof):
        raise ProofInvalid(f"a node of a proof has {HASH_SIZE} bytes")
    return list(proof)
