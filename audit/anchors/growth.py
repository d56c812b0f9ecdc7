"""How a tree grew from an older size on: enough for its root and for a consistency proof, in constant memory.

Kept are the roots of the perfect subtrees that cover the lines before the older size (its frontier) and those since.
Every node of a proof between the two sizes is one of these or is made of some (RFC 6962 section 2.1.2 cuts trees at
powers of two), so nothing below them is needed again.
"""

from audit.merkle import Tree, node_hash
from audit.proof import consistency_spans


class Growth:
    """The tree `base` and the leaves appended since."""

    __slots__ = ("_fresh", "_nodes", "old", "size")

    def __init__(self, base: Tree) -> None:
        self.old = self.size = base.size
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._fresh: list[tuple[int, int]] = []  # perfect subtrees since `old`, in order
        start = 0
        for node in base.frontier:
            width = 1 << ((base.size - start).bit_length() - 1)
            self._nodes[start, start + width] = node
            start += width

    def append(self, leaf: bytes) -> None:
        """Grow by one leaf, given as its `leaf_hash`."""
        start, stop, node = self.size, self.size + 1, leaf
        while self._fresh:
            left = self._fresh[-1]
            if left[1] - left[0] != stop - start or left[0] % (2 * (stop - start)):
                break
            self._fresh.pop()
            start, node = left[0], node_hash(self._nodes.pop(left), node)
        self._fresh.append((start, stop))
        self._nodes[start, stop] = node
        self.size += 1

    def proof(self) -> list[bytes]:
        """The consistency proof from `old` to `size`; empty where one of them is 0 or nothing was appended."""
        if self.old == 0:
            return []
        return [self._node(start, stop) for start, stop in consistency_spans(self.old, self.size)]

    def tree(self) -> Tree:
        """The tree at `size`."""
        frontier, start = [], 0
        while start < self.size:
            width = 1 << ((self.size - start).bit_length() - 1)
            frontier.append(self._node(start, start + width))
            start += width
        return Tree(self.size, frontier)

    def _node(self, start: int, stop: int) -> bytes:
        known = self._nodes.get((start, stop))
        if known is not None:
            return known
        middle = start + (1 << ((stop - start - 1).bit_length() - 1))
        return node_hash(self._node(start, middle), self._node(middle, stop))
