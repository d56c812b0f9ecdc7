"""What can be proved about a log under one signed checkpoint, as a value, and the check of every part of it.

Pure: no file is read. What must hold, each step with its number below:

 1. The checkpoint is one of the given origin, where one is given.
 2. The given key signed it, or is in one chain with the key that did: each `end` that handed the log over stands in the
    tree which the old key signed last, and that checkpoint stands in the log.
 3. Each line is one of the log's format, and stands at its index under the checkpoint; indexes ascend.
 4. Each anchor is a checkpoint of the same log, signed by a key of the chain, and the tree of it is the start of the
    checkpoint's tree; sizes ascend.
 5. There is a line or an anchor. Nothing to check never means fine.

A later key covers what an earlier one signed, because the hand-over stands under a root that the later key signed; an
earlier key covers what a later one signs, because it signed the hand-over itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import canonical
from audit import line as lines
from audit.bodies import ending, signed_note
from audit.checkpoint import Checkpoint, LogKey, parse_note
from audit.errors import NotCanonical, ProofInvalid
from audit.merkle import leaf_hash
from audit.proof import check_consistency, check_inclusion

KINDS = frozenset((b"hdr", b"rec", b"ckpt", b"rcv", b"end", b"purge"))
Nodes = tuple[bytes, ...]  # of a proof


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A line, without its LF, and the proof that it stands at `index`."""

    index: int
    line: bytes
    proof: Nodes


@dataclass(frozen=True, slots=True)
class Extension:
    """A checkpoint taken earlier, and the proof that its tree is the start of the later one."""

    note: str
    proof: Nodes


@dataclass(frozen=True, slots=True)
class Handover:
    """The two lines with which `key` handed the log over: the `end` that names the next key, and the last checkpoint.

    `proof` shows the `end` in the tree of that checkpoint, `included` the checkpoint's own line under the pack's.
    """

    key: LogKey
    index: int  # of the `end`
    end: bytes
    checkpoint: bytes
    proof: Nodes
    included: Nodes


@dataclass(frozen=True, slots=True)
class Proven:
    """Lines and earlier checkpoints of one log, all under the signed checkpoint `note`."""

    note: str
    handovers: tuple[Handover, ...]
    lines: tuple[Inclusion, ...]
    anchors: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has established."""

    checkpoint: Checkpoint
    keys: tuple[LogKey, ...]  # in the order in which they signed the log
    trusted: LogKey  # the one that was given
    anchors: tuple[Checkpoint, ...]


def check(proven: Proven, public: Ed25519PublicKey, origin: str | None = None) -> Checked:
    """Return only if everything is shown. Raises `ProofInvalid`, naming the part that is not."""
    checkpoint = _checkpoint("checkpoint", proven.note)
    if origin is not None and checkpoint.origin != origin:  # 1
        raise ProofInvalid(f"checkpoint: is of `{checkpoint.origin}`, the key is of `{origin}`")
    trusted = LogKey(checkpoint.origin, public)
    keys = _check_keys(proven, checkpoint, trusted)  # 2
    _ascending("lines", [each.index for each in proven.lines])
    for position, each in enumerate(proven.lines):  # 3
        _check_line(f"lines[{position}]", each, checkpoint)
    anchors = tuple(_check_anchors(proven.anchors, checkpoint, keys))  # 4
    if not proven.lines and not proven.anchors:  # 5
        raise ProofInvalid("nothing is shown: neither a line nor an anchor")
    return Checked(checkpoint, keys, trusted, anchors)


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart."""

    kind: str
    body: dict[str, object]
    time: str


def parse_line(line: bytes, index: int) -> Line:
    """The parts of a line that must have this index. Raises `NotCanonical` where it is no line of the format."""
    kind, body, time = lines.split(line, index)
    lines.check_time(time)
    value = canonical.parse(body)
    if kind not in KINDS or len(line) > lines.MAX_LINE:
        raise NotCanonical("not a line of this format")
    return Line(kind.decode(), value, time.decode())


