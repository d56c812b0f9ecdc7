"""Key files: an Ed25519 private key for the writer, a public key for the verifier."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from audit.checkpoint import LogKey, parse_vkey
from audit.errors import KeyUnusable

_MAX_FILE = 16_384


def generate(key_file: Path, public_file: Path, origin: str | None = None) -> None:
    """Write a new key pair: PKCS #8 with mode 0600, and its public half for everybody.

    With an origin the public half is a C2SP verifier key line, which names it; else PEM SubjectPublicKeyInfo. Raises
    `KeyUnusable` where a file exists, and `NotCanonical` for an origin that is none.
    """
    private = Ed25519PrivateKey.generate()
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    if origin is None:
        public = private.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        public = f"{LogKey(origin, private.public_key()).vkey}\n".encode()
    write_pair(key_file, secret, public_file, public)


def load_private(file: Path) -> Ed25519PrivateKey:
    """The signing key. Raises `KeyUnusable`, also where the group or others may read the file."""
    key = read_private(file, "the writer")
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"{file}: not an Ed25519 key")
    return key


def load_public(file: Path) -> tuple[Ed25519PublicKey, str | None]:
    """A public key and, where the file names one, the origin it belongs to. Raises `KeyUnusable`.

    The file is PEM SubjectPublicKeyInfo, or a C2SP verifier key line (https://c2sp.org/signed-note).
    """
    data, _ = read_key_file(file)
    if not data.lstrip().startswith(b"-----BEGIN"):
        try:
            key = parse_vkey(data.decode("ascii", "replace"))
        except KeyUnusable as error:
            raise KeyUnusable(f"{file}: {error}") from error
        return key.public, key.origin
    try:
        public = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{file}: not a PEM public key") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyUnusable(f"{file}: not an Ed25519 key")
    return public, None


def read_private(file: Path, owner: str) -> PrivateKeyTypes:
    """A private key of any kind. Raises `KeyUnusable`, also where someone besides the owner may read or change it."""
    data, status = read_key_file(file)
    if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
        raise KeyUnusable(f"{file}: must belong to {owner} and have mode 0600")
    try:
        return serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{file}: not a PEM private key without password") from error


def read_key_file(file: Path) -> tuple[bytes, os.stat_result]:
    """The first 16 KiB of a regular file. Raises `KeyUnusable`."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us up
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise KeyUnusable(f"{file}: not a regular file")
            return stream.read(_MAX_FILE), status
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file}: cannot be read: {error}") from error


def write_pair(key_file: Path, secret: bytes, public_file: Path, public: bytes) -> None:
    """Write both halves of a new pair, or neither: half of one would stand in the way of the next. As below."""
    write_key_file(key_file, secret, 0o600)
    try:
        write_key_file(public_file, public, 0o644)
    except KeyUnusable:
        key_file.unlink()
        raise


def write_key_file(file: Path, data: bytes, mode: int) -> None:
    """Write a new file, durable as what the key is for. Raises `KeyUnusable`, also where there is one already."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file}: cannot be written: {error}") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
    except OSError as error:
        file.unlink()
        raise KeyUnusable(f"{file}: cannot be written: {error}") from error
