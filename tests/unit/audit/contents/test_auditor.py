"""audit/contents/auditor.py: the auditor's key files."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import keys
from audit.contents import auditor
from audit.errors import KeyUnusable


def test_a_pair_is_made_and_read(tmp_path: Path) -> None:
    """The private half has mode 0600; both halves are one pair."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    assert (tmp_path / "a.pem").stat().st_mode & 0o777 == 0o600
    private, public = auditor.load_private(tmp_path / "a.pem"), auditor.load_public(tmp_path / "a.pub.pem")
    assert auditor.key_id(private.public_key()) == auditor.key_id(public)
    assert len(auditor.key_id(public)) == 16


def test_an_existing_key_is_not_replaced(tmp_path: Path) -> None:
    """A second `keygen` in the same place would make every sealed text unreadable."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    before = (tmp_path / "a.pem").read_bytes()
    with pytest.raises(KeyUnusable):
        auditor.generate(tmp_path / "a.pem", tmp_path / "b.pub.pem")
    assert (tmp_path / "a.pem").read_bytes() == before


def test_the_private_half_in_the_gateways_configuration(tmp_path: Path) -> None:
    """A gateway that is given the private key is refused: it must not be able to read back."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    with pytest.raises(KeyUnusable, match="belongs to the auditor alone"):
        auditor.load_public(tmp_path / "a.pem")


def test_a_signing_key_is_no_auditor_key(tmp_path: Path) -> None:
    """Ed25519 keys of the writer are told apart from X25519 keys of the auditor."""
    keys.generate(tmp_path / "k.pem", tmp_path / "k.pub.pem")
    with pytest.raises(KeyUnusable, match="not an X25519 key"):
        auditor.load_private(tmp_path / "k.pem")
    with pytest.raises(KeyUnusable, match="not an X25519 key"):
        auditor.load_public(tmp_path / "k.pub.pem")


def test_a_private_key_that_others_can_read(tmp_path: Path) -> None:
    """Then it is nobody's secret."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    (tmp_path / "a.pem").chmod(0o640)
    with pytest.raises(KeyUnusable, match="mode 0600"):
        auditor.load_private(tmp_path / "a.pem")


def test_a_public_key_of_small_order(tmp_path: Path) -> None:
    """Everybody could unwrap what is sealed to the point zero (RFC 7748 section 6.1)."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    zero = X25519PublicKey.from_public_bytes(bytes(32))
    data = zero.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "zero.pem").write_bytes(data)
    with pytest.raises(KeyUnusable, match="not a key that can be sealed to"):
        auditor.load_public(tmp_path / "zero.pem")


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\xff" * 100])
def test_a_file_that_is_no_key(tmp_path: Path, data: bytes) -> None:
    """Empty, broken and binary files are named, in both roles."""
    file = tmp_path / "k"
    file.touch(0o600)
    file.write_bytes(data)
    with pytest.raises(KeyUnusable, match=str(file)):
        auditor.load_public(file)
    with pytest.raises(KeyUnusable, match=str(file)):
        auditor.load_private(file)
