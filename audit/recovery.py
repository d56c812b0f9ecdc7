"""What a writer finds when it starts: the signed state of the log, with a torn tail set aside.

Only the newest segment is read (its `hdr` names the frontier of the tree, and a checkpoint after it signs that), so a
start takes as long for a year of log as for an hour. Nothing unsigned is trusted.

A crash during recovery is harmless: bytes are copied and synced before they are cut off, and copies are named after the
size of the signed tree, so the next recovery finds and names them all until one `rcv` is durable. A purge that a crash
cut short is finished here too: it was the last thing its writer did, so its line stands in what is read.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.bodies import REKEY, ROTATE, Content
from audit.chain import SEGMENT_NAME
from audit.checkpoint import LogKey
from audit.directory import (
    ARCHIVED,
    QUARANTINE,
    content,
    feed_file,
    first_index,
    open_regular,
    open_segment,
    quarantined,
    segments,
)
from audit.errors import KeyUnusable, Tampered
from audit.merkle import Tree
from audit.purge import finish
from audit.scan import Scanner, Signed
from audit.storage import sync_directory


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a new segment starts."""

    tree: Tree
    time: bytes  # no later line may have an earlier one
    number: int  # of the segments before
    clean: bool  # the log is empty, or ended in order
    torn: tuple[Content, ...]


def reopen(
    directory: Path, public: Ed25519PublicKey, origin: str, predecessor: Ed25519PublicKey | None = None
) -> Opening:
    """Read the newest segment, set aside what is unsigned behind its last checkpoint, and say where to go on.

    `predecessor` is given by who hands the log over, to finish a hand-over that a crash cut short. Raises `Tampered`
    where the log is not what a crash can leave behind, `KeyUnusable` where another key is to write it, `LogBusy` where
    an archiver stands in the way of a purge to be finished, and `OSError` where the disk fails.
    """
    names = segments(directory)
    scanner, rest = _scan(directory, names[-1:], public, origin)
    if scanner.signed is None and len(names) > 1:  # a crash while the newest segment was being opened
        scanner, rest = _scan(directory, names[-2:], public, origin)
    signed = scanner.signed
    if signed is None and names and names != [SEGMENT_NAME.format(0)]:
        raise Tampered(names[-1], 0, "no checkpoint in the two newest segments")
    if signed is not None:
        _check_key(directory, signed, LogKey(origin, public), predecessor)
    size, file, end = (signed.tree.size, signed.file, signed.end) if signed else (0, "", 0)
    if scanner.tail_begun or rest or (names and file != names[-1]):
        cuts = [(name, end if name == file else 0) for name in names if name >= file]
        _set_aside(directory, [cut for cut in cuts if not cut[0].endswith(ARCHIVED)], size)
    torn = tuple(content(directory, name) for name in quarantined(directory) if is_cut_at(name, size))
    if scanner.chain.ended in (ROTATE, REKEY) and not torn:
        raise Tampered(file, 0, "the segment after it is missing")
    finish(directory, scanner.ledger.purges)
    if signed is None:
        return Opening(Tree(), b"", 0, not torn, torn)
    return Opening(signed.tree, signed.time, signed.number, scanner.sealed and not torn, torn)


def _check_key(directory: Path, signed: Signed, key: LogKey, predecessor: Ed25519PublicKey | None) -> None:
    """Raise `KeyUnusable` unless `key` is the one to sign what follows, and signed what is there.

    A log that was handed over to it, where it has signed nothing yet, is not taken on trust: anyone could have written
    that. Only who brings both keys goes on there.
    """
    if signed.following is None and signed.key.public == key.public:
        return
    if signed.following is None:
        raise KeyUnusable(f"{directory}: this log is under the key `{signed.key.vkey}`, not `{key.vkey}`")
    if signed.following.public != key.public:
        raise KeyUnusable(f"{directory}: this log was handed over to the key `{signed.following.vkey}`")
    if predecessor is None or signed.key.public != predecessor:
        raise KeyUnusable(f"{directory}: the hand-over to this key was cut short; finish it with `audit rekey`")


def _scan(directory: Path, names: list[str], public: Ed25519PublicKey, origin: str) -> tuple[Scanner, bytes]:
    first = bool(names) and first_index(names[0]) == 0
    scanner, rest = Scanner(public, origin, Tree() if first else None), b""
    for name in names:
        if (scanner.tail_begun or rest) and scanner.file.endswith(ARCHIVED):
            raise Tampered(scanner.file, scanner.row + 1, "an archived segment without its signed end")
        if scanner.tail_begun or rest:
            require_empty(directory, name, scanner)
            break
        rest = feed_file(scanner, directory, name)
        scanner.check_partial(rest)
    scanner.settle()
    return scanner, rest


def require_empty(directory: Path, name: str, tail: Scanner) -> None:
    """Raise `Tampered` unless the segment behind an unsigned tail holds nothing, since its writer never came to it."""
    with open_segment(directory, name) as stream:
        if stream.read(4096).strip(b"\0"):
            raise Tampered(tail.file, tail.row + 1, "the signed end of the segment is missing, though another follows")


def _set_aside(directory: Path, cuts: list[tuple[str, int]], size: int) -> None:
    """Copy what lies behind each (file, offset) to the quarantine, then cut it off; a file cut to nothing goes."""
    (directory / QUARANTINE).mkdir(mode=0o750, exist_ok=True)
    taken = len([name for name in quarantined(directory) if is_cut_at(name, size)])
    for file, offset in cuts:
        with open_regular(directory, file) as stream:
            stream.seek(offset)
            data = stream.read()
        if data or not offset:  # an empty file leaves an empty copy, the trace that there was a file
            taken += 1
            _write_synced(directory / QUARANTINE / f"{size:012d}-{taken}.torn", data)
    sync_directory(directory / QUARANTINE)
    sync_directory(directory)
    for file, offset in cuts:
        _cut(directory / file, offset)
    sync_directory(directory)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:  # no space, say: nothing is cut without a copy, so the next start need not find half of one
            path.unlink()
            raise


def _cut(path: Path, offset: int) -> None:
    if offset == 0:
        path.unlink()
        return
    with path.open("r+b") as stream:
        stream.truncate(offset)
        os.fsync(stream.fileno())


def is_cut_at(name: str, size: int) -> bool:
    """Whether the quarantined file was cut off behind a signed tree of this size."""
    return name.startswith(f"{QUARANTINE}/{size:012d}-")
