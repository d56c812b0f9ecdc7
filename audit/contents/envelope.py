"""The cryptography of sealed texts, without any file.

    text         AES-256-GCM (NIST SP 800-38D) under a content key:      nonce ‖ ciphertext ‖ tag
    content key  HPKE base mode (RFC 9180) to the auditor's public key:  DHKEM(X25519), HKDF-SHA256, AES-256-GCM

Each is bound to its place, by associated data and by HPKE's `info`: a text or a key that is moved to another request,
direction, subject, key or host does not open.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from audit.errors import ContentsUnreadable

FORMAT: Final = "hangu-contents/1"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_COUNT_BYTES: Final = 4
OVERHEAD: Final = NONCE_BYTES + 16  # bytes that a sealed text is longer than the text
WRAPPED_BYTES: Final = 32 + KEY_BYTES + 16  # RFC 9180: encapsulated key, ciphertext, tag
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Which content key: of which log, for whom (`subject_name`), which one, and since when (RFC 3339, UTC)."""

    origin: str
    subject: str
    key: str
    created: str

    def info(self) -> bytes:
        """What its wrapping is bound to."""
        return _bound("key", self.origin, self.subject, self.key, self.created)


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Which text: of which log, request and direction (`prompt` or `completion`), under which subject's which key."""

    origin: str
    request: str
    direction: str
    subject: str
    key: str

    def associated(self) -> bytes:
        """What its sealing is bound to."""
        return _bound("text", self.origin, self.request, self.direction, self.subject, self.key)


def subject_name(subject: str) -> str:
    """What stands for a subject in the store: 64 hex digits, whatever the subject is called and however long.

    A digest without a key: whoever may list the store can confirm a guess, as the log itself names subjects.
    """
    return hashlib.sha256(_bound("subject", subject)).hexdigest()


def new_key() -> bytes:
    """A fresh content key."""
    return secrets.token_bytes(KEY_BYTES)


def new_key_id() -> str:
    """A fresh name for a content key: 32 hex digits."""
    return secrets.token_hex(16)


def seal(cipher: AESGCM, count: int, text: bytes, place: TextPlace) -> bytes:
    """Seal a text. `count`, below 2^32, must never come twice under one key: it is the first part of the nonce.

    The rest is random, for a machine that is set back to a snapshot of its memory, and counts on from there twice.
    """
    nonce = count.to_bytes(_COUNT_BYTES, "big") + secrets.token_bytes(NONCE_BYTES - _COUNT_BYTES)
    return nonce + cipher.encrypt(nonce, text, place.associated())


def unseal(content_key: bytes, sealed: bytes, place: TextPlace) -> bytes:
    """The text. Raises `ContentsUnreadable` where it was not sealed under this key for this place."""
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    if len(sealed) < OVERHEAD:
        raise ContentsUnreadable("the sealed text is shorter than any can be")
    try:
        return AESGCM(content_key).decrypt(nonce, rest, place.associated())
    except (InvalidTag, ValueError) as error:
        raise ContentsUnreadable(
            "the sealed text was altered, or belongs to another request, subject or key"
        ) from error


def wrap(content_key: bytes, auditor: X25519PublicKey, info: bytes) -> bytes:
    """The content key for the auditor alone. `ValueError` for a public key of small order."""
    return _SUITE.encrypt(content_key, auditor, info)


def unwrap(wrapped: bytes, auditor: X25519PrivateKey, info: bytes) -> bytes:
    """The content key. Raises `ContentsUnreadable` where it was not wrapped to this auditor for this place."""
    try:
        content_key = _SUITE.decrypt(wrapped, auditor, info)
    except (InvalidTag, ValueError) as error:
        raise ContentsUnreadable("the key was wrapped for another auditor or another place, or was altered") from error
    if len(content_key) != KEY_BYTES:
        raise ContentsUnreadable("the wrapped key has a wrong length")
    return content_key


def _bound(kind: str, *parts: str) -> bytes:
    """One spelling for each tuple of texts: JSON, so that no part can run into the next. Any text will do."""
    return orjson.dumps([FORMAT, kind, *(part.encode("utf-8", "surrogatepass").hex() for part in parts)])
