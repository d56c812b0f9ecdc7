"""Reads the lines of a log in order and accepts only what the writer could have written.

The verifier and the writer's own restart both stand on this one state machine (standard library and
`cryptography`). What must hold for each line:

 1. it follows the grammar  segment := hdr [rcv] ckpt (entry+ ckpt)* [entry* end ckpt],  entry := rec | purge;
 2. its index is the number of lines before it, over all segments;
 3. its time has the one format and is not before the time of the line before it; a checkpoint has that very time;
 4. its body is canonical JSON, with the members of its kind;
 5. a checkpoint names the size and root of the tree over all lines before it, and is signed by its segment's key;
 6. a `hdr` names its segment's number and key, and the size and root of the tree at its start; its file is named after
    its index. The key is that of the segment before, or the one which that segment handed the log over to;
 7. a segment without `end` is followed by one whose `hdr` is followed by `rcv`;
 8. a segment that ended by rotation, or handed the log over, has a successor;
 9. every anchor, a checkpoint of this log kept elsewhere, is met with the same root;
10. a `purge` line fits the segments that are still there (`audit.purged`);
11. one checkpoint at least is signed by the key that was given from outside (`audit.chain` says why one suffices).

The scanner sees to 1 to 7, 10 and the roots of 9; what takes the whole log (8, 11, the rest of 9, foreign files) is
`audit.verify`'s.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import line as lines
from audit.bodies import Content, claims, note_body, purged, signed_note, torn_files
from audit.chain import Chain
from audit.checkpoint import SIGNATURE_CHARS as SIGNATURE
from audit.checkpoint import Checkpoint, LogKey
from audit.errors import NotCanonical, Tampered
from audit.merkle import Tree, leaf_hash
from audit.purged import Ledger
from audit.shapes import Shapes

_FOLLOWS = {
    b"": frozenset((b"hdr",)),
    b"hdr": frozenset((b"rcv", b"ckpt")),
    b"rcv": frozenset((b"ckpt",)),
    b"ckpt": frozenset((b"rec", b"purge", b"end")),
    b"rec": frozenset((b"rec", b"purge", b"ckpt", b"end")),
    b"purge": frozenset((b"rec", b"purge", b"ckpt", b"end")),
    b"end": frozenset((b"ckpt",)),
    b"sealed": frozenset[bytes](),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest checkpoint: its place, and what it says."""

    file: str
    row: int  # line number in the file, from 1
    end: int  # bytes of the file up to and with this checkpoint
    number: int  # of its segment, from 1
    time: bytes
    key: LogKey  # of its segment
    following: LogKey | None  # of the next segment, where this checkpoint seals a hand-over
    tree: Tree  # of all lines up to and with this checkpoint
    checkpoint: Checkpoint
    signature: str

    @property
    def note(self) -> str:
        return self.checkpoint.note(self.signature)


