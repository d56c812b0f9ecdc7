"""Records of issuers' keys: which ones a worker starts with, what a refresh changed, and outages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from audit.errors import AuditError
from gateway.fingerprint import Fingerprint
from gateway.identity.jwks import JwksError, KeySet, VerificationKey, thumbprint
from gateway.identity.keys import KeySource

Emit = Callable[..., object]


def describe(keys: Iterable[VerificationKey], fingerprint: Fingerprint) -> list[dict[str, str]]:
    """Each key by its `kid`, as far as it has one, and by what names it.

    That is the RFC 7638 thumbprint of a public key, and a keyed fingerprint of a shared secret.
    """
    return [_named(key) | _identity(key, fingerprint) for key in keys]


def _named(key: VerificationKey) -> dict[str, str]:
    return {} if key.kid is None else {"kid": _printable(key.kid)}


def _identity(key: VerificationKey, fingerprint: Fingerprint) -> dict[str, str]:
    if isinstance(key.material, bytes):
        return {"fingerprint": fingerprint("shared-secret", key.material)}
    return {"thumbprint": thumbprint(key.material)}


def record_fixed(emit: Emit, issuer: str, keys: KeySource, fingerprint: Fingerprint) -> None:
    """Write which keys an issuer starts with. Raises what `emit` raises."""
    emit("issuer.keys_loaded", issuer=issuer, keys=describe(keys.current(), fingerprint))


class KeyRecorder:
    """Writes what refreshes of one issuer's keys bring. Keys whose change cannot be recorded are not used."""

    def __init__(self, emit: Emit, issuer: str, fingerprint: Fingerprint) -> None:
        self._emit = emit
        self._issuer = issuer
        self._fingerprint = fingerprint
        self._outage = False

    def changed(self, before: KeySet | None, after: KeySet, /) -> None:
        old, new = describe(before or (), self._fingerprint), describe(after, self._fingerprint)
        added, removed = [key for key in new if key not in old], [key for key in old if key not in new]
        if added or removed:
            self._emit("issuer.keys_changed", issuer=self._issuer, added=added, removed=removed)

    def refreshed(self) -> None:
        if self._outage and self._told("issuer.keys_restored"):
            self._outage = False

    def failed(self, error: Exception, /) -> None:
        """One record for each outage. Only our own message is written: another may hold what the endpoint sent."""
        if not self._outage:
            what = _printable(str(error)[:500]) if isinstance(error, JwksError) else type(error).__name__
            self._outage = self._told("issuer.keys_unavailable", error=what)

    def _told(self, event: str, **fields: Any) -> bool:
        with suppress(AuditError):
            self._emit(event, issuer=self._issuer, **fields)
            return True
        return False


def _printable(text: str) -> str:
    """What another side wrote, fit for a record: half a surrogate pair would have no canonical form."""
    return "".join(c if c.isprintable() else "?" for c in text)
