"""X-Forwarded-For is believed only as far as trusted proxies vouch for it."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.address import UNKNOWN, Addresses

TRUSTED = Addresses((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1")))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, 10.2.3.4", "192.0.2.7"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("192.0.2.9", "10.1.1.1", "192.0.2.9"),
        ("10.0.0.1", "evil", UNKNOWN),
        ("10.0.0.1", "192.0.2.7, evil", UNKNOWN),
        ("10.0.0.1", "192.0.2.7,", UNKNOWN),
        ("", None, UNKNOWN),
    ],
)
def test_the_hop_before_the_last_trusted_one_is_the_caller(peer: str, forwarded: str | None, expected: str) -> None:
    """Entries that no trusted proxy wrote are never believed, and a broken one makes the caller unknown."""
    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {})
    assert TRUSTED.of(environ) == expected


def test_spoofed_forwarding_without_proxies_is_ignored() -> None:
    """With no trusted proxy the header of a hostile client changes nothing."""
    assert Addresses(()).of({"REMOTE_ADDR": "192.0.2.9", "HTTP_X_FORWARDED_FOR": "10.0.0.1"}) == "192.0.2.9"
