"""The Authorization header, read strictly: one bearer credential, one compact JWS, header and payload as plain JSON.

Nothing here is verified yet. This front comes before any JWT library because libraries forgive: duplicate members,
padding, critical extensions, keys that the token brings along. The step numbers are those of `authenticate.py`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import InvalidToken, Unauthenticated
from gateway.identity import strict_json
from gateway.identity.jwks import MAX_KID

MAX_TOKEN: Final = 8192  # characters
MAX_HEADER: Final = 1024
MAX_DEPTH: Final = 8

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# Members that name or carry a key, or change how the token is read: a token never chooses its own key (RFC 8725 §3.10).
_FORBIDDEN: Final = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token in the right form. `algorithm`, `type`, `kid` and `claims` are what it says, not what is true."""

    algorithm: str
    type: str
    kid: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def credential(authorization: str | None) -> str:
    """Steps 1 and 2. Raises Unauthenticated where no bearer token is presented, InvalidToken for a malformed one."""
    if authorization is None or not authorization.strip():
        raise Unauthenticated(detail="no Authorization header")
    if "," in authorization:  # gunicorn joins two headers by a comma, and no token holds one
        raise InvalidToken(detail="more than one credential")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(detail="not the Bearer scheme")
    if len(token) > MAX_TOKEN:
        raise InvalidToken(detail="token too long")
    return token


def read(token: str) -> PresentedToken:
    """Steps 3 to 5. Raises InvalidToken."""
    if not _COMPACT.fullmatch(token):
        raise InvalidToken(detail="not a signed token in compact form")
    first, second, third = token.split(".")
    if len(first) > MAX_HEADER:
        raise InvalidToken(detail="token header too long")
    header, claims = _object(first, "header"), _object(second, "payload")
    named = sorted(_FORBIDDEN & header.keys())
    if named:
        raise InvalidToken(detail=f"header member `{named[0]}` is not allowed")
    algorithm, kind, kid = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kind, str):
        raise InvalidToken(detail="`alg` and `typ` must be strings")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise InvalidToken(detail=f"`kid` must be a string of 1 to {MAX_KID} characters")
    return PresentedToken(algorithm, kind, kid, claims, token[: -len(third) - 1].encode("ascii"), _decode(third))


def _object(segment: str, part: str) -> dict[str, Any]:
    try:
        value = strict_json.loads(_decode(segment), MAX_DEPTH)
    except strict_json.NotStrictJson as error:
        raise InvalidToken(detail=f"token {part} is not strict JSON") from error
    if not isinstance(value, dict):
        raise InvalidToken(detail=f"token {part} is not a JSON object")
    return value


def _decode(segment: str) -> bytes:
    """The bytes of a base64url segment in its one canonical spelling (RFC 4648 §3.5)."""
    try:
        data = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise InvalidToken(detail="token is not base64url") from error
    if urlsafe_b64encode(data).rstrip(b"=") != segment.encode("ascii"):
        raise InvalidToken(detail="token is not canonical base64url")
    return data
