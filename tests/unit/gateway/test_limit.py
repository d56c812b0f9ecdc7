"""Limits: exact under concurrency, apart by caller and rule, and closed when the storage is down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from harness.gate import default_bundle, principal

from gateway.errors import LimiterUnavailable, RateLimited
from gateway.limit import Limits, RateLimitExceeded
from gateway.limit_memory import WindowStorage
from policies.bundle import Bundle


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return default_bundle()


def admitted(limits: Limits, bundle: Bundle, tries: int, role: str = "guest", subject: str = "alice") -> int:
    caller = replace(principal(role), subject=subject)
    count = 0
    for _ in range(tries):
        try:
            limits.by_subject(bundle, caller, "m")
            count += 1
        except RateLimited:
            pass
    return count


def test_a_guest_gets_ten_a_minute(bundle: Bundle) -> None:
    """The eleventh is refused with how long to wait; another caller is not affected."""
    limits = Limits("memory://")
    assert admitted(limits, bundle, 10) == 10
    with pytest.raises(RateLimitExceeded) as caught:
        limits.by_subject(bundle, principal("guest"), "m")
    assert caught.value.quota.remaining == 0
    assert caught.value.retry_after is not None
    assert 1 <= caught.value.retry_after <= 60
    assert admitted(limits, bundle, 1, subject="李雷") == 1


def test_the_quota_counts_down(bundle: Bundle) -> None:
    """What the headers say is what is left."""
    limits = Limits("memory://")
    left = [limits.by_subject(bundle, principal("guest"), "m").remaining for _ in range(3)]
    assert left == [9, 8, 7]


def test_many_threads_never_get_more_than_the_limit(bundle: Bundle) -> None:
    """Exactly ten of 200 concurrent requests pass."""
    limits = Limits("memory://")
    with ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(lambda _: admitted(limits, bundle, 10), range(20)))
    assert sum(counts) == 10


def test_an_address_is_counted_before_anybody_is_known(bundle: Bundle) -> None:
    """300 a minute from one address, whoever it claims to be; another address is free."""
    limits = Limits("memory://")
    for _ in range(300):
        limits.by_address(bundle, "192.0.2.1")
    with pytest.raises(RateLimited):
        limits.by_address(bundle, "192.0.2.1")
    limits.by_address(bundle, "192.0.2.2")


def test_a_storage_that_is_down_refuses(bundle: Bundle) -> None:
    """No Redis at the port: 503, never unlimited."""
    limits = Limits("redis://127.0.0.1:1/0")
    with pytest.raises(LimiterUnavailable):
        limits.by_subject(bundle, principal("guest"), "m")


def test_a_window_forgets_what_left_it() -> None:
    """Room comes back hit by hit, and unused windows are dropped."""
    storage = WindowStorage()
    assert storage.acquire_entry("a", 1, 0)
    assert storage.acquire_entry("a", 1, 0)
    assert not storage.acquire_entry("b", 1, 60, amount=2)
    assert storage.acquire_entry("b", 1, 60)
    assert not storage.acquire_entry("b", 1, 60)
    assert storage.get_moving_window("b", 1, 60)[1] == 1
    storage.clear("b")
    assert storage.acquire_entry("b", 1, 60)


def test_a_million_callers_are_not_kept() -> None:
    """Windows whose hits have all expired go away while others are counted."""
    storage = WindowStorage()
    for number in range(10_000):
        storage.acquire_entry(f"caller {number}", 5, 0)
    assert storage.reset() < 6_000
