"""Laws of the tree: growing leaf by leaf gives the recursive root of RFC 6962, wherever the growth was interrupted."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import Tree, leaf_hash


def recursive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=3), max_size=70), st.integers(0, 70))
def test_root(leaves: list[bytes], pause: int) -> None:
    """The root of a tree that was stored as size and frontier half-way is the root of all leaves."""
    tree = Tree()
    for number, leaf in enumerate(leaves):
        if number == pause:
            tree = Tree(tree.size, tree.frontier)
        tree.append(leaf_hash(leaf))
    assert (tree.size, tree.root()) == (len(leaves), recursive_root(leaves))


@given(st.lists(st.binary(max_size=3), max_size=20))
def test_copy_is_independent(leaves: list[bytes]) -> None:
    """A copy does not grow with its original."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    before, copy = tree.root(), tree.copy()
    tree.append(leaf_hash(b"more"))
    assert copy.root() == before
