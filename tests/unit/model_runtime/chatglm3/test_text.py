"""SentencePiece ids to text, one at a time."""

from __future__ import annotations

import pytest

from model_runtime.chatglm3.text import TextStream

# What ids stand for in these tests: two texts, a control piece, nothing, and bytes from 256 on.
SURFACES: dict[int, str | int | None] = {0: "▁你好", 1: "▁", 2: "", 3: None, 4: "x"}


def run(*tokens: int) -> list[str]:
    stream = TextStream(lambda token: token - 256 if token >= 256 else SURFACES[token])
    return [*(stream.push(token) for token in tokens), stream.finish()]


def octets(encoded: bytes) -> list[int]:
    return [256 + byte for byte in encoded]


def test_first_space_is_dropped_and_no_other() -> None:
    """SentencePiece puts one space before a text; later ones are text."""
    assert run(0, 0, 1, 1) == ["你好", " 你好", " ", " ", ""]
    assert run(1, 1) == ["", " ", ""]


def test_control_and_foreign_ids_are_silent() -> None:
    """Control pieces and ids that are no piece add nothing, and the first space is still the first."""
    assert run(2, 3, 0) == ["", "", "你好", ""]


@pytest.mark.parametrize("character", ["é", "世", "👋"])
def test_character_in_bytes_comes_whole(character: str) -> None:
    """A character that comes as bytes is held back until its last byte, then is there at once."""
    tokens = octets(character.encode())
    assert run(*tokens, 4) == [*[""] * (len(tokens) - 1), character, "x", ""]


@pytest.mark.parametrize(
    "broken",
    [b"\xe4\xbd", b"\x80\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\xe0\x80\x80"],
)
def test_broken_bytes_become_one_mark_each(broken: bytes) -> None:
    """Cut, overlong, surrogate and out-of-range UTF-8 gives one U+FFFD for each byte, never an error."""
    assert "".join(run(*octets(broken))) == "\ufffd" * len(broken)
    assert "".join(run(*octets(broken), 4)) == "\ufffd" * len(broken) + "x"


def test_broken_byte_does_not_hold_back_what_follows() -> None:
    """An endless row of bytes that are no text is released as it comes."""
    out = run(*octets(b"\xe4" * 5))
    assert out == ["", *["\ufffd"] * 5]
