"""The bodies of the lines that are not records: `hdr`, `ckpt`, `end` and `rcv`, built and read back.

Reading is strict: what has been read is built again and must be the same, so a member that this format does not know is
refused. Every reader raises `NotCanonical`.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from audit import canonical
from audit.checkpoint import Checkpoint, LogKey, parse_note
from audit.errors import NotCanonical
from audit.line import FORMAT
from audit.merkle import Tree

ROTATE, STOP = "rotate", "stop"
_TORN_NAME = re.compile(r"quarantine/[0-9]{12}-[0-9]+\.torn")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes that a recovery set aside: file name inside the log directory, length, SHA-256 in hex."""

    file: str
    length: int
    sha256: str


def header(key: LogKey, number: int, before: Tree) -> bytes:
    """The body of the `hdr` that opens segment `number` (from 1) after the lines of `before`."""
    previous = {
        "frontier": [base64.b64encode(node).decode() for node in before.frontier],
        "root": base64.b64encode(before.root()).decode(),
        "size": before.size,
    }
    body = {"format": FORMAT, "key": key.vkey, "origin": key.origin, "previous": previous, "segment": number}
    return canonical.encode(body)


def claims(body: bytes) -> tuple[str, int, Tree]:
    """Origin, segment number and tree that a `hdr` claims; building it again from these shows whether it is one."""
    value = canonical.parse(body)
    origin, number, previous = value.get("origin"), value.get("segment"), value.get("previous")
    try:
        if isinstance(origin, str) and type(number) is int and isinstance(previous, dict):
            nodes = [base64.b64decode(node, validate=True) for node in previous["frontier"]]
            if type(previous["size"]) is int:
                return origin, number, Tree(previous["size"], nodes)
    except (KeyError, TypeError, ValueError) as error:
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


def end(why: str) -> bytes:
    """The body of the `end` that seals a segment: `ROTATE` or `STOP`."""
    return canonical.encode({"why": why})


def end_reason(body: bytes) -> str:
    """Why the segment ended."""
    for why in (ROTATE, STOP):
        if body == end(why):
            return why
    raise NotCanonical("an `end` has one member, `why`: `rotate` or `stop`")


def recovery(torn: Iterable[Torn]) -> bytes:
    """The body of the `rcv` that follows an unclean stop."""
    return canonical.encode({"torn": [{"bytes": t.length, "file": t.file, "sha256": t.sha256} for t in torn]})


def torn_files(body: bytes) -> list[Torn]:
    """What a `rcv` says was set aside."""
    entries = canonical.parse(body).get("torn")
    torn = [_torn_file(entry) for entry in entries] if isinstance(entries, list) else []
    if body != recovery(torn):
        raise NotCanonical("a `rcv` has one member, `torn`, a list of `bytes`, `file` and `sha256`")
    return torn


def _torn_file(entry: object) -> Torn:
    if isinstance(entry, dict):
        file, length, digest = entry.get("file"), entry.get("bytes"), entry.get("sha256")
        if isinstance(file, str) and isinstance(digest, str) and type(length) is int:
            known = length >= 0 and _TORN_NAME.fullmatch(file) and _SHA256.fullmatch(digest)
            if known:
                return Torn(file, length, digest)
    raise NotCanonical("an entry of `torn` has `bytes`, `file` (quarantine/<size>-<n>.torn) and `sha256`")
