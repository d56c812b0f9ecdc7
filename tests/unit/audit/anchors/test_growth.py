"""A growing tree known by its perfect subtrees: the same roots and proofs as from all leaves, in less room."""

import pytest

from audit.anchors.growth import Growth
from audit.merkle import Tree, leaf_hash
from audit.proof import Leaves, check_consistency, consistency_proof

LEAVES = [leaf_hash(b"%d" % number) for number in range(70)]


def tree_of(size: int) -> Tree:
    """The tree of the first leaves."""
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    return tree


@pytest.mark.parametrize("old", [0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64])
def test_proofs_and_trees_of_all_sizes(old: int) -> None:
    """From each size on, root, frontier and proof are those that all leaves give, and the proof verifies."""
    growth = Growth(tree_of(old))
    for new in range(old, len(LEAVES) + 1):
        tree = tree_of(new)
        assert growth.size == new
        assert (growth.tree().root(), growth.tree().frontier) == (tree.root(), tree.frontier)
        if 0 < old < new:
            assert growth.proof() == consistency_proof(Leaves(Tree(), LEAVES), old, new)
            check_consistency(old, new, growth.proof(), tree_of(old).root(), tree.root())
        else:
            assert growth.proof() == []
        if new < len(LEAVES):
            growth.append(LEAVES[new])


def test_room() -> None:
    """A hundred thousand leaves leave some dozens of nodes."""
    growth = Growth(tree_of(3))
    for _ in range(100_000):
        growth.append(LEAVES[0])
    assert len(growth._nodes) < 2 * 18
