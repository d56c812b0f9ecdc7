"""Key sets: what is read, what is skipped, what condemns the whole set."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.identity.jwks import (
    MAX_BYTES,
    MAX_KEYS,
    JwksError,
    KeySet,
    PublicKey,
    VerificationKey,
    check_strength,
    parse_jwks,
    public_jwk,
    thumbprint,
)

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()

# RFC 7638 §3.1
RFC_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
        "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
        "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def named(kid: str | None, algorithm: str, key: PublicKey) -> dict[str, Any]:
    return dict(public_jwk(VerificationKey(kid, frozenset({algorithm}), key)))


def parse(*keys: object) -> KeySet:
    return parse_jwks(json.dumps({"keys": keys}).encode())


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def test_rfc_7638_thumbprint() -> None:
    """The thumbprint of the RFC's example key is the RFC's."""
    key = parse(RFC_KEY).select("2011-04-29", "RS256")
    assert key is not None
    assert not isinstance(key.material, bytes)
    assert thumbprint(key.material) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("ES256", P256), ("EdDSA", ED25519)])
def test_what_is_published_is_read_back(algorithm: str, key: Any) -> None:
    """A key survives the way through its JWK, with its algorithm and name."""
    again = parse(named("k", algorithm, key.public_key())).select("k", algorithm)
    assert again is not None
    assert again.algorithms == {algorithm}
    assert again.material == key.public_key()


def test_a_secret_is_never_published() -> None:
    """A shared secret has no JWK."""
    with pytest.raises(JwksError):
        public_jwk(VerificationKey(None, frozenset({"HS256"}), b"secret"))


def test_algorithms_follow_the_key() -> None:
    """Without `alg` a key may do what its kind can, and never HS256."""
    entry = named("k", "RS256", RSA.public_key())
    del entry["alg"]
    keys = parse(entry)
    assert keys.select("k", "RS256") is keys.select("k", "PS256") is not None
    assert keys.select("k", "HS256") is None
    assert keys.select("k", "ES256") is None


def test_a_signature_by_another_algorithm_of_the_key() -> None:
    """A key bound to RS256 does not verify the PS256 signature that the same numbers would."""
    signature = jwt.get_algorithm_by_name("PS256").sign(b"text", RSA)
    assert VerificationKey("k", frozenset({"PS256"}), RSA.public_key()).verifies("PS256", b"text", signature)
    assert not VerificationKey("k", frozenset({"RS256"}), RSA.public_key()).verifies("PS256", b"text", signature)


GOOD = named("good", "RS256", RSA.public_key())
SKIPPED: dict[str, dict[str, Any]] = {
    "encryption key": {**GOOD, "kid": "enc", "use": "enc"},
    "key for key wrapping": {**GOOD, "kid": "enc", "alg": "RSA-OAEP"},
    "key for signing only": {**GOOD, "kid": "enc", "key_ops": ["sign"]},
    "key_ops no list": {**GOOD, "kid": "enc", "key_ops": "verify"},
    "alg of another type": {**GOOD, "kid": "enc", "alg": ["RS256"]},
    "unknown kty": {"kty": "LMS", "kid": "x"},
    "P-384": {"kty": "EC", "crv": "P-384", "kid": "x", "x": "AA", "y": "AA"},
    "X25519": {"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AA"},
    "RSA key bound to ES256": {**GOOD, "kid": "x", "alg": "ES256"},
}


@pytest.mark.parametrize("entry", SKIPPED.values(), ids=SKIPPED)
def test_keys_for_something_else_are_skipped(entry: dict[str, Any]) -> None:
    """A key that no supported algorithm uses harms neither the set nor the gateway (RFC 7517 §5)."""
    keys = parse(entry, GOOD)
    assert len(keys) == 1
    with pytest.raises(JwksError, match="no key"):
        parse(entry)


EC = named("ec", "ES256", P256.public_key())
CONDEMNED: dict[str, tuple[object, str]] = {
    "symmetric key": ({"kty": "oct", "k": "AAAA"}, "private or symmetric"),
    "RSA private key": ({**GOOD, "d": "AQAB"}, "private or symmetric"),
    "RSA private key by a factor": ({**GOOD, "p": "AQAB"}, "private or symmetric"),
    "EC private key": ({**EC, "d": "AQAB"}, "private or symmetric"),
    "duplicate kid": ({**EC, "kid": "good"}, "stands twice"),
    "RSA of 1024 bits": ({**GOOD, "kid": "w", "n": b64((2**1024 - 1).to_bytes(128, "big"))}, "2048 to 8192"),
    "RSA of 16384 bits": ({**GOOD, "kid": "w", "n": b64(b"\xff" * 2048)}, "malformed"),
    "RSA exponent 1": ({**GOOD, "kid": "w", "e": "AQ"}, "malformed"),
    "RSA exponent even": ({**GOOD, "kid": "w", "e": "AQAA"}, "malformed"),
    "RSA without modulus": ({"kty": "RSA", "e": "AQAB"}, "malformed"),
    "modulus a number": ({**GOOD, "kid": "w", "n": 3233}, "malformed"),
    "modulus padded": ({**GOOD, "kid": "w", "e": "AQAB=="}, "malformed"),
    "modulus in Chinese": ({**GOOD, "kid": "w", "n": "模数"}, "malformed"),
    "point off the curve": ({**EC, "y": EC["x"]}, "malformed"),
    "point at zero": ({**EC, "x": "AA", "y": "AA"}, "malformed"),
    "kid a number": ({**EC, "kid": 7}, "`kid`"),
    "kid empty": ({**EC, "kid": ""}, "`kid`"),
    "kid too long": ({**EC, "kid": "k" * 257}, "`kid`"),
    "kty a list": ({**EC, "kty": ["EC"]}, "`kty`"),
    "no kty": ({"kid": "x"}, "`kty`"),
    "no object": ("key", "must be an object"),
    "null": (None, "must be an object"),
}


@pytest.mark.parametrize(("entry", "reason"), CONDEMNED.values(), ids=CONDEMNED)
def test_a_set_with_such_a_key_is_refused(entry: object, reason: str) -> None:
    """One such key refuses the set, the good keys in it included."""
    with pytest.raises(JwksError, match=reason):
        parse(GOOD, entry)


DOCUMENTS = {
    "empty": b"",
    "HTML": b"<html></html>",
    "list": b"[]",
    "no keys": b"{}",
    "keys an object": b'{"keys": {}}',
    "keys empty": b'{"keys": []}',
    "keys twice": b'{"keys": [], "keys": []}',
    "deep": b"[" * 100_000,
    "not UTF-8": b'{"keys": ["\xff"]}',
    "too large": json.dumps({"keys": [GOOD]}).encode() + b" " * MAX_BYTES,
    "too many keys": json.dumps({"keys": [{**GOOD, "kid": str(n)} for n in range(MAX_KEYS + 1)]}).encode(),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_that_is_no_key_set(document: bytes) -> None:
    """Anything else is a JwksError and nothing worse."""
    with pytest.raises(JwksError):
        parse_jwks(document)


def test_a_token_without_kid_needs_a_single_key() -> None:
    """Without `kid` the one key for the algorithm is meant; where there are two, none is."""
    one = parse(GOOD, EC)
    assert one.select(None, "RS256") is one.select("good", "RS256")
    two = parse(GOOD, EC, named("more", "RS256", rsa.generate_private_key(65537, 2048).public_key()))
    assert two.select(None, "RS256") is None
    assert two.select(None, "ES256") is not None


def test_an_unnamed_key_answers_to_any_name() -> None:
    """A `kid` finds the unnamed key of a set, and never a key with another name."""
    unnamed = parse(named(None, "ES256", P256.public_key()), GOOD)
    assert unnamed.select("whatever", "ES256") is not None
    assert unnamed.select("whatever", "RS256") is None


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        b"secret",
        None,
    ],
)
def test_keys_of_another_kind(key: object) -> None:
    """Only RSA, P-256 and Ed25519 keys are strong enough and supported."""
    with pytest.raises(JwksError):
        check_strength(key)
