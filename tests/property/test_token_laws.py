"""Laws of identity: whatever arrives, the answer is a value or the module's own refusal, never another exception."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any, Final

import jwt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidToken, Unauthenticated
from gateway.identity import strict_json
from gateway.identity.authenticate import Authenticator, ConfiguredIssuer, RevokedTokens
from gateway.identity.jwks import JwksError, parse_jwks
from gateway.identity.keys import shared_secret
from gateway.identity.principal import Principal
from gateway.identity.token_request import MalformedRequest, read_token_request
from policies.identity import IssuerPolicy
from policies.source import Location

NOW: Final = 1_800_000_000
SECRET: Final = b"a secret of more than thirty-two bytes"
ISSUER: Final = IssuerPolicy(
    name="legacy",
    issuer="legacy",
    audiences=("hangu",),
    algorithms=("HS256",),
    keys="secret",
    token_types=("JWT",),
    subject_claim=("sub",),
    roles_claims=(("roles",), ("realm_access", "roles")),
    tenant_claim=("tenant",),
    client_claim=("client_id",),
    role_map={"staff": "user"},
    leeway_seconds=0,
    max_lifetime_seconds=3600,
    location=Location("identity.yaml", 2, 5),
)
GATE: Final = Authenticator([ConfiguredIssuer(ISSUER, "legacy", shared_secret(SECRET))], RevokedTokens())
GOOD: Final = {"iss": "legacy", "aud": "hangu", "sub": "韩梅梅", "roles": ["staff"], "exp": NOW + 60}
NAMES: Final = (
    "iss",
    "aud",
    "sub",
    "roles",
    "realm_access",
    "exp",
    "iat",
    "nbf",
    "jti",
    "scope",
    "amr",
    "acr",
    "tenant",
)

unhurried = settings(deadline=None)  # the machine may be busy
texts = st.text(st.characters(), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The token of these members, whatever they are; the payload is ASCII, as json.dumps writes it."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    start = b".".join(parts)
    mac = jwt.get_algorithm_by_name("HS256").sign(start, SECRET)
    return f"Bearer {start.decode()}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def answer(authorization: str | None) -> Principal | Unauthenticated:
    try:
        return GATE.authenticate(authorization, NOW)
    except Unauthenticated as refused:
        return refused


def assert_decided(authorization: str | None) -> None:
    decided = answer(authorization)
    if isinstance(decided, Principal):
        assert decided.subject.isprintable()
        assert set(decided.roles) <= {"user"}
    else:
        assert decided.status == 401
        assert decided.public in {InvalidToken.default, Unauthenticated.default}


@unhurried
@given(st.none() | st.text() | st.text(alphabet="Bbearer .,eyJ-_=\x00\u0661").map(lambda text: f"Bearer {text}"))
@example("Bearer ..")
@example("Bearer a.b.c")
def test_any_header_is_decided(authorization: str | None) -> None:
    """Any Authorization header gives a Principal or 401."""
    assert_decided(authorization)


@unhurried
@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
@example({})
def test_any_signed_claims_are_decided(changes: dict[str, Any]) -> None:
    """Any payload that a trusted issuer signs gives a Principal or 401."""
    assert_decided(signed({"alg": "HS256", "typ": "JWT"}, GOOD | changes))


@unhurried
@given(st.dictionaries(st.sampled_from(("alg", "typ", "kid", "crit", "cty", "jwk")), values, max_size=3))
def test_any_signed_header_is_decided(changes: dict[str, Any]) -> None:
    """Any token header gives a Principal or 401."""
    assert_decided(signed({"alg": "HS256", "typ": "JWT"} | changes, GOOD))


@unhurried
@given(st.binary() | values.map(json.dumps).map(str.encode), st.integers(0, 5))
def test_strict_json_reads_what_json_reads(data: bytes, max_depth: int) -> None:
    """What passes is the value that any JSON reader finds."""
    try:
        value = strict_json.loads(data, max_depth)
    except strict_json.NotStrictJson:
        return
    assert value == json.loads(data.decode())


@unhurried
@given(
    st.recursive(
        st.just("0"), lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda items: f"[{','.join(items)}]")
    )
)
def test_depth_is_counted_exactly(text: str) -> None:
    """A document passes at its own depth and not below it."""
    depth = max((text[:end].count("[") - text[:end].count("]") for end in range(len(text) + 1)), default=0)
    strict_json.loads(text.encode(), depth)
    if depth:
        try:
            strict_json.loads(text.encode(), depth - 1)
        except strict_json.NotStrictJson:
            return
        raise AssertionError(text)


@unhurried
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(("kty", "kid", "n", "e", "crv", "x", "y", "alg", "use", "key_ops")),
            values | st.sampled_from(("RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", "RS256")),
        ),
        max_size=3,
    )
)
def test_any_key_set_is_decided(keys: list[dict[str, Any]]) -> None:
    """Any document is a key set or a JwksError."""
    try:
        parse_jwks(json.dumps({"keys": keys}).encode())
    except JwksError:
        return


@unhurried
@given(st.none() | st.text(), st.binary() | st.text("&=%+a0\x00;").map(lambda text: text.encode()))
def test_any_token_request_is_decided(authorization: str | None, body: bytes) -> None:
    """Any token request is read or malformed; what is read holds no control character."""
    try:
        read = read_token_request("application/x-www-form-urlencoded", b"", authorization, body)
    except MalformedRequest:
        return
    assert all("\x00" not in text for pair in read.form.items() for text in pair)
