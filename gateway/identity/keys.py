"""Issuers' keys: fixed ones, and ones fetched from a JWKS endpoint that rotates, fails and hangs.

A request reads an immutable snapshot and never waits for the network, save for the first fetch of a process, which
is bounded. Refreshes run in one background thread at a time, at most one per cool-down. While the endpoint fails the
last snapshot serves on, up to a limit; after it, and before the first, a token cannot be checked: 503, never 500.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import jwt

from gateway.errors import IdentityUnavailable
from gateway.identity.jwks import JwksError, KeySet, VerificationKey, parse_jwks

MIN_SECRET: Final = 32  # bytes (RFC 7518 §3.2)
MAX_UNKNOWN_KIDS: Final = 1024

_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Where an issuer's keys come from. Safe to call from many threads."""

    def current(self) -> KeySet:
        """The snapshot to verify with; the same object until the keys change. Raises IdentityUnavailable."""

    def confirm_unknown(self, kid: str, /) -> None:
        """Return when the issuer has no key `kid`; raise IdentityUnavailable while that is still being found out."""


class KeyObserver(Protocol):
    """Hears of every refresh. Called in the thread that refreshes, one call at a time."""

    def changed(self, before: KeySet | None, after: KeySet, /) -> None:
        """Before other keys are used. What this raises keeps them from being used; the next refresh tries again."""

    def refreshed(self) -> None:
        """The endpoint has answered. Raises nothing."""

    def failed(self, error: Exception, /) -> None:
        """It has not, or with nothing that can be used. Raises nothing."""


class FixedKeys:
    """Keys that do not change while the process runs: our own, or those of a JWKS file."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def current(self) -> KeySet:
        return self._keys

    def confirm_unknown(self, _kid: str, /) -> None:
        return


def shared_secret(secret: bytes) -> FixedKeys:
    """An HS256 secret. Raises JwksError under 32 bytes, or for a public key, certificate or JWK taken for a secret."""
    if len(secret) < MIN_SECRET:
        raise JwksError(f"a shared secret must have at least {MIN_SECRET} bytes, got {len(secret)}")
    try:
        material = jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError as error:
        raise JwksError("a shared secret must be random bytes, not a key in PEM, DER or JWK form") from error
    return FixedKeys(KeySet([VerificationKey(None, frozenset({"HS256"}), material)]))


@dataclass(frozen=True, slots=True)
class JwksTimes:
    """How a JWKS endpoint is treated, in seconds."""

    refresh: float = 300  # a snapshot older than this is refreshed in the background
    stale: float = 86_400  # a snapshot older than this is no longer used
    cool_down: float = 30  # between two attempts; an unknown `kid` cannot make it shorter
    first_retry: float = 5  # between two attempts while there is no snapshot at all
    first_wait: float = 3.5  # how long a request may wait for the first fetch
    unknown: float = 300  # how long a `kid` that a newer snapshot lacks starts no refresh


@dataclass(frozen=True, slots=True)
class _Snapshot:
    keys: KeySet
    document: bytes
    fetched_at: float  # when the fetch began


@dataclass(slots=True)
class _Refresh:
    """One process's refreshing. A fork starts its own: threads and held locks do not survive it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: bool = False
    attempted_at: float = -math.inf
    first_done: threading.Event = field(default_factory=threading.Event)
    unknown: OrderedDict[str, float] = field(default_factory=OrderedDict)  # kid → first asked for


