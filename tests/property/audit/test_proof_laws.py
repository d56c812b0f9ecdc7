"""Laws of proofs: what is built is accepted, whatever is changed in it is not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.errors import ProofInvalid
from audit.merkle import Tree, leaf_hash
from audit.proof import Leaves, check_consistency, check_inclusion, consistency_proof, inclusion_proof

HASHES = [leaf_hash(n.to_bytes(2, "big")) for n in range(300)]
SIZES = st.integers(1, 300)


def root(size: int) -> bytes:
    """The root over the first leaves."""
    tree = Tree()
    for leaf in HASHES[:size]:
        tree.append(leaf)
    return tree.root()


def leaves_from(base: int) -> Leaves:
    """All leaves, the first `base` of them known by their frontier only."""
    tree = Tree()
    for leaf in HASHES[:base]:
        tree.append(leaf)
    return Leaves(tree, HASHES[base:])


@given(SIZES, st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    """A leaf is proved from any frontier before it, and the check accepts exactly that."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves_from(data.draw(st.integers(0, index))), index, size)
    check_inclusion(HASHES[index], index, size, proof, root(size))


@given(SIZES, SIZES, st.data())
def test_consistency(one: int, other: int, data: st.DataObject) -> None:
    """A tree is proved to be the start of a larger one from any frontier up to its size."""
    old, new = sorted((one, other))
    proof = consistency_proof(leaves_from(data.draw(st.integers(0, old))), old, new)
    check_consistency(old, new, proof, root(old), root(new))


@given(SIZES, st.data())
def test_changed_inclusion_proof(size: int, data: st.DataObject) -> None:
    """One flipped bit anywhere, a node dropped, added or moved, or another index: none is accepted."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves_from(0), index, size)
    changed = data.draw(st.sampled_from(["bit", "drop", "add", "swap", "index"]))
    claimed = index
    match changed:
        case "bit" if proof:
            at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
            proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        case "drop" if proof:
            del proof[data.draw(st.integers(0, len(proof) - 1))]
        case "add":
            proof.insert(data.draw(st.integers(0, len(proof))), HASHES[data.draw(st.integers(0, 299))])
        case "swap" if len(proof) > 1:
            at = data.draw(st.integers(0, len(proof) - 2))
            proof[at], proof[at + 1] = proof[at + 1], proof[at]
        case _:
            claimed = data.draw(st.integers(0, 300))
            assume(claimed != index)
    with pytest.raises(ProofInvalid):
        check_inclusion(HASHES[index], claimed, size, proof, root(size))


@given(SIZES, SIZES, st.data())
def test_changed_consistency_proof(one: int, other: int, data: st.DataObject) -> None:
    """One flipped bit anywhere, a node dropped or added, or another root: none is accepted."""
    old, new = sorted((one, other))
    assume(old < new)
    proof = consistency_proof(leaves_from(0), old, new)
    old_root, new_root = root(old), root(new)
    match data.draw(st.sampled_from(["bit", "drop", "add", "old", "new"])):
        case "bit":
            at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
            proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        case "drop":
            del proof[data.draw(st.integers(0, len(proof) - 1))]
        case "add":
            proof.insert(data.draw(st.integers(0, len(proof))), HASHES[data.draw(st.integers(0, 299))])
        case "old":
            old_root = root(data.draw(st.integers(1, 300).filter(lambda size: size != old)))
        case _:
            new_root = root(data.draw(st.integers(1, 300).filter(lambda size: size != new)))
    with pytest.raises(ProofInvalid):
        check_consistency(old, new, proof, old_root, new_root)


@given(SIZES, SIZES, st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_invented_consistency_proof(one: int, other: int, proof: list[bytes]) -> None:
    """A proof that is made up is refused, never an error of another kind."""
    old, new = sorted((one, other))
    assume(old < new)
    with pytest.raises(ProofInvalid):
        check_consistency(old, new, proof, root(old), root(new))
