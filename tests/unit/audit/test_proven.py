"""What a hostile maker of proofs may put together from good parts: each is refused by the part that is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import line as lines
from audit.bodies import REKEY, end, note_body
from audit.checkpoint import LogKey, Signer, parse_note
from audit.errors import NotCanonical, ProofInvalid
from audit.journal import Journal, Rotation
from audit.merkle import Tree, leaf_hash
from audit.prove import Prover
from audit.proven import Inclusion, Proven, check, next_key, parse_line, signer

ORIGIN = "host-a/hangu"
NOW = 1_795_420_800_000_000_000
LATER = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))


@pytest.fixture
def proven(tmp_path: Path, open_journal: Callable[..., Journal], private: Ed25519PrivateKey) -> Proven:
    """Lines and anchors of a log that two keys signed in turn, proved with the first."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    for commit in range(8):
        journal.append([b'{"n":%d}' % commit], NOW)
    old = Prover(tmp_path / "log", private.public_key()).newest()
    journal.hand_over(Signer(ORIGIN, LATER), NOW)
    for commit in range(8):
        journal.append([b'{"n":%d}' % commit], NOW)
    journal.close(NOW)
    prover = Prover(tmp_path / "log", private.public_key())
    return prover.prove(prover.newest(), [0, 2, 20], [prover.at(3), old])


def refused(proven: Proven, key: Ed25519PrivateKey, match: str) -> None:
    """Assert that the check names the bad part."""
    with pytest.raises(ProofInvalid, match=match):
        check(proven, key.public_key())


