"""Bearer token → Principal, in numbered steps. Each is a reason to refuse, and each carries its number in the code.

     1  one credential: a comma means that two Authorization headers were joined           bearer.py
     2  scheme Bearer; at most 8 KiB
     3  three segments in canonical base64url, so no encrypted and no unsigned token
     4  header and payload: strict JSON objects (size, depth, no duplicate members)
     5  header: `alg`, `typ` and `kid` are strings; nothing critical, no key brought along
     6  `iss` names exactly one configured issuer
     7  `alg` and `typ` are on that issuer's lists
     8  the issuer has one key for this `kid`, bound to this `alg`                         keys.py, jwks.py
     9  the signature is that key's
    10  `exp`, `iat`, `nbf`: whole numbers, valid now, not longer than allowed              claims.py
    11  `aud` holds one of our audiences
    12  no `cnf`: a bound token is not a bearer token
    13  subject, roles, tenant, client, scope, `jti`, `amr`, `acr`: typed, never converted
    14  the token is not revoked

Profile: RFC 9068 (tokens), RFC 8725 (hardening), RFC 6750 (answers). Only 401 comes from here, and 503 where keys are
missing: what a caller may do is policy's question. The caller never reads which step failed; the record does.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.errors import InvalidToken
from gateway.identity import bearer
from gateway.identity.claims import Validity, check_audience, principal, validity
from gateway.identity.jwks import KeySet, VerificationKey
from gateway.identity.keys import KeySource
from gateway.identity.principal import Principal
from policies.identity import IssuerPolicy

CACHED_TOKENS: Final = 4096


class Revocations(Protocol):
    """Which tokens were revoked before they expired. A store that cannot answer raises IdentityUnavailable."""

    def is_revoked(self, issuer: str, token_id: str) -> bool:
        """Whether the issuer of this name has had this `jti` revoked."""


class RevokedTokens:
    """Revocations in this process's memory. An entry lasts as long as the token would have."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def revoke(self, issuer: str, token_id: str, expires_at: int, now: float) -> None:
        """Refuse this token from now on; `expires_at` is its `exp` plus the issuer's leeway."""
        with self._lock:
            kept = {key: until for key, until in self._until.items() if until > now}
            self._until = {**kept, (issuer, token_id): expires_at}

    def is_revoked(self, issuer: str, token_id: str) -> bool:
        return (issuer, token_id) in self._until


@dataclass(frozen=True, slots=True)
class ConfiguredIssuer:
    """What policy says of an issuer, joined with what the deployment knows: its exact `iss` and its keys."""

    policy: IssuerPolicy
    issuer: str
    keys: KeySource


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that passed steps 1 to 13, while these keys are its issuer's keys."""

    principal: Principal
    validity: Validity
    issuer: ConfiguredIssuer
    keys: KeySet


class Authenticator:
    """Verifies bearer tokens of several issuers. Safe to call from many threads.

    Build a new one for each policy bundle; key sources outlive it. Raises ValueError for two issuers with one `iss`.
    """

    def __init__(
        self, issuers: Iterable[ConfiguredIssuer], revocations: Revocations, *, cached_tokens: int = CACHED_TOKENS
    ) -> None:
        configured = tuple(issuers)
        self._issuers = {issuer.issuer: issuer for issuer in configured}
        if len(self._issuers) != len(configured):
            raise ValueError("two issuers have the same `iss`")
        self._revocations = revocations
        self._verified = _Cache(cached_tokens)

    def authenticate(self, authorization: str | None, now: float) -> Principal:
        """The caller that this Authorization header proves, at `now` seconds since 1970.

        Raises Unauthenticated without a bearer token, InvalidToken for any other refusal, IdentityUnavailable where
        the issuer's keys or the revocations cannot be had.
        """
        token = bearer.credential(authorization)  # 1, 2
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._verified.get(digest)
        if verified is None or now not in verified.validity or verified.keys is not verified.issuer.keys.current():
            verified = self._verify(token, now)  # 3 to 13
            self._verified.put(digest, verified)
        caller = verified.principal
        if caller.token_id is not None and self._revocations.is_revoked(caller.issuer, caller.token_id):  # 14
            raise InvalidToken(detail="token is revoked")
        return caller

    def _verify(self, token: str, now: float) -> _Verified:
        presented = bearer.read(token)  # 3, 4, 5
        issuer = self._issuer(presented.claims.get("iss"))  # 6
        policy = issuer.policy
        if presented.algorithm not in policy.algorithms:  # 7
            raise InvalidToken(detail="`alg` is not on the issuer's list")
        if _media_type(presented.type) not in map(_media_type, policy.token_types):
            raise InvalidToken(detail="`typ` is not on the issuer's list")
        keys = issuer.keys.current()
        key = _select(issuer.keys, keys, presented)  # 8
        if not key.verifies(presented.algorithm, presented.signed, presented.signature):  # 9
            raise InvalidToken(detail="the signature does not match")
        held = validity(presented.claims, policy, now)  # 10
        check_audience(presented.claims, policy)  # 11
        return _Verified(principal(presented.claims, policy), held, issuer, keys)  # 12, 13

    def _issuer(self, claimed: object) -> ConfiguredIssuer:
        issuer = self._issuers.get(claimed) if isinstance(claimed, str) else None
        if issuer is None:
            raise InvalidToken(detail="`iss` is not a configured issuer")
        return issuer


def _select(source: KeySource, keys: KeySet, presented: bearer.PresentedToken) -> VerificationKey:
    key = keys.select(presented.kid, presented.algorithm)
    if key is None:
        if presented.kid is not None and presented.kid not in keys:
            source.confirm_unknown(presented.kid)
        raise InvalidToken(detail="the issuer has no such key for this `alg`")
    return key


def _media_type(name: str) -> str:
    """`typ` is a media type: case does not matter and `application/` may be left out (RFC 7515 §4.1.9)."""
    return name.lower().removeprefix("application/")


class _Cache:
    """The verified tokens of late, by SHA-256, so that no token is kept. The one used least recently goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> _Verified | None:
        with self._lock:
            entry = self._entries.get(digest)
            if entry is not None:
                self._entries.move_to_end(digest)
            return entry

    def put(self, digest: bytes, entry: _Verified) -> None:
        with self._lock:
            self._entries[digest] = entry
            self._entries.move_to_end(digest)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
