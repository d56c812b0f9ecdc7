"""audit/contents/opener.py: nothing opens but what was sealed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness.contents import ORIGIN, Bench

from audit.contents.opener import Opener, read_sealed
from audit.contents.sealer import Sealed
from audit.errors import ContentsUnreadable


def test_two_texts_swapped_between_requests(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """Each text opens in its own request alone, though both are under one key."""
    one, two = seal("one", request="req_1"), seal("two", request="req_2")
    assert bench.open(one, request="req_1") == "one"
    assert bench.open(two, request="req_2") == "two"
    for sealed, request in ((one, "req_2"), (two, "req_1")):
        with pytest.raises(ContentsUnreadable, match="belongs to another"):
            bench.open(sealed, request=request)


def test_an_answer_passed_off_as_a_prompt(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The direction is bound, too."""
    with pytest.raises(ContentsUnreadable):
        bench.open(seal("text", direction="completion"), direction="prompt")


def test_a_text_passed_off_as_another_subjects(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """Neither with its own key's name nor with the other subject's."""
    mine, theirs = seal("mine"), seal("theirs", subject="bob")
    with pytest.raises(ContentsUnreadable, match="erased"):  # bob has no key of that name
        bench.open(mine, subject="bob")
    with pytest.raises(ContentsUnreadable):
        bench.open(replace(mine, key=theirs.key), subject="bob")


def test_wrapped_key_swapped(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The key of another subject, copied over this one's, opens nothing, renamed inside or not."""
    mine, theirs = seal("mine"), seal("theirs", subject="bob")
    (my_key,), (their_key,) = bench.key_files("alice"), bench.key_files("bob")
    my_key.write_bytes(their_key.read_bytes())
    with pytest.raises(ContentsUnreadable, match="not the key that its name says"):
        bench.open(mine)
    renamed = their_key.read_text().replace(their_key.name[:64], my_key.name[:64]).replace(theirs.key, mine.key)
    my_key.write_text(renamed)
    with pytest.raises(ContentsUnreadable, match="another place"):
        bench.open(mine)


def test_another_auditor(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """A key pair that nothing was wrapped to opens nothing."""
    with pytest.raises(ContentsUnreadable, match="another auditor"):
        Opener(bench.store, X25519PrivateKey.generate(), ORIGIN).open("alice", "req_1", "prompt", seal("x"))


def test_contents_of_another_host(bench: Bench) -> None:
    """A store of one log does not serve the records of another."""
    sealed = bench.sealer("host-b/hangu").seal("alice", "req_1", "prompt", b"x")
    with pytest.raises(ContentsUnreadable, match="another log"):
        bench.open(sealed)


def test_every_flipped_bit_on_disk(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The record names the SHA-256 of the stored bytes, so an altered file is told from a wrong key."""
    sealed = seal("ab")
    file = bench.store.texts / sealed.file
    good = file.read_bytes()
    for bit in range(len(good) * 8):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        with pytest.raises(ContentsUnreadable, match="not the bytes that the record names"):
            bench.open(sealed)


def test_truncated_and_removed(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """Told apart: a file that ends too early, and one that is gone."""
    sealed = seal("text")
    file = bench.store.texts / sealed.file
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ContentsUnreadable, match="ends before the text does"):
        bench.open(sealed)
    file.unlink()
    with pytest.raises(ContentsUnreadable, match="the file is gone"):
        bench.open(sealed)


def test_a_torn_tail_hurts_nobody(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """What a crash left behind the last text has no record; what stands before it opens."""
    sealed = seal("text")
    with (bench.store.texts / sealed.file).open("ab") as stream:
        stream.write(b"torn")
    assert bench.open(sealed) == "text"


def test_a_link_in_the_place_of_a_text(bench: Bench, seal: Callable[..., Sealed], tmp_path: Path) -> None:
    """It is not followed, even to the very bytes."""
    sealed = seal("text")
    file = bench.store.texts / sealed.file
    file.rename(tmp_path / "moved")
    file.symlink_to(tmp_path / "moved")
    with pytest.raises(ContentsUnreadable, match="cannot be read"):
        bench.open(sealed)


def test_what_a_record_says_is_read_back(seal: Callable[..., Sealed]) -> None:
    """Written and read are one format."""
    sealed = seal("x")
    assert read_sealed(sealed.fields()) == sealed


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("file", "../../../etc/passwd"),
        ("file", "20261123-0123456789abcdef.texts/../x"),
        ("file", ""),
        ("key", "../" * 10 + "x" * 2),
        ("key", 1),
        ("offset", -1),
        ("offset", True),
        ("offset", 1 << 53),
        ("bytes", 27),
        ("bytes", 1 << 40),
        ("sha256", None),
        ("more", "x"),
    ],
)
def test_a_record_that_names_no_text(seal: Callable[..., Sealed], member: str, value: object) -> None:
    """Paths that lead out of the store, impossible numbers and unknown members are refused before any file is read."""
    with pytest.raises(ContentsUnreadable):
        read_sealed({**seal("x").fields(), member: value})


@pytest.mark.parametrize("value", [None, "x", [], {}, {"key": "x"}])
def test_a_record_without_a_place(value: object) -> None:
    """What is no object with exactly these members is not understood."""
    with pytest.raises(ContentsUnreadable, match="not understood"):
        read_sealed(value)
