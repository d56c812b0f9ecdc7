"""audit/contents/envelope.py: what is bound to what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from audit.contents import envelope
from audit.contents.envelope import KeyPlace, TextPlace
from audit.errors import ContentsUnreadable

KEY = bytes(range(32))
TEXT = TextPlace("host-a", "req_1", "prompt", "s", "k")
PLACE = KeyPlace("host-a", "s", "k", "2026-11-23T08:00:00Z")


def test_a_text_comes_back() -> None:
    """What was sealed for a place opens there, Chinese text and nothing at all alike."""
    for text in ("医保报销".encode(), b""):
        sealed = envelope.seal(AESGCM(KEY), 1, text, TEXT)
        assert len(sealed) == len(text) + envelope.OVERHEAD
        assert envelope.unseal(KEY, sealed, TEXT) == text


@pytest.mark.parametrize("part", ["origin", "request", "direction", "subject", "key"])
def test_text_moved_to_another_place(part: str) -> None:
    """Another log, request, direction, subject or key: the text does not open there."""
    sealed = envelope.seal(AESGCM(KEY), 1, b"text", TEXT)
    with pytest.raises(ContentsUnreadable):
        envelope.unseal(KEY, sealed, replace(TEXT, **{part: "other"}))


@pytest.mark.parametrize("part", ["origin", "subject", "key", "created"])
def test_key_moved_to_another_place(part: str) -> None:
    """A wrapped key is bound to its log, subject, name and age."""
    auditor = X25519PrivateKey.generate()
    wrapped = envelope.wrap(KEY, auditor.public_key(), PLACE.info())
    assert len(wrapped) == envelope.WRAPPED_BYTES
    assert envelope.unwrap(wrapped, auditor, PLACE.info()) == KEY
    with pytest.raises(ContentsUnreadable):
        envelope.unwrap(wrapped, auditor, replace(PLACE, **{part: "other"}).info())


def test_parts_do_not_run_into_each_other() -> None:
    """`ab`, `c` and `a`, `bc` are different places, whatever separator a name holds."""
    one, two = replace(TEXT, origin="ab", request='c","d'), replace(TEXT, origin='ab","c', request="d")
    assert one.associated() != two.associated()
    assert TextPlace("a", "b", "c", "d", "").associated() != TextPlace("a", "b", "c", "", "d").associated()


def test_every_flipped_bit_of_a_sealed_text_is_noticed() -> None:
    """Nonce, ciphertext and tag: none has a bit that may change."""
    sealed = envelope.seal(AESGCM(KEY), 1, b"text", TEXT)
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ContentsUnreadable):
            envelope.unseal(KEY, bytes(flipped), TEXT)


def test_every_flipped_bit_of_a_wrapped_key_is_noticed() -> None:
    """Encapsulated key, ciphertext and tag, the bit of a public key that X25519 ignores too."""
    auditor = X25519PrivateKey.generate()
    wrapped = envelope.wrap(KEY, auditor.public_key(), PLACE.info())
    for bit in range(len(wrapped) * 8):
        flipped = bytearray(wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ContentsUnreadable):
            envelope.unwrap(bytes(flipped), auditor, PLACE.info())


@pytest.mark.parametrize("length", [0, 1, 27])
def test_truncated_to_less_than_a_tag(length: int) -> None:
    """Bytes that are too few for a nonce and a tag are unreadable, not a stack trace."""
    with pytest.raises(ContentsUnreadable):
        envelope.unseal(KEY, bytes(length), TEXT)
    with pytest.raises(ContentsUnreadable):
        envelope.unwrap(bytes(length), X25519PrivateKey.generate(), b"")


def test_a_key_of_another_auditor() -> None:
    """Only the auditor whose public key it was wrapped to can unwrap it."""
    wrapped = envelope.wrap(KEY, X25519PrivateKey.generate().public_key(), PLACE.info())
    with pytest.raises(ContentsUnreadable, match="another auditor"):
        envelope.unwrap(wrapped, X25519PrivateKey.generate(), PLACE.info())


def test_a_wrapped_key_of_a_wrong_length() -> None:
    """What unwraps to something else than 32 bytes is no content key."""
    auditor = X25519PrivateKey.generate()
    wrapped = envelope.wrap(b"short", auditor.public_key(), PLACE.info())
    with pytest.raises(ContentsUnreadable, match="wrong length"):
        envelope.unwrap(wrapped, auditor, PLACE.info())


def test_bindings_are_what_the_document_says() -> None:
    """Another implementation can open texts from docs/contents.md alone."""

    def documented(kind: str, *parts: str) -> bytes:
        return json.dumps(
            ["hangu-contents/1", kind, *(p.encode().hex() for p in parts)], separators=(",", ":")
        ).encode()

    assert TEXT.associated() == documented("text", "host-a", "req_1", "prompt", "s", "k")
    assert PLACE.info() == documented("key", "host-a", "s", "k", "2026-11-23T08:00:00Z")
    assert envelope.subject_name("张三") == hashlib.sha256(documented("subject", "张三")).hexdigest()
    assert envelope.seal(AESGCM(KEY), 7, b"", TEXT)[:4] == (7).to_bytes(4, "big")


@given(st.text(), st.text())
def test_names_of_subjects(one: str, two: str) -> None:
    """Any subject has a name of 64 hex digits, equal for equal subjects only; none of it reaches a path."""
    assert (envelope.subject_name(one) == envelope.subject_name(two)) == (one == two)
    assert len(envelope.subject_name(one)) == 64
    assert set(envelope.subject_name(one)) <= set("0123456789abcdef")


@pytest.mark.parametrize("subject", ["", "../../etc/passwd", "a/b\0c", "张三", "\ud800", "x" * 1_000_000])
def test_subjects_that_look_like_paths(subject: str) -> None:
    """Slashes, NUL, half a surrogate pair and a million letters give a name like any other."""
    assert envelope.subject_name(subject).isalnum()


def test_a_machine_set_back_to_a_snapshot() -> None:
    """A key that counts on twice from the same number still has two nonces."""
    cipher = AESGCM(KEY)
    one, other = (envelope.seal(cipher, 7, b"text", TEXT)[: envelope.NONCE_BYTES] for _ in range(2))
    assert one != other
    assert one[:4] == other[:4] == (7).to_bytes(4, "big")
