"""Signed notes and verifier keys, in both directions."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint, LogKey, Signer, check_origin, parse_note, parse_vkey
from audit.errors import KeyUnusable, NotCanonical

ROOT = bytes(range(32))


def test_note_round_trip(private: Ed25519PrivateKey) -> None:
    """A signed note reads back as what was signed, and its signature holds for that text only."""
    signer = Signer("host-a/hangu", private)
    checkpoint, (signature,) = parse_note(signer.sign(5, ROOT))
    assert checkpoint == Checkpoint("host-a/hangu", 5, ROOT)
    assert checkpoint.note(signature) == signer.sign(5, ROOT)
    assert signer.key.signed(checkpoint.text(), signature)
    assert not signer.key.signed(Checkpoint("host-a/hangu", 6, ROOT).text(), signature)
    assert not LogKey("host-b/hangu", private.public_key()).signed(checkpoint.text(), signature)


def test_witness_signatures(private: Ed25519PrivateKey) -> None:
    """Signature lines of others beside the log's own are no obstacle."""
    note = Signer("host-a/hangu", private).sign(5, ROOT)
    _, signatures = parse_note(note + "— witness.example " + base64.b64encode(bytes(76)).decode() + "\n")
    assert len(signatures) == 1


def test_published_vkey() -> None:
    """The verifier key of the C2SP signed-note specification has the id that the specification computes."""
    key = parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".replace("\n", ""))
    assert (key.origin, key.id.hex()) == ("PeterNeumann", "c74f20a3")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "+",
        "a+b",
        "a+00000000+AA==",
        "a+zz+!!",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_bad_vkey(line: str) -> None:
    """A key line that is cut, of another algorithm, or whose id does not fit is unusable."""
    with pytest.raises(KeyUnusable):
        parse_vkey(line)


@pytest.mark.parametrize("origin", ["", " ", "a b", "a+b", 'a"b', "a\nb", "é", "/a", "a" * 129, "a\\b"])
def test_bad_origin(origin: str) -> None:
    """A name that would need escaping anywhere is refused."""
    with pytest.raises(NotCanonical):
        check_origin(origin)


@pytest.mark.parametrize(
    "change",
    [
        ("5\n", "05\n"),
        ("5\n", "-5\n"),
        ("5\n", "5.0\n"),
        ("\n\n", "\n"),
        ("—", "-"),
        ("host-a/hangu\n5", "host a\n5"),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9="),
    ],
)
def test_bad_note(change: tuple[str, str], private: Ed25519PrivateKey) -> None:
    """A note with another byte in its frame raises our own error."""
    note = Signer("host-a/hangu", private).sign(5, ROOT)
    assert change[0] in note
    with pytest.raises(NotCanonical):
        parse_note(note.replace(*change))