def signer(note: str, keys: Iterable[LogKey]) -> LogKey | None:
    """The first of these keys that made every signature under the log's own name. Raises `NotCanonical` for no note."""
    checkpoint, signatures = parse_note(note)
    for key in keys:
        if key.origin == checkpoint.origin and signatures and all(key.signed(checkpoint.text(), s) for s in signatures):
            return key
    return None


def next_key(end: bytes, index: int) -> LogKey:
    """The key that an `end` line hands the log over to. Raises `NotCanonical` where it hands nothing over."""
    kind, body, _ = lines.split(end, index)
    following = ending(body)[1] if kind == b"end" else None
    if following is None:
        raise NotCanonical("not an `end` that names the next key")
    return following


def _check_keys(proven: Proven, checkpoint: Checkpoint, trusted: LogKey) -> tuple[LogKey, ...]:
    keys: list[LogKey] = []
    following = trusted
    _ascending("keys", [each.index for each in proven.handovers])
    for position, each in enumerate(proven.handovers):
        if keys and each.key.vkey != following.vkey:
            raise ProofInvalid(f"keys[{position}].key: not the key that the log was handed over to before")
        following = _check_handover(f"keys[{position}]", each, checkpoint)
        keys.append(each.key)
    keys.append(following)
    if trusted.vkey not in {key.vkey for key in keys}:
        raise ProofInvalid("keys: the given key is not among those that signed this log")
    if signer(proven.note, keys[-1:]) is None:
        raise ProofInvalid("checkpoint: not signed by the given key, nor by the one that the log was handed over to")
    return tuple(keys)


def _check_handover(place: str, each: Handover, checkpoint: Checkpoint) -> LogKey:
    size = each.index + 1
    try:
        following = next_key(each.end, each.index)
        kind, body, _ = lines.split(each.checkpoint, size)
        before = signed_note(body, each.key)
    except NotCanonical as error:
        raise ProofInvalid(f"{place}: {error}") from error
    if kind != b"ckpt" or before.size != size or following.origin != each.key.origin:
        raise ProofInvalid(f"{place}: not an `end` and the checkpoint behind it")
    _included(f"{place}.proof", each.end, each.index, each.proof, before)
    _included(f"{place}.included", each.checkpoint, size, each.included, checkpoint)
    return following


def _check_line(place: str, each: Inclusion, checkpoint: Checkpoint) -> None:
    try:
        parse_line(each.line, each.index)
    except NotCanonical as error:
        raise ProofInvalid(f"{place}.line: {error}") from error
    _included(f"{place}.proof", each.line, each.index, each.proof, checkpoint)


def _check_anchors(
    anchors: Sequence[Extension], checkpoint: Checkpoint, keys: tuple[LogKey, ...]
) -> Iterable[Checkpoint]:
    sizes = []
    for position, each in enumerate(anchors):
        place = f"anchors[{position}]"
        anchor = _checkpoint(f"{place}.note", each.note)
        if anchor.origin != checkpoint.origin:
            raise ProofInvalid(f"{place}.note: of `{anchor.origin}`, another log")
        if signer(each.note, keys) is None:
            raise ProofInvalid(f"{place}.note: not signed by a key of the log")
        try:
            check_consistency(anchor.size, checkpoint.size, each.proof, anchor.root, checkpoint.root)
        except ProofInvalid as error:
            raise ProofInvalid(f"{place}.proof: {error}") from error
        sizes.append(anchor.size)
        yield anchor
    _ascending("anchors", sizes)


def _included(place: str, line: bytes, index: int, proof: Nodes, checkpoint: Checkpoint) -> None:
    try:
        check_inclusion(leaf_hash(line), index, checkpoint.size, proof, checkpoint.root)
    except ProofInvalid as error:
        raise ProofInvalid(f"{place}: {error}") from error


def _checkpoint(place: str, note: str) -> Checkpoint:
    try:
        return parse_note(note)[0]
    except NotCanonical as error:
        raise ProofInvalid(f"{place}: {error}") from error


def _ascending(place: str, numbers: Sequence[int]) -> None:
    if any(one >= other for one, other in pairwise(numbers)):
        raise ProofInvalid(f"{place}: not in ascending order, or one of them twice")