def test_good(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Both keys of the chain accept it, and the check says which checkpoint, keys and anchors it is about."""
    for key in (private, LATER):
        checked = check(proven, key.public_key(), ORIGIN)
        assert checked.checkpoint == parse_note(proven.note)[0]
        assert checked.anchors[0].size == 3
        assert len(checked.keys) == 2


def test_nothing_shown(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A checkpoint alone shows nothing: nothing to check must never mean fine."""
    refused(replace(proven, lines=(), anchors=()), private, "nothing is shown")


def test_lines_or_anchors(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Either is enough to show something."""
    assert check(replace(proven, anchors=()), private.public_key()).anchors == ()
    assert len(check(replace(proven, lines=()), private.public_key()).anchors) == 2


def test_key_of_a_stranger(proven: Proven) -> None:
    """A key outside the chain accepts nothing."""
    refused(proven, STRANGER, "not among those that signed")
    refused(replace(proven, handovers=()), STRANGER, "not signed by the given key")


def test_other_origin(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A key that was given for another log accepts nothing."""
    with pytest.raises(ProofInvalid, match="the key is of `host-b/hangu`"):
        check(proven, private.public_key(), "host-b/hangu")


def test_checkpoint_signed_by_a_stranger(proven: Proven, private: Ed25519PrivateKey) -> None:
    """The same tree under another signature is refused."""
    checkpoint = parse_note(proven.note)[0]
    note = Signer(ORIGIN, STRANGER).sign(checkpoint.size, checkpoint.root)
    refused(replace(proven, note=note), private, "checkpoint: not signed")


def test_second_signature_under_the_name_of_the_log(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A signature line that names the log and is not the log's is refused, also beside a good one."""
    checkpoint = parse_note(proven.note)[0]
    row = Signer(ORIGIN, STRANGER).sign(checkpoint.size, checkpoint.root).split("\n\n")[1]
    refused(replace(proven, note=proven.note + row), private, "checkpoint: not signed")


def test_handover_left_out(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Without the hand-over, the first key does not vouch for what the second signed."""
    refused(replace(proven, handovers=()), private, "checkpoint: not signed by the given key")


def test_handover_to_a_stranger(proven: Proven, private: Ed25519PrivateKey) -> None:
    """An `end` that names another key is not the one that the old key signed."""
    (handover,) = proven.handovers
    body = end(REKEY, LogKey(ORIGIN, STRANGER.public_key()))
    kind, _, time = lines.split(handover.end, handover.index)
    forged = replace(handover, end=lines.build(handover.index, kind, body, time))
    refused(replace(proven, handovers=(forged,)), private, r"keys\[0\]\.proof")


def test_handover_signed_by_a_stranger(proven: Proven) -> None:
    """Someone else's signature over the last tree of the old key makes them no earlier key of the log."""
    (handover,) = proven.handovers
    size = handover.index + 1
    _, body, time = lines.split(handover.checkpoint, size)
    stranger = Signer(ORIGIN, STRANGER)
    root = parse_note(json.loads(body)["note"])[0].root
    note = stranger.sign(size, root)
    forged_line = lines.build(size, b"ckpt", b'{"note":"' + note.replace("\n", "\\n").encode() + b'"}', time)
    forged = replace(handover, key=stranger.key, checkpoint=forged_line)
    refused(replace(proven, handovers=(forged,)), LATER, r"keys\[0\]\.included")


def test_handover_under_the_name_of_a_stranger(proven: Proven) -> None:
    """Naming another old key than the one that signed is refused."""
    (handover,) = proven.handovers
    forged = replace(handover, key=LogKey(ORIGIN, STRANGER.public_key()))
    refused(replace(proven, handovers=(forged,)), LATER, r"keys\[0\]: checkpoint is not signed")


def test_handover_that_is_an_ordinary_line(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A line that hands nothing over, though it stands in the log, hands nothing over."""
    (handover,) = proven.handovers
    forged = replace(handover, index=2, end=proven.lines[1].line)
    refused(replace(proven, handovers=(forged,)), private, r"keys\[0\]: not an `end`")


@pytest.mark.parametrize("forgery", ["kind", "size", "origin"])
def test_handover_with_another_checkpoint(proven: Proven, private: Ed25519PrivateKey, forgery: str) -> None:
    """The checkpoint of a hand-over is the `ckpt` line right behind the `end`, of the same log, and nothing like it."""
    (handover,) = proven.handovers
    size = handover.index + 1
    _, body, time = lines.split(handover.checkpoint, size)
    if forgery == "size":
        note = Signer(ORIGIN, private).sign(size + 1, b"\0" * 32)
        forged = replace(handover, checkpoint=lines.build(size, b"ckpt", note_body(note), time))
    elif forgery == "kind":
        forged = replace(handover, checkpoint=lines.build(size, b"rec", body, time))
    else:
        end_line = lines.build(handover.index, b"end", end(REKEY, LogKey("host-b/hangu", LATER.public_key())), time)
        forged = replace(handover, end=end_line)
    refused(replace(proven, handovers=(forged,)), private, r"keys\[0\]: not an `end` and the checkpoint behind it")


def test_chain_with_a_gap(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Hand-overs follow each other: the second one must be by the key that the first one names."""
    (handover,) = proven.handovers
    twice = (handover, replace(handover, index=handover.index + 1))
    refused(replace(proven, handovers=twice), private, r"keys\[1\]\.key")


def test_line_of_another_log(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A line that does not stand in the tree is refused at its place."""
    line = lines.build(2, b"rec", b'{"n":9}', b"2026-11-23T08:00:00.000000Z")
    bad = (proven.lines[0], replace(proven.lines[1], line=line))
    refused(replace(proven, lines=bad), private, r"lines\[1\]\.proof")


def test_line_at_another_index(proven: Proven, private: Ed25519PrivateKey) -> None:
    """A line claimed for another index is refused: its own bytes name its index."""
    bad = (replace(proven.lines[1], index=4),)
    refused(replace(proven, lines=bad), private, r"lines\[0\]\.line: does not start as line 4")


def test_line_twice_or_out_of_order(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Each line stands once, in the order of the log."""
    for order in ((1, 1), (1, 0)):
        refused(replace(proven, lines=tuple(proven.lines[i] for i in order)), private, "lines: not in ascending order")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'{"i":0,"k":"rec","r":{"a":1,"a":2},"t":"2026-11-23T08:00:00.000000Z"}',
        b'{"i":0,"k":"rec","r":{ },"t":"2026-11-23T08:00:00.000000Z"}',
        b'{"i":0,"k":"odd","r":{},"t":"2026-11-23T08:00:00.000000Z"}',
        b'{"i":0,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000000+"}',
        b'{"i":0,"k":"rec","r":{"x":"' + b"x" * lines.MAX_LINE + b'"},"t":"2026-11-23T08:00:00.000000Z"}',
    ],
)
def test_line_that_is_none(line: bytes, private: Ed25519PrivateKey) -> None:
    """What a writer cannot have written is refused, even where a signature of the key covers it."""
    tree = Tree()
    tree.append(leaf_hash(line))
    note = Signer(ORIGIN, private).sign(1, tree.root())
    refused(Proven(note, (), (Inclusion(0, line, ()),), ()), private, r"lines\[0\]\.line")
    with pytest.raises(NotCanonical):
        parse_line(line, 0)


def test_anchor_of_another_history(proven: Proven, private: Ed25519PrivateKey) -> None:
    """An anchor with another root is refused, though the key signed it."""
    note = Signer(ORIGIN, private).sign(3, b"\0" * 32)
    bad = (replace(proven.anchors[0], note=note),)
    refused(replace(proven, anchors=bad), private, r"anchors\[0\]\.proof")


def test_anchor_of_another_log(proven: Proven, private: Ed25519PrivateKey) -> None:
    """An anchor of another origin is refused, though the root is the same."""
    root = parse_note(proven.anchors[0].note)[0].root
    bad = (replace(proven.anchors[0], note=Signer("host-b/hangu", private).sign(3, root)),)
    refused(replace(proven, anchors=bad), private, "another log")


def test_anchor_signed_by_a_stranger(proven: Proven, private: Ed25519PrivateKey) -> None:
    """An anchor that no key of the log signed is refused, though the root is the same."""
    root = parse_note(proven.anchors[0].note)[0].root
    bad = (replace(proven.anchors[0], note=Signer(ORIGIN, STRANGER).sign(3, root)),)
    refused(replace(proven, anchors=bad), private, "not signed by a key of the log")


def test_anchors_out_of_order(proven: Proven, private: Ed25519PrivateKey) -> None:
    """Anchors ascend, each once."""
    refused(replace(proven, anchors=proven.anchors[::-1]), private, "anchors: not in ascending order")
    refused(replace(proven, anchors=proven.anchors[:1] * 2), private, "anchors: not in ascending order")


@pytest.mark.parametrize("note", ["", "nothing", "a\n1\nb\n\n"])
def test_notes_that_are_none(proven: Proven, private: Ed25519PrivateKey, note: str) -> None:
    """What is no note is refused where it stands."""
    refused(replace(proven, note=note), private, "checkpoint: not a checkpoint note")
    bad = (replace(proven.anchors[0], note=note),)
    refused(replace(proven, anchors=bad), private, r"anchors\[0\]\.note: not a checkpoint note")
    with pytest.raises(NotCanonical):
        signer(note, [])


def test_end_without_a_next_key(proven: Proven) -> None:
    """Only an `end` that names a key hands over."""
    stop = lines.build(5, b"end", end("stop"), b"2026-11-23T08:00:00.000000Z")
    for line in (stop, lines.build(5, b"rec", b"{}", b"2026-11-23T08:00:00.000000Z")):
        with pytest.raises(NotCanonical):
            next_key(line, 5)
    assert next_key(proven.handovers[0].end, proven.handovers[0].index).public == LATER.public_key()
