"""What a hostile prover may try: proofs of the wrong length, for wrong sizes, of nodes in place of leaves."""

import pytest

from audit.errors import ProofInvalid
from audit.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash
from audit.proof import (
    Leaves,
    check_consistency,
    check_inclusion,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
)

HASHES = [leaf_hash(bytes([n])) for n in range(40)]
LEAVES = Leaves(Tree(), HASHES)


def root(size: int) -> bytes:
    """The root over the first leaves."""
    tree = Tree()
    for leaf in HASHES[:size]:
        tree.append(leaf)
    return tree.root()


@pytest.mark.parametrize("size", [1, 2, 7, 8, 33])
def test_inclusion(size: int) -> None:
    """Every leaf of a tree is proved."""
    for index in range(size):
        check_inclusion(HASHES[index], index, size, inclusion_proof(LEAVES, index, size), root(size))


@pytest.mark.parametrize("size", [2, 7, 8, 33])
def test_wrong_leaf(size: int) -> None:
    """No other leaf passes with the proof of a leaf."""
    for index in range(size):
        proof = inclusion_proof(LEAVES, index, size)
        with pytest.raises(ProofInvalid, match="does not lead"):
            check_inclusion(leaf_hash(b"other"), index, size, proof, root(size))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 33])
def test_inclusion_proof_too_long(size: int) -> None:
    """A node more, at either end, is refused; so is one that leads from the root to another root."""
    for index in range(size):
        proof = inclusion_proof(LEAVES, index, size)
        extended = node_hash(root(size), HASHES[39])
        with pytest.raises(ProofInvalid, match="too long"):
            check_inclusion(HASHES[index], index, size, [*proof, HASHES[39]], extended)
        with pytest.raises(ProofInvalid):
            check_inclusion(HASHES[index], index, size, [HASHES[39], *proof], root(size))


@pytest.mark.parametrize("size", [2, 7, 8, 33])
def test_inclusion_proof_too_short(size: int) -> None:
    """A node less is refused, even where what is left leads to the given root."""
    for index in range(size):
        *proof, top = inclusion_proof(LEAVES, index, size)
        start, stop = inclusion_spans(index, size)[-1]
        below = LEAVES.root(stop, size) if start == 0 else LEAVES.root(0, start)
        assert root(size) == (node_hash(top, below) if start == 0 else node_hash(below, top))
        with pytest.raises(ProofInvalid, match="too short"):
            check_inclusion(HASHES[index], index, size, proof, below)


def test_forged_consistency_of_a_shorter_proof() -> None:
    """A consistency proof that is cut to what the old root alone needs is refused (immudb GO-2022-1117)."""
    for old in range(1, 33):
        for new in range(old + 1, 34):
            proof = consistency_proof(LEAVES, old, new)
            for cut in range(len(proof)):
                with pytest.raises(ProofInvalid):
                    check_consistency(old, new, proof[:cut], root(old), root(new))


def test_forged_consistency_with_another_new_root() -> None:
    """A proof that proves the old root and any other new one is refused: both roots are computed (GO-2022-1117)."""
    for old in range(1, 20):
        for new in range(old + 1, 33):
            proof = consistency_proof(LEAVES, old, new)
            for bad in (root(new - 1) if new > 1 else EMPTY_ROOT, HASHES[0], EMPTY_ROOT):
                with pytest.raises(ProofInvalid):
                    check_consistency(old, new, proof, root(old), node_hash(bad, bad))
                with pytest.raises(ProofInvalid):
                    check_consistency(old, new, proof, node_hash(bad, bad), root(new))


def test_consistency_proof_too_long() -> None:
    """A node more is refused wherever it stands."""
    for old in range(1, 12):
        for new in range(old, 14):
            proof = consistency_proof(LEAVES, old, new)
            for at in range(len(proof) + 1):
                with pytest.raises(ProofInvalid):
                    check_consistency(old, new, [*proof[:at], HASHES[39], *proof[at:]], root(old), root(new))


def test_two_trees_of_one_size() -> None:
    """One size has one root, and needs no proof."""
    check_consistency(5, 5, [], root(5), root(5))
    with pytest.raises(ProofInvalid, match="one root"):
        check_consistency(5, 5, [], root(5), root(6))


@pytest.mark.parametrize(("old", "new"), [(0, 5), (-1, 5), (6, 5)])
def test_sizes_out_of_order(old: int, new: int) -> None:
    """An empty tree shows nothing, and no tree is the start of a smaller one."""
    with pytest.raises(ProofInvalid, match="in order"):
        check_consistency(old, new, [], EMPTY_ROOT, root(5))


@pytest.mark.parametrize("index", [-1, 8, 1 << 70])
def test_index_outside_the_tree(index: int) -> None:
    """An index that the tree does not have is refused, however the proof looks."""
    with pytest.raises(ProofInvalid, match="not below"):
        check_inclusion(HASHES[0], index, 8, inclusion_proof(LEAVES, 0, 8), root(8))


def test_proof_of_another_size() -> None:
    """A proof does not hold for a tree of another height. Sizes of one height are told apart by what is signed."""
    for index in range(9):
        proof = inclusion_proof(LEAVES, index, 9)
        for size in (5, 8, 17, 33):
            with pytest.raises(ProofInvalid):
                check_inclusion(HASHES[index], index, size, proof, root(size))


def test_node_passed_off_as_a_leaf() -> None:
    """The two hashes below a node are no leaf one level up: leaves and nodes are hashed apart."""
    inner = node_hash(HASHES[0], HASHES[1])
    proof = inclusion_proof(LEAVES, 0, 8)[1:]
    with pytest.raises(ProofInvalid):
        check_inclusion(leaf_hash(HASHES[0] + HASHES[1]), 0, 4, proof, root(8))
    check_inclusion(inner, 0, 4, proof, root(8))  # by hash alone it would pass, so callers hash lines themselves


@pytest.mark.parametrize("node", [b"", b"x" * 31, b"x" * 33])
def test_node_of_another_length(node: bytes) -> None:
    """A node has 32 bytes: two could otherwise be cut apart in another place."""
    with pytest.raises(ProofInvalid, match="32 bytes"):
        check_inclusion(HASHES[0], 0, 2, [node], root(2))
    with pytest.raises(ProofInvalid, match="32 bytes"):
        check_consistency(1, 2, [node], root(1), root(2))


def test_frontier_in_place_of_what_lies_before() -> None:
    """From a frontier on, the same proofs follow as from all leaves, and what it does not reach is refused."""
    base = Tree()
    for leaf in HASHES[:21]:
        base.append(leaf)
    late = Leaves(base, HASHES[21:])
    assert late.size == 40
    for index in range(21, 40):
        assert inclusion_proof(late, index, 40) == inclusion_proof(LEAVES, index, 40)
    for old in range(21, 41):
        assert consistency_proof(late, old, 40) == consistency_proof(LEAVES, old, 40)
    with pytest.raises(ValueError, match="before the first known leaf"):
        inclusion_proof(late, 3, 40)


def test_spans_of_nothing() -> None:
    """There is no proof in a tree that does not have the leaf or the size."""
    for index, size in ((-1, 4), (4, 4), (0, 0)):
        with pytest.raises(ValueError, match="below the size"):
            inclusion_spans(index, size)
    for old, new in ((0, 4), (5, 4)):
        with pytest.raises(ValueError, match="in order"):
            consistency_spans(old, new)
    with pytest.raises(ValueError, match="known"):
        inclusion_proof(LEAVES, 0, 41)
    with pytest.raises(ValueError, match="known"):
        consistency_proof(LEAVES, 1, 41)
