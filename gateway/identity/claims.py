"""Typed claim checks: the payload of a verified token becomes a Principal, or the token is refused.

A claim of the wrong type is refused, never converted: libraries that convert take `"exp": "9999999999"`, the boolean
`true` for 1, a mapping of roles for a list of its keys. The step numbers are those of `authenticate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import InvalidToken
from gateway.identity.principal import Principal
from policies.identity import IssuerPolicy

MAX_TEXT: Final = 256
MAX_LIST: Final = 256
LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z


@dataclass(frozen=True, slots=True)
class Validity:
    """The seconds in which a token holds: `start <= now < end`, leeway included."""

    start: int
    end: int

    def __contains__(self, now: float) -> bool:
        return self.start <= now < self.end


def validity(claims: Mapping[str, Any], policy: IssuerPolicy, now: float) -> Validity:
    """Step 10: `exp` is there, the token holds now, and it does not live longer than the policy allows (RFC 7519 §4.1).

    A token without `iat` counts as issued now. Raises InvalidToken.
    """
    expires, issued, not_before = (_second(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise InvalidToken(detail="`exp` is missing")
    leeway = policy.leeway_seconds
    held = Validity(max(issued or 0, not_before or 0) - leeway, expires + leeway)
    if now not in held:
        raise InvalidToken(detail="token has expired" if now >= held.end else "token is not valid yet")
    if expires - (now if issued is None else issued) > policy.max_lifetime_seconds:
        raise InvalidToken(detail="token lives longer than the policy allows")
    return held


def check_audience(claims: Mapping[str, Any], policy: IssuerPolicy) -> None:
    """Step 11: the token is meant for this gateway. Raises InvalidToken."""
    audience = claims.get("aud")
    meant = _texts(audience, "aud") if isinstance(audience, list) else (_text(audience, "aud"),)
    if not set(meant) & set(policy.audiences):
        raise InvalidToken(detail="token is for another audience")


def principal(claims: Mapping[str, Any], policy: IssuerPolicy) -> Principal:
    """Steps 12 and 13: who the token speaks of. Raises InvalidToken.

    `validity` has read `exp` before.
    """
    if "cnf" in claims:  # bound to a key (RFC 7800) that the caller would have to prove: as a bearer token it is stolen
        raise InvalidToken(detail="token is bound to a key")
    return Principal(
        subject=_text(_at(claims, policy.subject_claim), "subject"),
        roles=_roles(claims, policy),
        issuer=policy.name,
        tenant=_optional_text(claims, policy.tenant_claim),
        client_id=_optional_text(claims, policy.client_claim),
        scope=_words(claims["scope"], "scope") if "scope" in claims else (),
        token_id=_optional_text(claims, ("jti",)),
        expires_at=claims["exp"],
        amr=_texts(claims["amr"], "amr") if "amr" in claims else (),
        acr=_optional_text(claims, ("acr",)),
    )


def _roles(claims: Mapping[str, Any], policy: IssuerPolicy) -> tuple[str, ...]:
    """The local names of the roles at every declared path, sorted and unique."""
    found: set[str] = set()
    for path in policy.roles_claims:
        value = _at(claims, path)
        if value is not _ABSENT:
            found.update(_words(value, "roles") if isinstance(value, str) else _texts(value, "roles"))
    return tuple(sorted(set(policy.local_roles(found))))


class _Absent:
    """There is no such claim; null is a claim."""


_ABSENT: Final = _Absent()


def _at(claims: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at a path of member names. A step into something that is not an object is refused."""
    value: Any = claims
    for name in path:
        if not isinstance(value, Mapping):
            raise InvalidToken(detail=f"claim `{'.'.join(path)}` cannot be reached")
        if name not in value:
            return _ABSENT
        value = value[name]
    return value


def _second(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name, _ABSENT)
    if value is _ABSENT:
        return None
    if type(value) is not int or not 0 <= value <= LAST_SECOND:  # a boolean is an int to Python, not here
        raise InvalidToken(detail=f"`{name}` must be a whole number of seconds")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable() or value.isspace():
        raise InvalidToken(detail=f"`{name}` must be a string of 1 to {MAX_TEXT} printable characters")
    return value


def _optional_text(claims: Mapping[str, Any], path: Sequence[str] | None) -> str | None:
    value = _ABSENT if path is None else _at(claims, path)
    return None if value is _ABSENT else _text(value, ".".join(path or ()))


def _words(value: Any, name: str) -> tuple[str, ...]:
    """A space-separated string. The empty string holds no words."""
    if not isinstance(value, str):
        raise InvalidToken(detail=f"`{name}` must be a string")
    return _texts([word for word in value.split(" ") if word], name)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST:
        raise InvalidToken(detail=f"`{name}` must be a list of at most {MAX_LIST} strings")
    return tuple(_text(item, name) for item in value)
