"""identity.yaml: which issuers are trusted, with which algorithms, and where a token holds subject and roles.

Keys and secrets are not here: the deployment file names them, under the issuer's `name`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from policies.names import ROLE_PATTERN
from policies.node import Fields, Node
from policies.problem import Location, Problems

ClaimPath = tuple[str, ...]  # member names from the payload inwards
KeySource = Literal["embedded", "jwks", "secret"]

EMBEDDED: Final = "embedded"  # as an issuer: the gateway's own URL, known only to the deployment
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "HS256")
_SYMMETRIC: Final = frozenset({"HS256"})
_KEY_SOURCES: Final[Mapping[str, KeySource]] = {"embedded": "embedded", "jwks": "jwks", "secret": "secret"}
_TOKEN_TYPES: Final = ("at+jwt", "JWT")
_NAME: Final = r"[a-z0-9][a-z0-9-]{0,63}"


@dataclass(frozen=True, slots=True)
class IssuerPolicy:
    """One trusted issuer. `issuer` is compared byte for byte with `iss`."""

    name: str
    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    keys: KeySource
    token_types: tuple[str, ...]
    subject_claim: ClaimPath
    roles_claims: tuple[ClaimPath, ...]
    tenant_claim: ClaimPath | None
    client_claim: ClaimPath | None
    role_map: Mapping[str, str] | None
    leeway_seconds: int
    max_lifetime_seconds: int
    location: Location

    def local_roles(self, external: Iterable[str]) -> tuple[str, ...]:
        """The roles a token grants here. With a role map, only roles it names count; without one, all do."""
        if self.role_map is None:
            return tuple(dict.fromkeys(external))
        return tuple(dict.fromkeys(self.role_map[role] for role in external if role in self.role_map))


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """The trusted issuers; names and issuer values are distinct."""

    issuers: tuple[IssuerPolicy, ...]


def load_identity(node: Node, problems: Problems) -> IdentityPolicy:
    """Read identity.yaml; mistakes go to `problems`."""
    fields = node.mapping(["issuers"])
    issuers = tuple(_issuer(row) for row in fields.nodes("issuers"))
    if not issuers:
        problems.add(fields.location("issuers"), "at least one issuer is needed")
    for what in ("name", "issuer"):
        seen: dict[str, Location] = {}
        for row in issuers:
            value = getattr(row, what)
            if value in seen:
                problems.add(row.location, f"{what} `{value}` is already used on line {seen[value].line}")
            elif value:
                seen[value] = row.location
    return IdentityPolicy(issuers)


def _issuer(node: Node) -> IssuerPolicy:
    fields = node.mapping(
        ["name", "issuer", "audiences", "algorithms", "keys", "claims"],
        ["token_types", "role_map", "leeway_seconds", "max_lifetime_seconds"],
    )
    claims = fields.mapping("claims", ["subject", "roles"], ["tenant", "client"])
    issuer = IssuerPolicy(
        name=fields.string("name", pattern=_NAME),
        issuer=fields.string("issuer", max_length=512, pattern=r"\S+"),
        audiences=fields.strings("audiences", max_length=512),
        algorithms=fields.strings("algorithms", choices=ALGORITHMS),
        keys=_KEY_SOURCES[fields.string("keys", "embedded", choices=_KEY_SOURCES)],
        token_types=fields.strings("token_types", max_length=64) or _TOKEN_TYPES,
        subject_claim=_path(claims.node("subject")),
        roles_claims=_paths(claims),
        tenant_claim=_path(claims.node("tenant")) or None,
        client_claim=_path(claims.node("client")) or None,
        role_map=_role_map(fields),
        leeway_seconds=fields.integer("leeway_seconds", 0, 120, default=30),
        max_lifetime_seconds=fields.integer("max_lifetime_seconds", 60, 31 * 86400, default=3600),
        location=node.location,
    )
    _check_keys(issuer, fields)
    return issuer


def _check_keys(issuer: IssuerPolicy, fields: Fields) -> None:
    """Bind algorithms to the kind of key, so that a public key can never be used as a shared secret (RFC 8725 §3.1)."""
    symmetric = [name for name in issuer.algorithms if name in _SYMMETRIC]
    if symmetric and issuer.keys != "secret":
        fields.fail("algorithms", f"`{symmetric[0]}` needs `keys: secret`")
    if issuer.keys == "secret" and len(symmetric) < len(issuer.algorithms):
        fields.fail("algorithms", "`keys: secret` allows only `HS256`")
    if (issuer.keys == "embedded") != (issuer.issuer == EMBEDDED) and issuer.issuer:
        fields.fail("issuer", "`issuer: embedded` and `keys: embedded` go together")
    if issuer.keys == "jwks" and issuer.issuer and not issuer.issuer.startswith(("https://", "http://")):
        fields.fail("issuer", "`issuer` must be the URL of the issuer, exactly as its tokens say it")


def _paths(claims: Fields) -> tuple[ClaimPath, ...]:
    listed = claims.node("roles")
    if listed is None:
        return ()
    if isinstance(listed.value, tuple) and not listed.value:
        listed.fail("`roles` must name at least one claim")
    return tuple(path for path in map(_path, listed.nodes()) if path)


def _path(node: Node | None) -> ClaimPath:
    """`realm_access.roles`, or a list of member names where a name itself holds a dot."""
    if node is None:
        return ()
    if isinstance(node.value, tuple):
        return tuple(item.string(max_length=256) for item in node.value)
    parts = tuple(node.string(max_length=256).split("."))
    if "" in parts and node.value:
        node.fail(f"{node.label} must not have empty parts; write member names that hold dots as a list")
    return parts if parts != ("",) else ()


def _role_map(fields: Fields) -> Mapping[str, str] | None:
    node = fields.node("role_map")
    if node is None:
        return None
    return {entry.key: entry.value.string(pattern=ROLE_PATTERN) for entry in node.entries()}
