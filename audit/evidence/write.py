"""Makes an evidence pack from a log directory. What is written has been read back and checked with the caller's key."""

import os
import secrets
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoint import parse_note
from audit.errors import NotCanonical, NotProvable, ProofInvalid, UnreadableLog
from audit.evidence.check import check_pack
from audit.evidence.pack import MAX_BYTES, Claim, Pack, decode, encode
from audit.evidence.select import Selection, choose
from audit.evidence.stories import records_of, stories_of
from audit.prove import Prover
from audit.proven import Proven, parse_line
from audit.storage import sync_directory


def write_pack(
    directory: Path,
    public: Ed25519PublicKey,
    selection: Selection,
    out: Path,
    anchors: Iterable[str] = (),
    origin: str | None = None,
) -> Pack:
    """Write the evidence for a selection to the new file `out`, mode 0600, whole or not at all, and return it.

    `anchors` are notes of checkpoints kept elsewhere. Raises what `build` raises, and `UnreadableLog` where `out` is
    there already or cannot be written.
    """
    pack = build(directory, public, selection, anchors, origin)
    save(out, encode(pack))
    return pack


def build(
    directory: Path,
    public: Ed25519PublicKey,
    selection: Selection,
    anchors: Iterable[str] = (),
    origin: str | None = None,
) -> Pack:
    """The evidence for a selection under the newest checkpoint of the log.

    Raises `NotProvable`, `ProofInvalid`, `Tampered` or `UnreadableLog`.
    """
    if not (selection.indices or selection.request_ids):
        raise NotProvable("nothing was selected")
    prover = Prover(directory, public, origin)
    indices = choose(directory, prover, selection)
    proven = prover.prove(prover.newest(), indices, _dating(indices, anchors))
    return packed(proven, public, origin)


def packed(proven: Proven, public: Ed25519PublicKey, origin: str | None = None) -> Pack:
    """The pack around these proofs, checked as a stranger would check its bytes. Raises `ProofInvalid`."""
    lines = [(each.index, parse_line(each.line, each.index)) for each in proven.lines]
    stories = stories_of(records_of(lines))
    pack = Pack(proven, tuple(Claim(each.request_id, each.complete) for each in stories))
    raw = encode(pack)
    if len(raw) > MAX_BYTES:
        raise NotProvable(f"the pack would have {len(raw) >> 20} MiB, more than {MAX_BYTES >> 20}: select less")
    check_pack(decode(raw), public, origin)
    return pack


def save(out: Path, raw: bytes) -> None:
    """Write a new file, mode 0600, whole or not at all.

    Raises `UnreadableLog` where there is one already or it cannot be written.
    """
    draft = out.with_name(f".{out.name[:200]}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(draft, out)  # fails where `out` is there, as a rename would not
        finally:
            draft.unlink()
        sync_directory(out.parent)
    except OSError as error:
        raise UnreadableLog(f"{out}: cannot be written: {error.strerror or error}") from error


def _dating(indices: set[int], anchors: Iterable[str]) -> list[str]:
    """Of many anchors those that say most: for each line the first one over it, and the newest."""
    try:
        notes = sorted((parse_note(each)[0].size, each) for each in anchors)
    except NotCanonical as error:
        raise ProofInvalid(f"anchor: {error}") from error
    sizes = [size for size, _ in notes]
    useful = {min(bisect_right(sizes, index), len(notes) - 1) for index in indices} | {len(notes) - 1}
    return [note for position, (_, note) in enumerate(notes) if position in useful]
