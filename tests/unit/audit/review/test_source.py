"""What an index is fed: all that a checkpoint covers, once, from any place in the log."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.records import ADMITTED, FINISHED, STARTED, UNKNOWN_CALLER

from audit.errors import ShippingFailed
from audit.review import source
from audit.review.source import batches
from audit.ship.tail import Position

RECORDS = (STARTED, ADMITTED, FINISHED, UNKNOWN_CALLER)


def test_every_place_leads_to_the_same_end(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops after any batch and goes on from there gets the rest, nothing twice, and ends at the same place."""
    monkeypatch.setattr(source, "_BATCH", 1)
    log = write(*RECORDS)
    whole = list(batches(log, Position(), ""))
    for done in range(1, len(whole)):
        rest = list(batches(log, whole[done - 1].position, "host-a/hangu"))
        assert [r.index for b in rest for r in b.records] == [r.index for b in whole[done:] for r in b.records]
        assert rest[-1].position == whole[-1].position
    assert [record.index for batch in whole for record in batch.records] == [2, 4, 6, 8]
    assert {batch.origin for batch in whole} == {"host-a/hangu"}


def test_nothing_new(write: Callable[..., Path]) -> None:
    """At the end of the log there is no batch."""
    log = write(*RECORDS)
    *_, last = batches(log, Position(), "")
    assert list(batches(log, last.position, last.origin)) == []


def test_a_place_in_another_log(write: Callable[..., Path]) -> None:
    """A place is only one in the log whose line was read there."""
    log, other = write(*RECORDS), write(UNKNOWN_CALLER, *RECORDS, name="other")
    first = next(iter(batches(log, Position(), "")))
    with pytest.raises(ShippingFailed, match="changed"):
        list(batches(other, first.position, first.origin))
