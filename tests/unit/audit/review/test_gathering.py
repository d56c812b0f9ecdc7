"""A second process gathers the same rows, fails with the same words, and is gone afterwards."""

import multiprocessing
import operator
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.records import ADMITTED, FINISHED, SAMPLES

from audit.errors import ReviewFailed, Tampered
from audit.review import gathering
from audit.review.gathering import gathered
from audit.ship.tail import Position

RECORDS = (*SAMPLES, ADMITTED, {**FINISHED, "admitted": 2 + 2 * len(SAMPLES)})


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every log is a long one, and no process outlives the test."""
    monkeypatch.setattr(gathering, "_LONG", 0)
    yield
    assert multiprocessing.active_children() == []


def test_the_same_rows(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process or two."""
    log = write(*RECORDS)
    here = list(gathered(log, Position(), "", {}))
    monkeypatch.setattr(gathering, "_LONG", 0)
    assert list(gathered(log, Position(), "", {})) == here
    assert here[-1].origin == "host-a/hangu"


def test_a_line_that_is_none(write: Callable[..., Path], apart: None) -> None:
    """File, line and reason come through."""
    log = write(*RECORDS)
    segment = log / "000000000000.log"
    segment.write_bytes(segment.read_bytes().replace(b'{"i":4,', b'{"i":5,'))
    with pytest.raises(Tampered) as caught:
        list(gathered(log, Position(), "", {}))
    assert (caught.value.file, caught.value.line) == ("000000000000.log", 5)


def test_who_stops_early(write: Callable[..., Path], apart: None) -> None:
    """Whoever takes no more rows leaves no process behind."""
    rows = gathered(write(*RECORDS), Position(), "", {})
    next(iter(rows))
    rows.close()  # type: ignore[attr-defined]  # a generator, which is how an error ends it, too


def test_the_process_is_killed(write: Callable[..., Path], apart: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An end without a word is no end of the log: a short index would look like a log without those records."""
    monkeypatch.setattr(gathering, "_send", operator.is_)  # takes two arguments and says nothing
    with pytest.raises(ReviewFailed, match="was killed"):
        list(gathered(write(*RECORDS), Position(), "", {}))
