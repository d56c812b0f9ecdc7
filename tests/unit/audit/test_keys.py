"""Key files: made once, private, and of the one right kind."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import LogKey
from audit.errors import KeyUnusable
from audit.keys import generate, load_private, load_public


def test_generate(tmp_path: Path) -> None:
    """A generated pair fits together, and only its owner may read the private half."""
    generate(tmp_path / "key", tmp_path / "public")
    public, origin = load_public(tmp_path / "public")
    assert load_private(tmp_path / "key").public_key() == public
    assert origin is None
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_never_replaces(tmp_path: Path) -> None:
    """A key that exists is never overwritten: the log signed with it could not be continued."""
    (tmp_path / "key").write_text("mine")
    with pytest.raises(KeyUnusable):
        generate(tmp_path / "key", tmp_path / "public")
    assert (tmp_path / "key").read_text() == "mine"
    assert not (tmp_path / "public").exists()


def test_half_a_pair(tmp_path: Path) -> None:
    """Where the public half cannot be written no private half stays behind, and the next attempt succeeds."""
    (tmp_path / "public").write_text("another's")
    with pytest.raises(KeyUnusable, match="public"):
        generate(tmp_path / "key", tmp_path / "public")
    assert not (tmp_path / "key").exists()
    generate(tmp_path / "key", tmp_path / "free")
    assert (tmp_path / "public").read_text() == "another's"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_open_to_others(mode: int, tmp_path: Path) -> None:
    """A private key that the group or others can reach is unusable."""
    generate(tmp_path / "key", tmp_path / "public")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(KeyUnusable, match="0600"):
        load_private(tmp_path / "key")


def test_verifier_key_line(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """A verifier key line names the origin too."""
    (tmp_path / "public").write_text(LogKey("host-a/hangu", private.public_key()).vkey + "\n")
    assert load_public(tmp_path / "public") == (private.public_key(), "host-a/hangu")


def test_pipe(tmp_path: Path) -> None:
    """A named pipe in the place of a key is refused, not waited for."""
    os.mkfifo(tmp_path / "key", 0o600)
    for load in (load_private, load_public):
        with pytest.raises(KeyUnusable, match="not a regular file"):
            load(tmp_path / "key")


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_nonsense(content: bytes, tmp_path: Path) -> None:
    """A file that is no key raises our own error, for either half."""
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    for load in (load_private, load_public):
        with pytest.raises(KeyUnusable, match=str(file)):
            load(file)


def test_other_algorithm(tmp_path: Path) -> None:
    """A key of another algorithm is unusable."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (tmp_path / "key").write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (tmp_path / "key").chmod(0o600)
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public").write_bytes(public)
    with pytest.raises(KeyUnusable, match="Ed25519"):
        load_private(tmp_path / "key")
    with pytest.raises(KeyUnusable, match="Ed25519"):
        load_public(tmp_path / "public")


def test_missing_or_directory(tmp_path: Path) -> None:
    """A path without a file raises our own error."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(KeyUnusable):
            load_private(path)
