"""The embedded server's keys and tokens."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from gateway.identity.clients import Client
from gateway.identity.jwks import JwksError, parse_jwks
from gateway.identity.token_issuer import SigningKey, TokenIssuer

NOW = 1_800_000_000.7
CLIENT = Client("report-bot", "", ("user", "管理员"), ("chat", "models"))
EC_KEY = SigningKey.generate()
RSA_KEY = SigningKey.of(rsa.generate_private_key(65537, 2048))


def decoded(token: str, key: SigningKey, audience: str = "hangu") -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token, key.verification().material, algorithms=[key.algorithm], audience=audience,
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    return claims


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ES256", "RS256"])
def test_rfc_9068_token(key: SigningKey) -> None:
    """An access token has the header and the claims that RFC 9068 §2 asks for, and lives for 30 minutes."""
    issued = TokenIssuer("https://hangu.example", "hangu", [key]).issue(CLIENT, ("chat",), NOW)
    assert jwt.get_unverified_header(issued.value) == {"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid}
    assert decoded(issued.value, key) == {
        "iss": "https://hangu.example",
        "aud": "hangu",
        "sub": "report-bot",
        "client_id": "report-bot",
        "iat": 1_800_000_000,
        "exp": 1_800_001_800,
        "jti": issued.token_id,
        "roles": ["user", "管理员"],
        "scope": "chat",
    }
    assert (issued.expires_at, issued.roles, issued.scope) == (1_800_001_800, ("user", "管理员"), ("chat",))
    assert issued.value not in repr(issued)


def test_no_scope_and_another_audience() -> None:
    """A token without scopes has no such claim, and a client's own audience replaces the default."""
    client = Client("a", "", (), (), "https://other.example")
    issued = TokenIssuer("https://hangu.example", "hangu", [EC_KEY]).issue(client, (), NOW)
    claims = decoded(issued.value, EC_KEY, "https://other.example")
    assert "scope" not in claims
    assert claims["roles"] == []


def test_every_token_has_its_own_id() -> None:
    """Two tokens of one second are told apart, so that one can be revoked."""
    issuer = TokenIssuer("https://hangu.example", "hangu", [EC_KEY])
    assert len({issuer.issue(CLIENT, (), NOW).token_id for _ in range(100)}) == 100


def test_retired_keys_verify_and_do_not_sign() -> None:
    """After a rotation the old key's tokens stay good, and new ones carry the new key."""
    issuer = TokenIssuer("https://hangu.example", "hangu", [EC_KEY, RSA_KEY])
    published = parse_jwks(json.dumps(issuer.jwks()).encode())
    for keys in (published, issuer.keys):
        assert EC_KEY.kid in keys
        assert RSA_KEY.kid in keys
    assert jwt.get_unverified_header(issuer.issue(CLIENT, (), NOW).value)["kid"] == EC_KEY.kid


def test_only_public_members_are_published() -> None:
    """The key set holds the public half and nothing else."""
    issuer = TokenIssuer("https://hangu.example", "hangu", [EC_KEY, RSA_KEY])
    assert [set(key) for key in issuer.jwks()["keys"]] == [
        {"kty", "crv", "x", "y", "use", "alg", "kid"},
        {"kty", "n", "e", "use", "alg", "kid"},
    ]
    assert "private" not in repr(EC_KEY)


def test_no_key_or_one_key_twice() -> None:
    """An issuer needs a key, and each key once."""
    with pytest.raises(ValueError, match="signing key"):
        TokenIssuer("https://hangu.example", "hangu", [])
    with pytest.raises(JwksError, match="twice"):
        TokenIssuer("https://hangu.example", "hangu", [EC_KEY, EC_KEY])


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ES256", "RS256"])
def test_a_key_survives_its_file(key: SigningKey) -> None:
    """A key read back from its PEM has the same name."""
    assert SigningKey.from_pem(key.pem()).kid == key.kid


def _pem(key: Any, encryption: Any = None) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return pem


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\x00\xff",
        "密钥".encode(),
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        _pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - the weak key that is refused
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(ed25519.Ed25519PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"password")),
    ],
    ids=["empty", "bytes", "text", "garbage", "RSA of 1024 bits", "P-384", "Ed25519", "encrypted"],
)
def test_a_key_that_may_not_sign(pem: bytes) -> None:
    """Weak, unsupported, encrypted and broken keys are refused at start."""
    with pytest.raises(JwksError):
        SigningKey.from_pem(pem)
