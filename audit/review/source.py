"""The records of a log in batches, from its start or from a place in it: what a checkpoint covers, and no more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from audit.export.record import Record, committed, parse
from audit.merkle import leaf_hash
from audit.reader import Entry
from audit.ship.tail import Batch, Position, Tail

_BATCH: Final = 200  # records: parsed ones are large, and more of them at a time fall out of the processor's caches
_BATCH_BYTES: Final = 8 << 20  # of their bodies


def batches(directory: Path, position: Position, origin: str) -> Iterator[Batch]:
    """What stands behind this place, each batch with the place behind it. A purge in between shows as a gap.

    Raises `ShippingFailed` where the line before the place is not the one that was read there, `Tampered` where a line
    is none, or `OSError`.
    """
    return _all(directory) if position == Position() else _rest(directory, position, origin)


def _rest(directory: Path, position: Position, origin: str) -> Iterator[Batch]:
    tail = Tail(directory, position, origin)
    while (batch := tail.read(_BATCH)) is not None:
        yield batch


def _all(directory: Path) -> Iterator[Batch]:
    """The whole log, each segment read once: a `Tail` would unpack an archive again for every batch."""
    records: list[Record] = []
    last: Entry | None = None
    origin, size = "", 0
    for group in committed(directory):
        added = [parse(entry, origin) for entry, origin in group if entry.kind == b"rec"]
        records += added
        size += sum(len(record.body) for record in added)
        last, origin = group[-1]
        if len(records) >= _BATCH or size >= _BATCH_BYTES:
            yield Batch(origin, _behind(last), records)
            records, size = [], 0
    if last is not None:
        yield Batch(origin, _behind(last), records)


def _behind(checkpoint: Entry) -> Position:
    return Position(checkpoint.index + 1, leaf_hash(checkpoint.line))
