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

    Two notes of one size with different roots are both there: together they prove that the key signed two histories.
    Raises `AnchorFailed` where the store cannot be read or `keys` are of different logs.
    """
    keys, witnesses = tuple(keys), tuple(witnesses)
    origins = {key.origin for key in keys}
    if len(origins) != 1:
        raise AnchorFailed(f"keys of different logs: {', '.join(sorted(origins))}")
    with failing():
        found = list(store.notes(safe_origin(keys[0].origin), last))
    kept: dict[tuple[int, bytes], str] = {}
    left_out = 0
    for note in found:
        try:
            checkpoint, trusted = _judge(note, keys, witnesses)
        except NotCanonical:
            left_out += 1
            continue
        known = kept.setdefault(checkpoint, trusted)
        if len(trusted) > len(known):  # the same checkpoint with more cosignatures
            kept[checkpoint] = trusted
    return Fetched(tuple(kept[checkpoint] for checkpoint in sorted(kept)), left_out)


def _judge(note: str, keys: tuple[LogKey, ...], witnesses: tuple[WitnessKey, ...]) -> tuple[tuple[int, bytes], str]:
    signed = parse_signed_note(note)
    checkpoint = parse_checkpoint(signed.text)
    if checkpoint.origin != keys[0].origin or log_signatures(signed, keys) is None:
        raise NotCanonical("not signed by a key of the log")
    if len(cosignature_times(signed, witnesses)) != len(witnesses):
        raise NotCanonical("not cosigned by each of the witnesses")
    return (checkpoint.size, checkpoint.root), note
