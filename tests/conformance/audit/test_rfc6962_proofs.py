"""Proofs against the published ones of RFC 6962, from the reference implementation of Certificate Transparency."""

import pytest

from audit.errors import ProofInvalid
from audit.merkle import Tree, leaf_hash
from audit.proof import Leaves, check_consistency, check_inclusion, consistency_proof, inclusion_proof

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def root(size: int) -> bytes:
    """The root over the first leaves, which test_rfc6962 holds against the published ones."""
    tree = Tree()
    for leaf in HASHES[:size]:
        tree.append(leaf)
    return tree.root()


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_known_inclusion_proofs(index: int, size: int) -> None:
    """The published proof is the one that is built, and is accepted."""
    known = [bytes.fromhex(node) for node in INCLUSION[index, size]]
    assert inclusion_proof(Leaves(Tree(), HASHES), index, size) == known
    check_inclusion(HASHES[index], index, size, known, root(size))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_known_consistency_proofs(old: int, new: int) -> None:
    """The published proof is the one that is built, and is accepted."""
    known = [bytes.fromhex(node) for node in CONSISTENCY[old, new]]
    assert consistency_proof(Leaves(Tree(), HASHES), old, new) == known
    check_consistency(old, new, known, root(old), root(new))


@pytest.mark.parametrize(("index", "size"), [case for case, proof in INCLUSION.items() if proof])
def test_known_proof_for_another_index(index: int, size: int) -> None:
    """The published proof of one leaf is none for the leaf beside it."""
    known = [bytes.fromhex(node) for node in INCLUSION[index, size]]
    for other in set(range(size)) - {index}:
        with pytest.raises(ProofInvalid):
            check_inclusion(HASHES[index], other, size, known, root(size))
