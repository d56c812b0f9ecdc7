"""The caller's address: the connection's peer, or what a trusted proxy says stood before it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN = "unknown"  # no network holds it, so policy refuses it


class Addresses:
    """Reads `X-Forwarded-For` from right to left: each trusted proxy vouches for the hop before it, and no further.

    What the leftmost entries say comes from the client and is never believed. A hop that is no address makes the caller
    unknown.
    """

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._is_trusted = lru_cache(maxsize=1024)(self._check)

    def of(self, environ: Mapping[str, Any]) -> str:
        """The address that limits, network rules and records use."""
        peer: str = environ.get("REMOTE_ADDR") or UNKNOWN
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        if not self._trusted or not forwarded or not self._is_trusted(peer):
            return peer
        for hop in reversed(forwarded.split(",")):
            peer = _address(hop.strip())
            if peer == UNKNOWN or not self._is_trusted(peer):
                break
        return peer

    def _check(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return UNKNOWN
