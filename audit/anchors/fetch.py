"""Collects the notes of one log from a store, for `audit verify --anchor`."""

from collections.abc import Iterable
from dataclasses import dataclass

from audit.anchors.notes import log_signatures, parse_checkpoint
from audit.anchors.target import Store, failing, safe_origin
from audit.checkpoint import LogKey
from audit.cosignature import WitnessKey, cosignature_times, parse_signed_note
from audit.errors import AnchorFailed, NotCanonical


@dataclass(frozen=True, slots=True)
class Fetched:
    """The notes, oldest first, and how many others were left out: not signed as asked for, or no notes at all."""

    notes: tuple[str, ...]
    left_out: int


def fetch(store: Store, keys: Iterable[LogKey], witnesses: Iterable[WitnessKey], last: int) -> Fetched:
    """The notes of the `last` greatest sizes (0: all) that one of the log's keys signed and all the witnesses cosigned.

    What else is in the store, or is kept for another size than its own, counts for nothing: planted in front of the
    newest notes it would hide them. Two notes of one size with different roots are both there: together they prove
    that the key signed two histories.
    Raises `AnchorFailed` where the store cannot be read or `keys` are of different logs.
    """
    keys, witnesses = tuple(keys), tuple(witnesses)
    origins = {key.origin for key in keys}
    if len(origins) != 1:
        raise AnchorFailed(f"keys of different logs: {', '.join(sorted(origins))}")
    kept: dict[tuple[int, bytes], str] = {}
    sizes: set[int] = set()
    left_out = 0
    with failing():
        for size, note in store.notes(safe_origin(keys[0].origin)):
            if len(sizes) == last > 0 and size not in sizes:
                break
            try:
                root = _judge(note, size, keys, witnesses)
            except NotCanonical:
                left_out += 1
                continue
            sizes.add(size)
            known = kept.setdefault((size, root), note)
            if len(note) > len(known):  # the same checkpoint with more cosignatures
                kept[size, root] = note
    return Fetched(tuple(kept[checkpoint] for checkpoint in sorted(kept)), left_out)


def _judge(note: str, size: int, keys: tuple[LogKey, ...], witnesses: tuple[WitnessKey, ...]) -> bytes:
    """The root in the note of this size. Raises `NotCanonical` where it cannot be trusted."""
    signed = parse_signed_note(note)
    checkpoint = parse_checkpoint(signed.text)
    if checkpoint.size != size:
        raise NotCanonical("kept for another size")
    if checkpoint.origin != keys[0].origin or log_signatures(signed, keys) is None:
        raise NotCanonical("not signed by a key of the log")
    if len(cosignature_times(signed, witnesses)) != len(witnesses):
        raise NotCanonical("not cosigned by each of the witnesses")
    return checkpoint.root
