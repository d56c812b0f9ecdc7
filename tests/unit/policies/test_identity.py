"""policies/identity.py: trusted issuers."""

from __future__ import annotations

import pytest

from policies.identity import IdentityPolicy, load_identity
from policies.source import Problems, parse_yaml

_GOOD = """\
issuers:
  - name: embedded
    issuer: embedded
    audiences: [hangu]
    algorithms: [RS256, ES256]
    keys: embedded
    claims: {subject: sub, roles: [roles]}
  - name: keycloak
    issuer: https://id.example.internal/realms/公司
    audiences: [hangu, account]
    algorithms: [RS256]
    keys: jwks
    token_types: [JWT]
    claims: {subject: sub, roles: [realm_access.roles, ["https://hangu.example/roles"]], tenant: org.id, client: azp}
    role_map: {员工: user, hangu-admins: admin}
    leeway_seconds: 0
    max_lifetime_seconds: 600
  - name: legacy
    issuer: portal
    audiences: [hangu]
    algorithms: [HS256]
    keys: secret
    claims: {subject: uid, roles: [roles]}
"""


def _load(text: str) -> tuple[IdentityPolicy, list[str]]:
    problems = Problems()
    node = parse_yaml(text.encode(), "identity.yaml", problems)
    assert node is not None
    return load_identity(node, problems), [str(problem) for problem in problems]


def test_issuers() -> None:
    """Every setting arrives typed, with its default where it was left out."""
    policy, found = _load(_GOOD)
    assert found == []
    embedded, keycloak, legacy = policy.issuers
    assert (embedded.token_types, embedded.leeway_seconds, embedded.max_lifetime_seconds) == (
        ("at+jwt", "JWT"),
        30,
        3600,
    )
    assert (embedded.tenant_claim, embedded.client_claim, embedded.role_map) == (None, None, None)
    assert keycloak.roles_claims == (("realm_access", "roles"), ("https://hangu.example/roles",))
    assert (keycloak.subject_claim, keycloak.tenant_claim, keycloak.client_claim) == (("sub",), ("org", "id"), ("azp",))
    assert (keycloak.token_types, keycloak.leeway_seconds, keycloak.max_lifetime_seconds) == (("JWT",), 0, 600)
    assert (legacy.keys, legacy.algorithms, legacy.location.line) == ("secret", ("HS256",), 18)


def test_role_map_drops_what_it_does_not_name() -> None:
    """With a role map only the named roles count, under their local names; without one all pass as they are."""
    embedded, keycloak, _ = _load(_GOOD)[0].issuers
    assert keycloak.local_roles(["员工", "admin", "hangu-admins", "员工"]) == ("user", "admin")
    assert keycloak.local_roles(["admin"]) == ()
    assert embedded.local_roles(["admin", "x", "admin"]) == ("admin", "x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("algorithms: [RS256]", "algorithms: [RS256, HS256]", "`HS256` needs `keys: secret`"),
        ("algorithms: [RS256, ES256]", "algorithms: [HS256]", "`HS256` needs `keys: secret`"),
        ("algorithms: [HS256]", "algorithms: [HS256, RS256]", "`keys: secret` allows only `HS256`"),
        ("algorithms: [RS256]", "algorithms: [none]", "an item of `algorithms` must be"),
        ("algorithms: [RS256]", "algorithms: [rs256]", "did you mean `RS256`?"),
        ("algorithms: [RS256]", "algorithms: []", "`algorithms` must not be empty"),
        ("audiences: [hangu, account]", "audiences: []", "`audiences` must not be empty"),
        ("audiences: [hangu, account]", "audiences: hangu", "`audiences` must be a list of strings"),
        ("issuer: embedded", "issuer: https://gateway", "go together"),
        ("issuer: portal", "issuer: embedded", "go together"),
        ("issuer: https://id.example.internal/realms/公司", "issuer: id.example.internal", "must be the URL"),
        ("issuer: portal", "issuer: https://id.example.internal/realms/公司", "is already used on line 8"),
        ("name: legacy", "name: keycloak", "name `keycloak` is already used on line 8"),
        ("name: legacy", "name: Légacy", "`name` must match"),
        ("issuer: portal", 'issuer: "portal "', "`issuer` must match"),
        ("leeway_seconds: 0", "leeway_seconds: 121", "must be at most 120"),
        ("leeway_seconds: 0", "leeway_seconds: -1", "must be at least 0"),
        ("leeway_seconds: 0", 'leeway_seconds: "0"', "must be an integer"),
        ("max_lifetime_seconds: 600", "max_lifetime_seconds: 0", "must be at least 60"),
        ("subject: uid", "subject: a..b", "must not have empty parts"),
        ("subject: uid", "subject: 5", "must be a string"),
        ("subject: uid, ", "", "missing key `subject`"),
        ("client: azp", "clinet: azp", "did you mean `client`?"),
        ("roles: [realm_access.roles,", "roles: [5,", "must be a string"),
        ("员工: user", "员工: 'a b'", "must match"),
        ("keys: secret", "keys: secrets", "did you mean `secret`?"),
        ("keys: secret\n", "keys: secret\n    secret: hunter2\n", "unknown key `secret`"),
    ],
)
def test_bad_issuer(old: str, new: str, message: str) -> None:
    """What would weaken the check of a token, or never match, is refused with its place."""
    assert old in _GOOD
    _, found = _load(_GOOD.replace(old, new))
    assert any(message in line for line in found), found


@pytest.mark.parametrize("text", ["issuers: []", "issuers: {}", "issuer: x", "- x", "issuers: [x, 5, []]"])
def test_no_issuer(text: str) -> None:
    """Without a proper issuer nobody could sign in, so the file is refused."""
    assert _load(text)[1]


def test_empty_role_claims() -> None:
    """An issuer must say where roles are."""
    assert any("at least one claim" in line for line in _load(_GOOD.replace("roles: [roles]", "roles: []"))[1])
