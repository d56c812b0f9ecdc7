"""The embedded authorization server's tokens: signing keys, and JWT access tokens (RFC 9068)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.identity.clients import Client
from gateway.identity.jwks import JwksError, KeySet, VerificationKey, check_strength, public_jwk, thumbprint

LIFETIME: Final = 1800  # seconds
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type, no password


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and what it signs with: RS256 for RSA, ES256 for P-256. Its `kid` is its RFC 7638 thumbprint."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    kid: str

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read an unencrypted PKCS #8 or traditional PEM key. Raises JwksError for any other, or a weak one."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise JwksError("not an unencrypted private key in PEM form") from error
        return cls.of(private)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new P-256 key: made and used in well under a millisecond, where RSA takes a hundred to make."""
        return cls.of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, private: object) -> SigningKey:
        """Raises JwksError for a key that is neither RSA nor P-256, or is weak."""
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise JwksError("a signing key must be RSA or on the curve P-256")
        kid = thumbprint(check_strength(private.public_key()))
        return cls(private, "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256", kid)

    def pem(self) -> bytes:
        """The private key as unencrypted PKCS #8, for a file that only its owner can read."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def verification(self) -> VerificationKey:
        """The public half, bound to this key's algorithm."""
        return VerificationKey(self.kid, frozenset({self.algorithm}), self.private.public_key())


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed access token and what the record says of it. Times are whole seconds since 1970."""

    value: str = field(repr=False)
    token_id: str
    client_id: str
    roles: tuple[str, ...]
    scope: tuple[str, ...]
    issued_at: int
    expires_at: int


class TokenIssuer:
    """Signs access tokens with the first key; the others are retired: published and accepted, never signed with.

    Raises ValueError without a key, JwksError when two are the same.
    """

    def __init__(self, issuer: str, audience: str, keys: Sequence[SigningKey], lifetime: int = LIFETIME) -> None:
        if not keys:
            raise ValueError("a signing key is needed")
        self.issuer = issuer
        self.lifetime = lifetime
        self.keys = KeySet(key.verification() for key in keys)
        self._audience = audience
        self._key = keys[0]
        self._jwks = {"keys": [public_jwk(key.verification()) for key in keys]}

    def jwks(self) -> dict[str, Any]:
        """The document at `jwks_uri`."""
        return self._jwks

    def issue(self, client: Client, scope: Sequence[str], now: float) -> IssuedToken:
        """A token that `client` gets for itself. Its subject is the client id (RFC 9068 §2.2)."""
        issued_at, token_id = int(now), secrets.token_urlsafe(16)
        expires_at = issued_at + self.lifetime
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": client.audience or self._audience,
            "sub": client.client_id,
            "client_id": client.client_id,
            "iat": issued_at,
            "exp": expires_at,
            "jti": token_id,
            "roles": list(client.roles),
        }
        if scope:
            claims["scope"] = " ".join(scope)
        header = {"typ": TOKEN_TYPE, "kid": self._key.kid}
        value = jwt.encode(claims, self._key.private, self._key.algorithm, headers=header)
        return IssuedToken(value, token_id, client.client_id, client.roles, tuple(scope), issued_at, expires_at)