class JwksKeys:
    """The keys behind `fetch`, which returns a JWKS document or raises. `clock` counts seconds and never goes back.

    `name` is the issuer's, for the operational log; `observer` is told what the refreshes bring.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        times: JwksTimes | None = None,
        clock: Callable[[], float] = time.monotonic,
        name: str = "an issuer",
        observer: KeyObserver | None = None,
    ) -> None:
        self._fetch = fetch
        self._name = name
        self._observer = observer
        self._times = times or JwksTimes()
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._refreshes: dict[int, _Refresh] = {}

    def current(self) -> KeySet:
        snapshot, now = self._snapshot, self._clock()
        if snapshot is None:
            return self._first(now)
        age = now - snapshot.fetched_at
        if age > self._times.refresh:
            self._start(self._refresh(), now, self._times.cool_down)
        if age > self._times.stale:
            raise IdentityUnavailable(detail="the issuer's keys are too old", retry_after=self._retry_after(now))
        return snapshot.keys

    def confirm_unknown(self, kid: str, /) -> None:
        snapshot, now, refresh = self._snapshot, self._clock(), self._refresh()
        if snapshot is not None:
            asked = self._asked_at(refresh, kid, now)
            settled = snapshot.fetched_at >= asked  # a snapshot from after the first question is the answer
            if settled or now - snapshot.fetched_at < self._times.cool_down:
                return
        self._start(refresh, now, self._times.cool_down)
        raise IdentityUnavailable(detail="the issuer's keys are being refreshed", retry_after=self._retry_after(now))

    def start_refresh(self) -> None:
        """Fetch in the background, without waiting: a worker calls this once it serves, so that no request waits."""
        self._start(self._refresh(), self._clock(), self._times.cool_down)

    def _first(self, now: float) -> KeySet:
        refresh = self._refresh()
        self._start(refresh, now, self._times.first_retry)
        refresh.first_done.wait(self._times.first_wait)
        snapshot = self._snapshot
        if snapshot is None:
            raise IdentityUnavailable(detail="the issuer's keys could not be fetched", retry_after=1)
        return snapshot.keys

    def _refresh(self) -> _Refresh:
        """This process's state; `setdefault` is atomic, so two threads get the same one."""
        pid = os.getpid()
        return self._refreshes.get(pid) or self._refreshes.setdefault(pid, _Refresh())

    def _asked_at(self, refresh: _Refresh, kid: str, now: float) -> float:
        """When this `kid` was first asked for, forgotten after a while. Bounded: the one asked for first goes first."""
        with refresh.lock:
            asked = refresh.unknown.get(kid)
            if asked is None or now - asked > self._times.unknown:
                refresh.unknown[kid] = asked = now
                refresh.unknown.move_to_end(kid)
            if len(refresh.unknown) > MAX_UNKNOWN_KIDS:
                refresh.unknown.popitem(last=False)
            return asked

    def _start(self, refresh: _Refresh, now: float, cool_down: float) -> None:
        with refresh.lock:
            if refresh.running or now - refresh.attempted_at < cool_down:
                return
            refresh.running, refresh.attempted_at = True, now
        try:
            threading.Thread(target=self._run, args=(refresh,), name="jwks-refresh", daemon=True).start()
        except RuntimeError:  # no thread to be had: the next request after the cool-down tries again
            self._finish(refresh)

    def _run(self, refresh: _Refresh) -> None:
        try:
            asked_at = self._clock()  # what is published while the answer is on its way may be missing from it
            document = self._fetch()
            held = self._snapshot
            same = held is not None and held.document == document
            keys = held.keys if held is not None and same else parse_jwks(document)
            if self._observer is not None and not same:
                self._observer.changed(held.keys if held is not None else None, keys)
            self._snapshot = _Snapshot(keys, document, asked_at)
            if self._observer is not None:
                self._observer.refreshed()
        except Exception as error:  # noqa: BLE001 - any failure means: keep the last snapshot and try again later
            _log.warning("the keys of %s could not be refreshed: %s", self._name, error)
            if self._observer is not None:
                self._observer.failed(error)
        finally:
            self._finish(refresh)

    def _finish(self, refresh: _Refresh) -> None:
        with refresh.lock:
            refresh.running = False
        refresh.first_done.set()

    def _retry_after(self, now: float) -> int:
        """Whole seconds until the next answer can be expected: 1 while a fetch runs, else what is left to wait."""
        refresh = self._refresh()
        left = self._times.cool_down - (now - refresh.attempted_at)
        return 1 if refresh.running else max(1, math.ceil(left))
