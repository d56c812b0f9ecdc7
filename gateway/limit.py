"""Request limits over flask-limiter: by address before authentication, by subject after it.

flask-limiter builds the storage and the moving-window strategy; what is counted is decided here, because the limit of a
caller is known only after policy has spoken. A storage that does not answer refuses the request: flask-limiter's
`swallow_errors` and its in-memory fallback would let everyone through.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.strategies import RateLimiter

from gateway import limit_memory
from gateway.call import Quota
from gateway.errors import LimiterUnavailable, RateLimited
from gateway.identity.principal import Principal
from policies.bundle import Bundle
from policies.limits import Rate


class Limits:
    """Counts requests. Safe to call from many threads; several workers need a shared storage."""

    def __init__(self, storage_uri: str) -> None:
        # The extension gets an application of its own: on the gateway's it would check its decorators, of which there
        # are none, before and after every request.
        self._extension = Limiter(
            key_func=lambda: "",
            app=Flask("hangu.limits"),
            storage_uri=storage_uri.replace("memory://", f"{limit_memory.SCHEME}://"),
            storage_options={"wrap_exceptions": True},
            strategy="moving-window",
            swallow_errors=False,
        )
        self._counter: RateLimiter = self._extension.limiter

    def by_address(self, bundle: Bundle, address: str) -> None:
        """Raise RateLimited when this address has sent too much, whoever it claims to be."""
        self._count(bundle.limits.address, "address", address)

    def by_subject(self, bundle: Bundle, principal: Principal, model: str) -> Quota:
        """Count one request of this caller and say what is left; RateLimited when nothing is.

        Rules count apart, also where their rates are equal: each row of limits.yaml is a limit of its own.
        """
        rule = bundle.limits.select(principal.subject, principal.roles, principal.client_id, model)
        return self._count(rule.requests, "subject", str(rule.location.line), principal.issuer, principal.subject)

    def _count(self, rate: Rate, scope: str, *key: str) -> Quota:
        item = _item(rate.count, rate.seconds)
        try:
            admitted = self._counter.hit(item, scope, *key)
            window = self._counter.get_window_stats(item, scope, *key)
        except StorageError as error:
            raise LimiterUnavailable(detail=f"limit storage: {type(error.storage_error).__name__}") from error
        reset = max(1, math.ceil(window.reset_time - time.time()))
        quota = Quota(rate.count, window.remaining, reset)
        if not admitted:
            raise RateLimitExceeded(quota, scope)
        return quota


class RateLimitExceeded(RateLimited):
    """429 with the headers that clients read."""

    def __init__(self, quota: Quota, scope: str) -> None:
        super().__init__(detail=f"limit by {scope}: {quota.limit}", retry_after=quota.reset)
        self.quota = quota


@lru_cache(maxsize=256)
def _item(count: int, seconds: int) -> RateLimitItem:
    return RateLimitItemPerSecond(count, seconds)
