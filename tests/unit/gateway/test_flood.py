"""Refusals beyond an address's limit: recorded first, counted then, and no count is ever lost to a busy log."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from harness.gate import MemoryLog
from harness.wait import until

from audit.errors import AuditUnavailable
from gateway import flood
from gateway.flood import Floods


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def floods(log: MemoryLog) -> Iterator[Floods]:
    """Counts that only `flush` writes."""
    made = Floods(log.emit, interval=3600)
    yield made
    log.broken = None
    made.flush()


def counts(log: MemoryLog) -> dict[str, int]:
    return {fields["address"]: fields["count"] for _, fields in log.events}


def test_the_first_refusal_is_recorded_and_the_rest_are_counted(floods: Floods, log: MemoryLog) -> None:
    """Whoever refuses records one; a hundred more are one record with their number."""
    assert not floods.counted("10.0.0.9")
    assert all(floods.counted("10.0.0.9") for _ in range(100))
    floods.flush()
    (event,) = log.events
    assert event == (
        "request.refused",
        {
            "address": "10.0.0.9",
            "status": 429,
            "code": "rate_limited",
            "detail": "limit by address",
            "count": 100,
            "seconds": 1,
        },
    )


def test_a_single_refusal_leaves_no_count(floods: Floods, log: MemoryLog) -> None:
    """Its own record is enough."""
    floods.counted("10.0.0.9")
    floods.flush()
    assert log.events == []


def test_each_interval_begins_with_a_record(floods: Floods) -> None:
    """A flood that goes on shows once in every interval in full."""
    floods.counted("10.0.0.9")
    floods.flush()
    assert not floods.counted("10.0.0.9")


def test_addresses_are_counted_apart(floods: Floods, log: MemoryLog) -> None:
    """One address never speaks for another."""
    for address, refused in (("10.0.0.1", 3), ("10.0.0.2", 5)):
        assert [floods.counted(address) for _ in range(refused)] == [False] + [True] * (refused - 1)
    floods.flush()
    assert counts(log) == {"10.0.0.1": 2, "10.0.0.2": 4}


def test_a_log_that_is_gone_does_not_lose_the_count(floods: Floods, log: MemoryLog) -> None:
    """What could not be written is written with the next interval, together with what came meanwhile."""
    assert [floods.counted("10.0.0.9") for _ in range(4)] == [False, True, True, True]
    log.broken = AuditUnavailable("gone")
    floods.flush()
    assert floods.counted("10.0.0.9")
    log.broken = None
    floods.flush()
    assert counts(log) == {"10.0.0.9": 4}


def test_many_addresses_cannot_fill_the_memory(floods: Floods, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound nothing is counted any more, so each refusal is recorded."""
    monkeypatch.setattr(flood, "MAX_ADDRESSES", 2)
    for address in ("a", "b", "c"):
        assert not floods.counted(address)
    assert floods.counted("a")
    assert not floods.counted("c")


def test_the_count_is_written_without_another_request(log: MemoryLog) -> None:
    """A flood that stops is on record when its interval is over."""
    floods = Floods(log.emit, interval=0.01)
    while not floods.counted("10.0.0.9"):
        pass
    until("the count", lambda: log.events)
    floods.flush()
    assert sum(fields["count"] for _, fields in log.events) >= 1


def test_concurrent_refusals_are_each_recorded_or_counted(floods: Floods, log: MemoryLog) -> None:
    """Eight threads, a thousand refusals: exactly one is to be recorded, the count has the others."""
    first: list[int] = []

    def refuse() -> None:
        for _ in range(125):
            if not floods.counted("10.0.0.9"):
                first.append(1)

    threads = [threading.Thread(target=refuse) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    floods.flush()
    assert (len(first), counts(log)) == (1, {"10.0.0.9": 999})
