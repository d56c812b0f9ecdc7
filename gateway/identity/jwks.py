"""Public keys and JSON Web Key Sets (RFC 7517, RFC 7518 §6): read strictly, written canonically.

A key carries the algorithms that it may verify, so an RSA public key can never serve as an HMAC secret (RFC 8725 §2.1).
Keys of a kind that no supported algorithm uses are skipped, as RFC 7517 §5 asks. A set that holds a private, symmetric,
weak or malformed key, or one `kid` twice, is refused as a whole: whoever publishes it needs to hear of it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.identity import strict_json

MAX_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 100
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192  # verifying with a larger key is a way to burn the gateway's time
MAX_KID: Final = 256

_ALGORITHMS: Final = {name: jwt.get_algorithm_by_name(name) for name in ("RS256", "PS256", "ES256", "EdDSA", "HS256")}
_BY_KIND: Final = {  # (kty, crv)
    ("RSA", None): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class JwksError(ValueError):
    """The key or key set is refused; the message says why and holds no key material."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One key and the algorithms that it is bound to. `kid` is None for a key that its issuer did not name."""

    kid: str | None
    algorithms: frozenset[str]
    material: PublicKey | bytes = field(repr=False)  # bytes: a shared secret

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `signed`; never for an algorithm that the key is not bound to."""
        if algorithm not in self.algorithms:
            return False
        try:
            return _ALGORITHMS[algorithm].verify(signed, self.material, signature)
        except Exception:  # noqa: BLE001 - a signature that makes the library fail is not a valid signature
            return False


class KeySet:
    """An immutable set of keys. Two snapshots are the same when they are the same object.

    Raises JwksError when a `kid` stands twice: which key it means would depend on the reader.
    """

    __slots__ = ("_by_kid", "_keys")

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self._keys = tuple(keys)
        named = [key for key in self._keys if key.kid is not None]
        self._by_kid = {key.kid: key for key in named}
        if len(self._by_kid) != len(named):
            raise JwksError("a `kid` stands twice")

    def __contains__(self, kid: str) -> bool:
        return kid in self._by_kid

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys)

    def select(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """The one key that a token with this header may be verified with; None when there is none or a choice of two.

        A key without `kid` answers to any `kid`, which only a shared secret and an unnamed single key have.
        """
        found = self._by_kid.get(kid) if kid is not None else None
        if found is None:
            able = [key for key in self._keys if algorithm in key.algorithms and (kid is None or key.kid is None)]
            found = able[0] if len(able) == 1 else None
        return found if found is not None and algorithm in found.algorithms else None


def parse_jwks(data: bytes) -> KeySet:
    """The usable keys of a JWKS document. Raises JwksError."""
    if len(data) > MAX_BYTES:
        raise JwksError(f"larger than {MAX_BYTES} bytes")
    try:
        document = strict_json.loads(data, max_depth=6)
    except strict_json.NotStrictJson as error:
        raise JwksError("not valid JSON") from error
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise JwksError(f"`keys` must be a list of at most {MAX_KEYS} keys")
    keys = [key for key in map(_read_key, entries) if key is not None]
    if not keys:
        raise JwksError("no key that a supported algorithm can use")
    return KeySet(keys)


def public_jwk(key: VerificationKey) -> dict[str, str]:
    """The JWK that publishes `key`. Raises JwksError for a shared secret."""
    if isinstance(key.material, bytes):
        raise JwksError("a shared secret is never published")
    algorithm = {"alg": min(key.algorithms)} if len(key.algorithms) == 1 else {}
    named = {"kid": key.kid} if key.kid is not None else {}
    return {**_required_members(key.material), "use": "sig", **algorithm, **named}


def thumbprint(key: PublicKey) -> str:
    """The key's RFC 7638 SHA-256 thumbprint, base64url without padding."""
    canonical = json.dumps(_required_members(key), separators=(",", ":"), sort_keys=True)
    return _b64(hashlib.sha256(canonical.encode()).digest())


def check_strength(key: object) -> PublicKey:
    """The key itself. Raises JwksError unless it is RSA of 2048 to 8192 bits, on the curve P-256, or Ed25519."""
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise JwksError(f"an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, got {key.key_size}")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise JwksError("a key must be RSA, on the curve P-256, or Ed25519")


def _read_key(entry: object) -> VerificationKey | None:
    """A key for our algorithms, or None for one that is meant for something else."""
    if not isinstance(entry, dict):
        raise JwksError("a key must be an object")
    kty, kid = entry.get("kty"), entry.get("kid")
    if kty == "oct" or _PRIVATE & entry.keys():
        raise JwksError("a private or symmetric key is published")
    if not isinstance(kty, str) or not (kid is None or (isinstance(kid, str) and 0 < len(kid) <= MAX_KID)):
        raise JwksError(f"`kty` and `kid` must be strings, `kid` of 1 to {MAX_KID} characters")
    able = _BY_KIND.get((kty, None if kty == "RSA" else str(entry.get("crv"))), frozenset())
    algorithms = _declared(entry, able)
    if not algorithms:
        return None
    try:
        return VerificationKey(kid, algorithms, check_strength(_READERS[kty](entry)))
    except JwksError:
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise JwksError("a key is malformed") from error


def _declared(entry: dict[str, Any], able: frozenset[str]) -> frozenset[str]:
    """The algorithms of `able` that `alg`, `use` and `key_ops` leave; none when a member has the wrong type."""
    alg, use, operations = entry.get("alg"), entry.get("use", "sig"), entry.get("key_ops", ["verify"])
    if use != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return frozenset()
    if alg is None:
        return able
    return able & {alg} if isinstance(alg, str) else frozenset()


def _rsa(entry: dict[str, Any]) -> rsa.RSAPublicKey:
    modulus, exponent = _uint(entry.get("n"), MAX_RSA_BITS // 8), _uint(entry.get("e"), 8)
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _p256(entry: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    """Raises ValueError for a point that is not on the curve."""
    x, y = _uint(entry.get("x"), 32), _uint(entry.get("y"), 32)
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _ed25519(entry: dict[str, Any]) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(_uint(entry.get("x"), 32).to_bytes(32, "big"))


_READERS: Final = {"RSA": _rsa, "EC": _p256, "OKP": _ed25519}


def _uint(value: object, max_bytes: int) -> int:
    """A Base64urlUInt of at most `max_bytes` bytes, one leading zero byte tolerated. Raises ValueError."""
    if not isinstance(value, str) or len(value) > 2 * max_bytes:
        raise ValueError("not a number in base64url")
    data = urlsafe_b64decode(value.encode("ascii") + b"=" * (-len(value) % 4))
    if _b64(data) != value or len(data) > max_bytes + 1:
        raise ValueError("not a number in base64url")
    return int.from_bytes(data, "big")


def _required_members(key: PublicKey) -> dict[str, str]:
    """The members that RFC 7638 §3.2 hashes, in their order."""
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"e": _minimal(rsa_numbers.e), "kty": "RSA", "n": _minimal(rsa_numbers.n)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        x, y = (_b64(number.to_bytes(32, "big")) for number in (key.public_numbers().x, key.public_numbers().y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return {"crv": "Ed25519", "kty": "OKP", "x": _b64(key.public_bytes_raw())}


def _minimal(number: int) -> str:
    return _b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
