"""Proofs from a log directory: lines and older checkpoints under one signed checkpoint.

    prover = Prover(directory, public)
    proven = prover.prove(prover.newest(), [2, 4])

What is built is checked (`audit.proven`) before it is handed out, with the caller's key: an altered line gives an error
and no proof. A proof says nothing about lines that it does not show; for the whole log there is `audit.verify`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import canonical
from audit.checkpoint import Checkpoint, LogKey, parse_note, parse_vkey
from audit.directory import first_index, segments
from audit.errors import KeyUnusable, NotCanonical, NotProvable, ProofInvalid, Tampered, UnreadableLog
from audit.nodes import begun, read_header, read_nodes
from audit.proof import Span, consistency_spans, inclusion_spans
from audit.proven import Extension, Handover, Inclusion, Proven, check, next_key, signer
from audit.reader import Entry, entries

_T = TypeVar("_T")
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Handed:
    """A hand-over as it stands in the log."""

    key: LogKey
    end: Entry
    checkpoint: Entry


@dataclass(slots=True)
class _Wanted:
    """The nodes that proofs are made of: named first, so that each segment is read once, then put together."""

    spans: set[Span] = field(default_factory=set)
    nodes: dict[Span, bytes] = field(default_factory=dict)

    def ask(self, spans: list[Span]) -> Callable[[], tuple[bytes, ...]]:
        self.spans.update(spans)
        return lambda: tuple(self.nodes[span] for span in spans)


class Prover:
    """One log and the key to believe. Every method raises `Tampered`, `NotProvable` or `UnreadableLog`."""

    def __init__(self, directory: Path, public: Ed25519PublicKey, origin: str | None = None) -> None:
        """`origin` None: the log says itself what it is called."""
        self._directory = directory
        self._public = public
        self._origin = origin

    @property
    def origin(self) -> str:
        """What the log is called, by the given key or by its own word."""
        return self._origin or _parsed(self.newest()).origin

    def newest(self) -> str:
        """The signed note of the newest checkpoint in the log."""
        return self._steady(self._newest)

    def at(self, size: int) -> str:
        """The signed note of the checkpoint over the first `size` lines."""
        found = self._steady(lambda names: self._entry(names, size))
        if found.kind != b"ckpt":
            raise NotProvable(f"there is no checkpoint over {size} lines; line {size} is another one")
        return _note(found)

    def over(self, index: int) -> str:
        """The signed note of the first checkpoint over line `index`: the one of its own commit."""
        return self._steady(lambda names: self._over(names, index))

    def line(self, index: int) -> Entry:
        """The line with this index, unproved."""
        return self._steady(lambda names: self._entry(names, index))

    def prove(self, note: str, indices: Iterable[int], anchors: Iterable[str] = ()) -> Proven:
        """The lines with these indices, and the notes `anchors`, under the checkpoint `note`.

        Every note is of this log; the checkpoint must be in the log, or be followed by lines that are. Raises
        `ProofInvalid` too, where a line or a hand-over of keys is not what was signed.
        """
        size = _parsed(note).size
        ordered = sorted(set(indices))
        if ordered and ordered[-1] >= size:
            raise NotProvable(f"line {ordered[-1]} is not under the checkpoint of {size} lines")
        earlier = _ordered(anchors, size)
        proven = self._steady(lambda names: self._prove(names, note, ordered, earlier))
        try:
            check(proven, self._public, self._origin)
        except ProofInvalid as error:
            raise ProofInvalid(
                f"{error}: the log was altered since it was signed, or signed with another key; "
                "`audit verify` names the first bad line"
            ) from error
        return proven

    def _steady(self, read: Callable[[Sequence[str]], _T]) -> _T:
        """Read from the segments there are. Again where one of them was purged meanwhile."""
        try:
            for _ in range(_ATTEMPTS):
                names = segments(self._directory)
                if not names:
                    break
                try:
                    return read(names)
                except Tampered:
                    if segments(self._directory)[:1] == names[:1]:
                        raise
        except OSError as error:
            raise UnreadableLog(f"{self._directory}: {error}") from error
        raise UnreadableLog(f"{self._directory}: not a log directory, there is no segment")

    def _newest(self, names: Sequence[str]) -> str:
        for name in reversed(names):  # the newest segment may still be empty
            found = None
            for entry in entries(self._directory, first_index(name)):
                if entry.file != name:
                    break
                found = entry if entry.kind == b"ckpt" else found
            if found is not None:
                return _note(found)
        raise NotProvable("there is no checkpoint: nothing in this log is signed")

    def _over(self, names: Sequence[str], index: int) -> str:
        self._entry(names, index)
        for entry in entries(self._directory, index + 1):
            if entry.kind == b"ckpt":
                return _note(entry)
        raise NotProvable(f"line {index} is not signed yet")

    def _entry(self, names: Sequence[str], index: int) -> Entry:
        if 0 <= index < first_index(names[0]):
            raise NotProvable(f"line {index} was purged; the log starts at line {first_index(names[0])}")
        entry = next(entries(self._directory, index), None) if index >= 0 else None
        if entry is None:
            raise NotProvable(f"there is no line {index} in the log")
        return entry

    def _prove(self, names: Sequence[str], note: str, indices: list[int], anchors: list[str]) -> Proven:
        checkpoint = _parsed(note)
        names = begun(self._directory, names)
        handed = self._handed_over(names, note, anchors)
        wanted = _Wanted()
        included = [(self._entry(names, i), wanted.ask(inclusion_spans(i, checkpoint.size))) for i in indices]
        extended = [(each, wanted.ask(consistency_spans(_parsed(each).size, checkpoint.size))) for each in anchors]
        passed = [
            (
                each,
                wanted.ask(inclusion_spans(each.end.index, each.checkpoint.index)),
                wanted.ask(inclusion_spans(each.checkpoint.index, checkpoint.size)),
            )
            for each in handed
            if each.checkpoint.index < checkpoint.size
        ]
        wanted.nodes = read_nodes(self._directory, names, wanted.spans)
        return Proven(
            note=note,
            handovers=tuple(
                Handover(each.key, each.end.index, each.end.line, each.checkpoint.line, proof(), under())
                for each, proof, under in passed
            ),
            lines=tuple(Inclusion(entry.index, entry.line, proof()) for entry, proof in included),
            anchors=tuple(Extension(each, proof()) for each, proof in extended),
        )

    def _handed_over(self, names: Sequence[str], note: str, anchors: list[str]) -> list[_Handed]:
        """How the log went from key to key, where the given one alone did not sign all these notes."""
        trusted = LogKey(_parsed(note).origin, self._public)
        if all(signer(each, [trusted]) for each in (note, *anchors)):
            return []
        keys = [(name, read_header(self._directory, name)[1]) for name in names]
        return [self._handover(key, other) for (_, key), (other, after) in pairwise(keys) if key != after]

    def _handover(self, vkey: str, following: str) -> _Handed:
        """The last two lines before the segment `following`, with which this key handed the log over."""
        first = first_index(following)
        try:
            end, checkpoint = islice(entries(self._directory, first - 2), 2)
            next_key(end.line, end.index)
            return _Handed(parse_vkey(vkey), end, checkpoint)
        except (NotCanonical, KeyUnusable, ValueError) as error:
            raise Tampered(
                following, 1, f"names another key than the segment before, which did not hand over: {error}"
            ) from error


def _ordered(anchors: Iterable[str], size: int) -> list[str]:
    """The anchors by size, each once. Raises `ProofInvalid` where two contradict each other, or one is newer."""
    notes: dict[int, str] = {}
    roots: dict[int, bytes] = {}
    for each in anchors:
        anchor = _parsed(each)
        if anchor.size == 0:
            raise ProofInvalid("an anchor of no lines: an empty tree is the start of every log, which shows nothing")
        if roots.setdefault(anchor.size, anchor.root) != anchor.root:
            raise ProofInvalid(f"two anchors of {anchor.size} lines have different roots: the key signed both")
        if anchor.size > size:
            raise ProofInvalid(
                f"an anchor covers {anchor.size} lines, the checkpoint {size}: the log was cut off, or use a later one"
            )
        notes.setdefault(anchor.size, each)
    return [notes[size] for size in sorted(notes)]


def _parsed(note: str) -> Checkpoint:
    try:
        return parse_note(note)[0]
    except NotCanonical as error:
        raise ProofInvalid(str(error)) from error


def _note(entry: Entry) -> str:
    try:
        return str(canonical.parse(entry.body).get("note"))
    except NotCanonical as error:
        raise Tampered(entry.file, entry.index - first_index(entry.file) + 1, str(error)) from error
