"""The auditor's key pair (X25519). The gateway has the public half alone, so it cannot read what it has sealed."""

import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from audit.contents import envelope
from audit.errors import KeyUnusable
from audit.keys import read_key_file, read_private, write_pair


def generate(key_file: Path, public_file: Path) -> None:
    """Write a new key pair (PKCS #8 mode 0600, SubjectPublicKeyInfo). Raises `KeyUnusable` where a file exists."""
    private = X25519PrivateKey.generate()
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    public = private.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_pair(key_file, secret, public_file, public)


def load_private(file: Path) -> X25519PrivateKey:
    """The auditor's private key. Raises `KeyUnusable`, also where the group or others may read the file."""
    key = read_private(file, "the auditor")
    if not isinstance(key, X25519PrivateKey):
        raise KeyUnusable(f"{file}: not an X25519 key; `keygen --auditor` makes one")
    return key


def load_public(file: Path) -> X25519PublicKey:
    """The auditor's public key, one that can be sealed to. Raises `KeyUnusable`, also for a private key."""
    data, _ = read_key_file(file)
    if b"PRIVATE KEY" in data:
        raise KeyUnusable(f"{file}: a private key; the auditor's private key belongs to the auditor alone")
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{file}: not a PEM public key") from error
    if not isinstance(key, X25519PublicKey):
        raise KeyUnusable(f"{file}: not an X25519 key; `keygen --auditor` makes one")
    try:
        envelope.wrap(bytes(envelope.KEY_BYTES), key, b"")
    except ValueError as error:  # a point of small order (RFC 7748 section 6.1) would give everybody the key
        raise KeyUnusable(f"{file}: not a key that can be sealed to") from error
    return key


def key_id(public: X25519PublicKey) -> str:
    """A short name of an auditor key: 16 hex digits of its SHA-256."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]
