"""The bodies of the lines that are not records: `hdr`, `ckpt`, `end`, `rcv` and `purge`, built and read back.

Reading is strict: what has been read is built again and must be the same, so a member that this format does not know is
refused. Every reader raises `NotCanonical`.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from audit import canonical
from audit.checkpoint import Checkpoint, LogKey, check_origin, parse_note, parse_vkey
from audit.errors import KeyUnusable, NotCanonical
from audit.line import FORMAT, check_time
from audit.merkle import Tree

ROTATE, STOP, REKEY = "rotate", "stop", "rekey"
_TORN_NAME = re.compile(r"quarantine/[0-9]{12}-[0-9]+\.torn")
_REMOVED_NAME = re.compile(r"[0-9]{12}\.log|" + _TORN_NAME.pattern)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Content:
    """A file as a line of the log names it: name inside the log directory, length, SHA-256 in hex.

    Of a segment the name is always that of the `.log`, and length and digest are of the uncompressed bytes.
    """

    file: str
    length: int
    sha256: str

    @property
    def index(self) -> int:
        """The number in the name: the first index of a segment, the size before a torn tail."""
        return int(self.file.removeprefix("quarantine/")[:12])


@dataclass(frozen=True, slots=True)
class Purge:
    """What a `purge` line says: the files removed, all lines in them older than `before`; `first` is the first kept."""

    before: bytes
    first: int
    removed: tuple[Content, ...]

    @property
    def segments(self) -> tuple[Content, ...]:
        return tuple(content for content in self.removed if "/" not in content.file)


class Claims(NamedTuple):
    """What a `hdr` claims. Building it again from this shows whether it is one."""

    origin: str
    number: int
    tree: Tree
    key: LogKey


def header(key: LogKey, number: int, before: Tree) -> bytes:
    """The body of the `hdr` that opens segment `number` (from 1) after the lines of `before`."""
    previous = {
        "frontier": [base64.b64encode(node).decode() for node in before.frontier],
        "root": base64.b64encode(before.root()).decode(),
        "size": before.size,
    }
    body = {"format": FORMAT, "key": key.vkey, "origin": key.origin, "previous": previous, "segment": number}
    return canonical.encode(body)


def claims(body: bytes) -> Claims:
    """Origin, segment number, tree and key that a `hdr` claims."""
    value = canonical.parse(body)
    origin, number, previous, key = (value.get(name) for name in ("origin", "segment", "previous", "key"))
    try:
        if isinstance(origin, str) and type(number) is int and isinstance(previous, dict) and isinstance(key, str):
            nodes = [base64.b64decode(node, validate=True) for node in previous["frontier"]]
            if type(previous["size"]) is int:
                return Claims(check_origin(origin), number, Tree(previous["size"], nodes), parse_vkey(key))
    except (KeyError, TypeError, ValueError, KeyUnusable) as error:
        raise NotCanonical("not the body of a `hdr`") from error
    raise NotCanonical("not the body of a `hdr`")


def note_body(note: str) -> bytes:
    """The body of a `ckpt` line. Nothing in a note but its line ends needs escaping."""
    return b'{"note":"' + note.replace("\n", "\\n").encode("utf-8", "replace") + b'"}'


def signed_note(body: bytes, key: LogKey) -> Checkpoint:
    """The checkpoint in the body of a `ckpt` line, whatever tree it is of, if the key signed it."""
    note = canonical.parse(body).get("note")
    claimed, signatures = parse_note(note if isinstance(note, str) else "")
    if claimed.origin != key.origin or not any(key.signed(claimed.text(), signature) for signature in signatures):
        raise NotCanonical("checkpoint is not signed by the log's key")
    return claimed


def end(why: str, following: LogKey | None = None) -> bytes:
    """The body of the `end` that seals a segment: `ROTATE`, `STOP`, or `REKEY` with the key that follows."""
    return canonical.encode({"why": why} if following is None else {"next": following.vkey, "why": why})


def ending(body: bytes) -> tuple[str, LogKey | None]:
    """Why the segment ended, and the key that follows where it was handed over."""
    for why in (ROTATE, STOP):
        if body == end(why):
            return why, None
    try:
        key = parse_vkey(str(canonical.parse(body).get("next")))
    except KeyUnusable:
        key = None
    if key is None or body != end(REKEY, key):
        raise NotCanonical("an `end` has a `why`: `rotate`, `stop`, or `rekey` and then the verifier key `next`")
    return REKEY, key


def recovery(torn: Iterable[Content]) -> bytes:
    """The body of the `rcv` that follows an unclean stop."""
    return canonical.encode({"torn": [_entry(content) for content in torn]})


def torn_files(body: bytes) -> list[Content]:
    """What a `rcv` says was set aside."""
    torn = _contents(canonical.parse(body).get("torn"), _TORN_NAME)
    if body != recovery(torn):
        raise NotCanonical("a `rcv` has one member, `torn`, a list of `bytes`, `file` and `sha256`")
    return torn


def purge(what: Purge) -> bytes:
    """The body of a `purge` line."""
    removed = [_entry(content) for content in what.removed]
    return canonical.encode({"before": what.before.decode(), "first": what.first, "removed": removed})


def purged(body: bytes) -> Purge:
    """What a `purge` line says, as far as it can be wrong by itself: see `audit.purged` for the rest."""
    value = canonical.parse(body)
    first, removed = value.get("first"), tuple(_contents(value.get("removed"), _REMOVED_NAME))
    before = str(value.get("before")).encode("utf-8", "replace")
    check_time(before)
    if type(first) is not int or body != purge(found := Purge(before, first, removed)):
        raise NotCanonical("a `purge` has the members `before`, `first` and `removed`")
    ordered = [content.file for content in removed] == sorted({content.file for content in removed})
    if not (ordered and found.segments and all(content.index < first for content in removed)):
        raise NotCanonical("a `purge` names each file below `first` once and in order, and a segment at least")
    return found


def _entry(content: Content) -> dict[str, object]:
    return {"bytes": content.length, "file": content.file, "sha256": content.sha256}


def _contents(entries: object, names: re.Pattern[str]) -> list[Content]:
    return [_content(entry, names) for entry in entries] if isinstance(entries, list) else []


def _content(entry: object, names: re.Pattern[str]) -> Content:
    if isinstance(entry, dict):
        file, length, digest = entry.get("file"), entry.get("bytes"), entry.get("sha256")
        if isinstance(file, str) and isinstance(digest, str) and type(length) is int:
            known = length >= 0 and names.fullmatch(file) and _SHA256.fullmatch(digest)
            if known:
                return Content(file, length, digest)
    raise NotCanonical("a file is named by `bytes`, `file` (as this line may name it) and `sha256`")
