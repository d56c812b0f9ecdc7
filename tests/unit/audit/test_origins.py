"""The signed list of origins: one form, one signer, and no list that says nothing."""

from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import LogKey, Signer
from audit.errors import NotCanonical
from audit.origins import make_list, parse_list, read_list, sign_list

FLEET = Signer("example/fleet", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
ISSUED = date(2026, 11, 23)


def log_key(origin: str, seed: int) -> LogKey:
    """A log's verifier key."""
    return LogKey(origin, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32).public_key())


A, B = log_key("host-a/hangu", 1), log_key("host-b/hangu", 2)
NOTE = sign_list(make_list(3, ISSUED, [B, A]), FLEET)


def test_a_signed_list_comes_back() -> None:
    """Serial, date and keys are those that were signed, in the order of the origins."""
    parsed = parse_list(NOTE, FLEET.key)
    assert (parsed.serial, parsed.issued) == (3, ISSUED)
    assert [key.vkey for key in parsed.keys] == [A.vkey, B.vkey]
    assert list(parsed.origins) == ["host-a/hangu", "host-b/hangu"]


def test_every_changed_byte_is_noticed() -> None:
    """A list with any one character changed or left out is refused."""
    for place in range(len(NOTE)):
        for other in ("", "x" if NOTE[place] != "x" else "y"):
            with pytest.raises(NotCanonical):
                parse_list(NOTE[:place] + other + NOTE[place + 1 :], FLEET.key)


def test_another_signer() -> None:
    """A list signed by a key with the same name, or by the same key under another name, is refused."""
    impostor = Signer("example/fleet", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
    renamed = Signer("example/other", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    for signer in (impostor, renamed):
        with pytest.raises(NotCanonical, match="not a list of origins signed by"):
            parse_list(sign_list(make_list(3, ISSUED, [A]), signer), FLEET.key)


@pytest.mark.parametrize(
    "text",
    [
        f"hangu-origins/2\n1\n2026-11-23\n{A.vkey}\n",
        f"hangu-origins/1\n01\n2026-11-23\n{A.vkey}\n",
        f"hangu-origins/1\n0\n2026-11-23\n{A.vkey}\n",
        f"hangu-origins/1\n-1\n2026-11-23\n{A.vkey}\n",
        f"hangu-origins/1\n1\n20261123\n{A.vkey}\n",
        f"hangu-origins/1\n1\n2026-13-01\n{A.vkey}\n",
        "hangu-origins/1\n1\n2026-11-23\n",
        "hangu-origins/1\n1\n",
        f"hangu-origins/1\n1\n2026-11-23\n{B.vkey}\n{A.vkey}\n",
        f"hangu-origins/1\n1\n2026-11-23\n{A.vkey}\n{A.vkey}\n",
        f"hangu-origins/1\n1\n2026-11-23\n {A.vkey}\n",
        "hangu-origins/1\n1\n2026-11-23\nnot a key\n",
    ],
)
def test_signed_but_not_in_the_one_form(text: str) -> None:
    """What the signer would never write is refused even under a good signature."""
    note = f"{text}\n— {FLEET.key.origin} {FLEET.signature(text)}\n"
    with pytest.raises(NotCanonical):
        parse_list(note, FLEET.key)


def test_lists_that_say_nothing() -> None:
    """No log at all, and two keys for one origin, are refused when the list is made."""
    with pytest.raises(NotCanonical, match="at least one"):
        make_list(1, ISSUED, [])
    with pytest.raises(NotCanonical, match="two keys for the origin `host-a/hangu`"):
        make_list(1, ISSUED, [A, log_key("host-a/hangu", 9)])
    with pytest.raises(NotCanonical, match="serial"):
        make_list(0, ISSUED, [A])


def test_a_file(tmp_path: Path) -> None:
    """A list is read from a file; one that is missing or not text is refused by name."""
    (tmp_path / "list").write_text(NOTE, encoding="utf-8")
    assert read_list(tmp_path / "list", FLEET.key).serial == 3
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary"):
        with pytest.raises(NotCanonical, match=name):
            read_list(tmp_path / name, FLEET.key)