class Scanner:
    """The state after some lines. `tree=None` starts in the middle of a log, at the frontier that a `hdr` names.

    Starting in the middle is sound once a checkpoint follows: its signed root covers that frontier.
    """

    def __init__(
        self, public: Ed25519PublicKey, origin: str | None, tree: Tree | None = None, *, every: bool = False
    ) -> None:
        self.chain = Chain(public, origin)
        self.tree = tree
        self.every = every  # verify each signature at once, not only the last of each segment
        self.file = ""
        self.row = 0
        self.time = b""
        self.first_time = b""
        self.records = self.checkpoints = 0
        self.recovered: list[Content] = []
        self.ledger = Ledger()
        self.shapes = Shapes()  # shared with copies: what it knows holds for any log
        self.anchors: dict[int, bytes] = {}  # size and root of checkpoints kept elsewhere that have not been met yet
        self.anchored = 0, b""  # size and time of the newest that was met
        self.signed: Signed | None = None
        self._last = b""
        self._offset = 0
        self._batch_row = 1  # first line that the next checkpoint will sign
        self._unsettled = False
        self._unclean = False  # the segment before this one has no `end`
        self._time_before = b""  # of the last line of that segment

    def copy(self, *, every: bool) -> "Scanner":
        """An independent scanner in the same state."""
        twin = Scanner.__new__(Scanner)
        vars(twin).update(vars(self))
        twin.every = every
        twin.chain = self.chain.copy()
        twin.tree = self.tree.copy() if self.tree is not None else None
        twin.recovered = list(self.recovered)
        twin.ledger = self.ledger.copy()
        twin.anchors = dict(self.anchors)
        return twin

    @property
    def lines(self) -> int:
        return self.tree.size if self.tree is not None else 0

    @property
    def unsigned(self) -> int:
        """Whole lines after the newest checkpoint."""
        return self.lines - (self.signed.tree.size if self.signed else 0)

    @property
    def sealed(self) -> bool:
        """Whether the newest segment has its `end` and the checkpoint behind it."""
        return self._last == b"sealed"

    @property
    def tail_begun(self) -> bool:
        """Whether anything stands behind the newest checkpoint: whole lines, or a segment without a checkpoint."""
        return bool(self.file) and self._last not in (b"ckpt", b"sealed")

    def begin(self, file: str) -> None:
        """Enter the next segment. Raises `Tampered` where the one before cannot have a successor."""
        if self.tail_begun:
            raise self._tampered("unsigned lines before the next segment")
        self.settle()
        self._unclean = self._last == b"ckpt"
        self._last = b""
        self._time_before = self.time
        self.file, self.row, self._offset, self._batch_row = file, 0, 0, 1

    def feed(self, raw: bytes) -> None:
        """Take one whole line, without its LF. Raises `Tampered`."""
        self.row += 1
        if len(raw) > lines.MAX_LINE:
            raise self._tampered(f"longer than {lines.MAX_LINE} bytes")
        try:
            self._take(raw)
        except NotCanonical as error:
            raise self._tampered(str(error)) from error

    def check_partial(self, rest: bytes) -> None:
        """Raise `Tampered` unless `rest`, which no LF ends, can be the start of the next line with NULs behind it."""
        if not rest or self.tree is None:  # without a tree, before a `hdr`, there is nothing to hold it against
            return
        text = rest.rstrip(b"\0")
        start = lines.head(self.lines)
        if self._last == b"sealed" or text[: len(start)] != start[: len(text)]:
            self.row += 1
            raise self._tampered("bytes that the writer cannot have begun to write")

    def settle(self) -> None:
        """Verify the signature of the newest checkpoint, if that was not done yet. Raises `Tampered`. (5)"""
        if self._unsettled and self.signed is not None:
            self._check_signature(self.signed)
            self._unsettled = False
            self.chain.verified(self.signed.key)

    def _take(self, raw: bytes) -> None:
        if self.tree is None:
            self.tree = _first_tree(raw)
        index = self.tree.size
        kind, body, time = lines.split(raw, index)  # (2)
        if kind not in _FOLLOWS[self._last]:  # (1)
            raise NotCanonical(f"a line of kind {kind.decode('ascii', 'replace')!r} cannot stand here")
        if self._unclean and self._last == b"hdr" and kind != b"rcv":  # (7)
            raise NotCanonical("the segment before has no `end`, so a `rcv` must stand here")
        if time != self.time:
            self._take_time(kind, time)
        if kind == b"rec":
            self.shapes.check(body)  # (4)
            self.records += 1
        elif kind == b"ckpt":
            self._take_checkpoint(body, raw)
            return
        else:
            self._take_special(kind, body)
        self._last = kind
        self._offset += len(raw) + 1
        self.tree.append(leaf_hash(raw))

    def _take_time(self, kind: bytes, time: bytes) -> None:
        if kind == b"ckpt":
            raise NotCanonical("a checkpoint must have the time of the line before it")
        lines.check_time(time)
        if time < self.time:
            raise NotCanonical("time runs backwards")
        self.time = time
        self.first_time = self.first_time or time

    def _take_checkpoint(self, body: bytes, raw: bytes) -> None:
        tree, key = self.tree, self.chain.key
        if tree is None or key is None:
            raise NotCanonical("a checkpoint before any `hdr`")
        checkpoint = Checkpoint(key.origin, tree.size, tree.root())
        signature = body[-SIGNATURE - 4 : -4].decode("ascii", "replace")
        if body != note_body(checkpoint.note(signature)):
            raise self._mismatch(body, key)
        if checkpoint.size in self.anchors:
            self._meet_anchor(checkpoint)
        tree.append(leaf_hash(raw))
        self._offset += len(raw) + 1
        self.checkpoints += 1
        self.signed = Signed(
            file=self.file,
            row=self.row,
            end=self._offset,
            number=self.chain.number,
            time=self.time,
            key=key,
            following=self.chain.following,
            tree=tree.copy(),
            checkpoint=checkpoint,
            signature=signature,
        )
        self.ledger.sign()
        self._unsettled = True
        if self.every:
            self.settle()
        self._last = b"sealed" if self._last == b"end" else b"ckpt"
        self._batch_row = self.row + 1

    def _meet_anchor(self, checkpoint: Checkpoint) -> None:  # (9)
        if self.anchors.pop(checkpoint.size) != checkpoint.root:
            raise NotCanonical("an anchor has another root for this checkpoint")
        self.anchored = checkpoint.size, self.time

    def _mismatch(self, body: bytes, key: LogKey) -> Tampered:
        """Tell a changed checkpoint from changed lines before it: only the second is still signed."""
        claimed = signed_note(body, key)
        if claimed.size != self.lines:
            return self._tampered(f"checkpoint is signed for {claimed.size} lines, but {self.lines} stand before it")
        row, self.row = self.row, self._batch_row
        return self._tampered(f"lines {self.row} to {row - 1} are not those that the checkpoint in line {row} signs")

    def _check_signature(self, signed: Signed) -> None:
        if not signed.key.signed(signed.checkpoint.text(), signed.signature):
            raise Tampered(signed.file, signed.row, "checkpoint is not signed by the log's key")

    def _take_special(self, kind: bytes, body: bytes) -> None:
        if kind == b"hdr" and self.tree is not None:
            self.chain.take_header(claims(body), body, self.tree, self.file)  # (6)
            self.ledger.begin(self.tree.size, self._time_before)
        elif kind == b"end":
            self.chain.take_end(body)
        elif kind == b"purge":
            self.ledger.take(purged(body), self.time)  # (10)
        else:
            self.recovered += torn_files(body)

    def _tampered(self, what: str) -> Tampered:
        return Tampered(self.file, self.row, what)


def _first_tree(raw: bytes) -> Tree:
    """The tree that a `hdr` line claims to continue, before anything is known to hold the claim against."""
    _, _, rest = raw.partition(b'"r":')
    body, _, _ = rest.rpartition(b',"t":')
    return claims(body).tree
