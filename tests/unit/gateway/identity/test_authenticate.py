"""The authenticator around the checks: cache, revocation, issuers. The attacks are in tests/conformance/tokens/."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from gateway.errors import IdentityUnavailable, InvalidToken
from gateway.identity.authenticate import Authenticator, ConfiguredIssuer, RevokedTokens
from gateway.identity.jwks import KeySet
from gateway.identity.principal import Principal
from gateway.identity.token_issuer import SigningKey
from policies.identity import IssuerPolicy
from policies.source import Location

NOW = 1_800_000_000
KEY = SigningKey.generate()
ISSUER = "https://hangu.example"


class SwitchableKeys:
    """Keys that a test exchanges or takes away."""

    def __init__(self, keys: KeySet | None) -> None:
        self.keys = keys

    def current(self) -> KeySet:
        if self.keys is None:
            raise IdentityUnavailable
        return self.keys

    def confirm_unknown(self, kid: str, /) -> None:
        return


def policy(role_map: dict[str, str] | None = None) -> IssuerPolicy:
    return IssuerPolicy(
        name="embedded",
        issuer="embedded",
        audiences=("hangu",),
        algorithms=("ES256",),
        keys="embedded",
        token_types=("at+jwt",),
        subject_claim=("sub",),
        roles_claims=(("roles",),),
        tenant_claim=None,
        client_claim=("client_id",),
        role_map=role_map,
        leeway_seconds=5,
        max_lifetime_seconds=3600,
        location=Location("identity.yaml", 2, 5),
    )


def token(sub: str = "王芳", jti: str | None = None, roles: tuple[str, ...] = ("user",), life: int = 60) -> str:
    claims = {"iss": ISSUER, "aud": "hangu", "sub": sub, "roles": roles, "iat": NOW, "exp": NOW + life}
    if jti is not None:
        claims["jti"] = jti
    return f"Bearer {jwt.encode(claims, KEY.private, KEY.algorithm, headers={'typ': 'at+jwt', 'kid': KEY.kid})}"


def keys() -> SwitchableKeys:
    return SwitchableKeys(KeySet([KEY.verification()]))


def gate(
    source: SwitchableKeys | None = None,
    revoked: RevokedTokens | None = None,
    role_map: dict[str, str] | None = None,
    cached_tokens: int = 8,
) -> Authenticator:
    issuer = ConfiguredIssuer(policy(role_map), ISSUER, source or keys())
    return Authenticator([issuer], revoked or RevokedTokens(), cached_tokens=cached_tokens)


def test_subjects_of_a_principal() -> None:
    """Policy decides over the user and every role, and a user named like a role is not that role."""
    caller = gate().authenticate(token("role:admin", roles=("user", "访客")), NOW)
    assert caller.subjects == ("user:role:admin", "role:user", "role:访客")


def test_cached_token_expires() -> None:
    """What was verified once is still refused in the second it ends."""
    authenticator = gate()
    assert authenticator.authenticate(token(), NOW).subject == "王芳"
    assert authenticator.authenticate(token(), NOW + 64.9).subject == "王芳"
    with pytest.raises(InvalidToken):
        authenticator.authenticate(token(), NOW + 65)


def test_cached_token_when_the_clock_goes_back() -> None:
    """What was verified once is still refused before it begins."""
    authenticator, authorization = gate(), token()
    authenticator.authenticate(authorization, NOW)
    with pytest.raises(InvalidToken):
        authenticator.authenticate(authorization, NOW - 6)


def test_cached_token_of_a_key_that_is_gone() -> None:
    """The cache holds for the keys it was filled with and no others."""
    source, authorization = keys(), token()
    authenticator = gate(source)
    authenticator.authenticate(authorization, NOW)
    source.keys = KeySet([SigningKey.generate().verification()])
    with pytest.raises(InvalidToken):
        authenticator.authenticate(authorization, NOW)


def test_cached_token_without_keys() -> None:
    """When the keys have become too old, cached tokens cannot be checked either."""
    source, authorization = keys(), token()
    authenticator = gate(source)
    authenticator.authenticate(authorization, NOW)
    source.keys = None
    with pytest.raises(IdentityUnavailable):
        authenticator.authenticate(authorization, NOW)


def test_revoked_while_cached() -> None:
    """A revocation holds from the next request on; other tokens of the subject stay."""
    revoked = RevokedTokens()
    authenticator, stolen, other = gate(revoked=revoked), token(jti="t-1"), token(jti="t-2")
    authenticator.authenticate(stolen, NOW)
    revoked.revoke("embedded", "t-1", NOW + 65, NOW)
    with pytest.raises(InvalidToken, match="revoked"):
        authenticator.authenticate(stolen, NOW)
    assert authenticator.authenticate(other, NOW).token_id == "t-2"


def test_revocation_is_by_issuer() -> None:
    """The `jti` of one issuer means nothing at another."""
    revoked = RevokedTokens()
    revoked.revoke("elsewhere", "t-1", NOW + 65, NOW)
    assert gate(revoked=revoked).authenticate(token(jti="t-1"), NOW).token_id == "t-1"


def test_revocations_are_forgotten_with_their_tokens() -> None:
    """The list of revocations does not grow for ever."""
    revoked = RevokedTokens()
    for number in range(100):
        revoked.revoke("embedded", f"t-{number}", NOW + number, NOW + number - 1)
    assert not revoked.is_revoked("embedded", "t-98")
    assert revoked.is_revoked("embedded", "t-99")


def test_role_map() -> None:
    """With a role map only the roles that it names count, under their local names."""
    mapping = {"部门-管理": "admin", "staff": "user"}
    roles = ("部门-管理", "staff", "admin", "root")
    assert gate(role_map=mapping).authenticate(token(roles=roles), NOW).roles == ("admin", "user")
    assert gate(role_map={}).authenticate(token(roles=roles), NOW).roles == ()
    assert gate().authenticate(token(roles=roles), NOW).roles == tuple(sorted(roles))


def test_two_issuers_with_one_name() -> None:
    """Which issuer an `iss` means must never depend on order."""
    issuer = ConfiguredIssuer(policy(), ISSUER, keys())
    with pytest.raises(ValueError, match="same `iss`"):
        Authenticator([issuer, issuer], RevokedTokens())


def test_the_cache_is_bounded() -> None:
    """More tokens than the cache holds are all served; the least recently used ones are verified again."""
    source = keys()
    authenticator = gate(source, cached_tokens=2)
    tokens = [token(f"user-{number}") for number in range(5)]
    for authorization in tokens:
        authenticator.authenticate(authorization, NOW)
    assert len(authenticator._verified._entries) == 2


def test_many_threads_and_few_places() -> None:
    """Concurrent callers never get each other's principal."""
    authenticator = gate(cached_tokens=2)
    tokens = {f"user-{number}": token(f"user-{number}") for number in range(6)}

    def caller(name: str) -> tuple[str, Principal]:
        return name, authenticator.authenticate(tokens[name], NOW)

    with ThreadPoolExecutor(8) as pool:
        assert all(name == caller.subject for name, caller in pool.map(caller, list(tokens) * 50))


def test_nothing_unverified_is_shown() -> None:
    """Neither what the caller reads nor what the record holds repeats a claim of a refused token."""
    with pytest.raises(InvalidToken) as refused:
        gate().authenticate(token("秘密" * 200), NOW)
    assert "秘密" not in f"{refused.value} {refused.value.public} {refused.value.detail} {refused.value.headers()}"
