"""The chain of segments: who signs which, and when the whole is to be trusted."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.bodies import claims, end, header
from audit.chain import Chain
from audit.checkpoint import LogKey
from audit.errors import NotCanonical
from audit.merkle import Tree, leaf_hash

ORIGIN = "host-a/hangu"
OURS, NEXT, STRANGER = (
    LogKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32).public_key()) for n in (1, 2, 3)
)
START, LATER = Tree(), Tree(1, [leaf_hash(b"")])


def enter(chain: Chain, key: LogKey, number: int, tree: Tree = START) -> None:
    """The `hdr` of a segment in the file that it belongs into."""
    body = header(key, number, tree)
    chain.take_header(claims(body), body, tree, f"{tree.size:012d}.log")


def test_same_key() -> None:
    """Segments follow each other under one key, with numbers that count up."""
    chain = Chain(OURS.public, None)
    enter(chain, OURS, 1)
    chain.take_end(end("rotate"))
    enter(chain, OURS, 2, LATER)
    assert (chain.origin, chain.number, chain.ended, len(chain.keys)) == (ORIGIN, 2, "", 1)
    for key, number in ((OURS, 2), (OURS, 4), (NEXT, 3)):
        with pytest.raises(NotCanonical):
            enter(chain.copy(), key, number, LATER)


def test_handed_over() -> None:
    """After a hand-over the named key follows, and neither the old one nor another."""
    chain = Chain(OURS.public, None)
    enter(chain, OURS, 1)
    chain.take_end(end("rekey", NEXT))
    for key in (OURS, STRANGER):
        with pytest.raises(NotCanonical, match="the key must be"):
            enter(chain.copy(), key, 2, LATER)
    enter(chain, NEXT, 2, LATER)
    assert [key.vkey for key in chain.keys] == [OURS.vkey, NEXT.vkey]


def test_handed_over_to_nobody_else() -> None:
    """A log is not handed over to its own key or to another log."""
    chain = Chain(OURS.public, None)
    enter(chain, OURS, 1)
    for key in (OURS, LogKey("host-b/hangu", NEXT.public)):
        with pytest.raises(NotCanonical, match="handed over"):
            chain.take_end(end("rekey", key))


def test_named_is_not_trusted() -> None:
    """That a log names our key makes it ours no more than a letter's address makes it its reader's."""
    chain = Chain(OURS.public, None)
    enter(chain, STRANGER, 1)
    chain.verified(STRANGER)
    chain.take_end(end("rekey", OURS))
    enter(chain, OURS, 2, LATER)
    assert not chain.trusted
    chain.verified(OURS)
    assert chain.trusted


def test_origin_from_outside() -> None:
    """A log of another name is refused by that name."""
    with pytest.raises(NotCanonical, match="not `host-b/hangu`"):
        enter(Chain(OURS.public, "host-b/hangu"), OURS, 1)


def test_file_of_another_name() -> None:
    """A segment stands in the file of its first index."""
    body = header(OURS, 1, LATER)
    with pytest.raises(NotCanonical, match="not named after"):
        Chain(OURS.public, None).take_header(claims(body), body, LATER, "000000000002.log")
