"""Whatever is submitted to a witness, in whatever order, all that it ever cosigned is one history."""

import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.anchors.growth import Growth
from audit.anchors.submission import Submission
from audit.anchors.witness import Witness
from audit.anchors.witness_state import WitnessState, create_state
from audit.checkpoint import Signer
from audit.cosignature import Cosigner
from audit.merkle import Tree, leaf_hash
from audit.proof import Leaves, consistency_proof

SIGNER = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
SIZES = 24
FORK = 9  # lines that both histories share
HISTORIES = tuple(
    [leaf_hash(b"%d" % n) if n < FORK else leaf_hash(b"%d %d" % (branch, n)) for n in range(SIZES)] for branch in (0, 1)
)


def root(branch: int, size: int) -> bytes:
    """The root of the first lines of a history."""
    tree = Tree()
    for leaf in HISTORIES[branch][:size]:
        tree.append(leaf)
    return tree.root()


def proof(branch: int, old: int, size: int) -> tuple[bytes, ...]:
    """An honest proof within one history."""
    return tuple(consistency_proof(Leaves(Tree(), HISTORIES[branch]), old, size)) if 0 < old <= size else ()


SUBMISSIONS = st.lists(
    st.tuples(
        st.integers(0, 1),  # the history of the checkpoint
        st.integers(0, 1),  # the history of the proof
        st.integers(0, SIZES),
        st.one_of(st.none(), st.integers(0, SIZES)),  # the old size; None: the one that the witness names
        st.booleans(),  # restart before
    ),
    max_size=12,
)


@given(SUBMISSIONS)
@settings(max_examples=60, deadline=None)
def test_one_history(steps: list[tuple[int, int, int, int | None, bool]]) -> None:
    """Sizes never go back, and every root that was cosigned is of one and the same history."""
    with tempfile.TemporaryDirectory() as folder:
        memory = Path(folder) / "memory"
        create_state(memory, COSIGNER.key)
        witness = Witness(COSIGNER, WitnessState(memory), [SIGNER.key], lambda: 1.0)
        newest = 0
        possible = {0, 1}
        for branch, other, size, old, restart in steps:
            if restart:
                witness = Witness(COSIGNER, WitnessState(memory), [SIGNER.key], lambda: 1.0)
            start = newest if old is None else old
            note = SIGNER.sign(size, root(branch, size))
            answer = witness.add_checkpoint(Submission(start, proof(other, start, size), note).body())
            if answer.status == 200:
                assert start == newest <= size
                newest = size
                possible = {each for each in possible if root(each, size) == root(branch, size)}
                assert possible
            elif answer.type == "text/x.tlog.size":
                assert int(answer.body) == newest
            honest = start == newest <= size and branch in possible
            assert answer.status == 200 or not (honest and proof(other, start, size) == proof(branch, start, size))


@given(st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_growth_is_the_tree(old: int, more: int) -> None:
    """A growth from any size has the root and the proofs of the whole tree."""
    leaves = [leaf_hash(b"%d" % n) for n in range(old + more)]
    tree = Tree()
    for leaf in leaves[:old]:
        tree.append(leaf)
    growth = Growth(tree)
    for leaf in leaves[old:]:
        growth.append(leaf)
        tree.append(leaf)
    assert growth.tree().frontier == tree.frontier
    if old and more:
        assert growth.proof() == consistency_proof(Leaves(Tree(), leaves), old, old + more)
