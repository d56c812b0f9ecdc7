"""The reader of server-sent events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runtime.engine import EngineFailed
from model_runtime.sse import MAX_EVENT, EventReader

STREAM = (
    ": 你好\r\n\r\nevent: x\nid: 1\ndata: 第一\ndata:行\nretry: 5\n\n\ndata: {}\r\n\r\ndata:\n\ndata: 未完".encode()
)
EVENTS = ["第一\n行".encode(), b"{}", b""]


def test_events() -> None:
    """Data lines of one event are joined, fields without text are skipped, an unfinished event is not an event."""
    assert EventReader().feed(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cut_anywhere(cuts: list[int]) -> None:
    """However the bytes are cut, the events are the same."""
    reader = EventReader()
    bounds = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(bounds)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_garbage(pieces: list[bytes]) -> None:
    """Any bytes give events or EngineFailed."""
    reader = EventReader()
    try:
        for piece in pieces:
            reader.feed(piece)
    except EngineFailed:
        return


@pytest.mark.parametrize("line", [b"dat: x", b" data: x", b"\xef\xbb\xbfdata: x", b"data", b"{}"])
def test_foreign_line(line: bytes) -> None:
    """A line that could hide text from the reader is an error, not skipped."""
    with pytest.raises(EngineFailed):
        EventReader().feed(line + b"\n")


def test_line_without_end() -> None:
    """A line that never ends is given up at the limit, however small its pieces are."""
    reader = EventReader()
    for _ in range(MAX_EVENT // 1024):
        assert reader.feed(b"x" * 1024) == []
    with pytest.raises(EngineFailed):
        reader.feed(b"x")
