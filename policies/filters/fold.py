"""Text as the patterns see it: one folded character for each visible one, and the way back to the original.

Each code point is folded on its own, so that a stream folds exactly like the whole text: compatibility forms (full
width, mathematical, circled) and accents go, digits of every script become ASCII digits, dashes and spaces are
unified, letters that look like Latin ones become Latin ones, and invisible characters disappear.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

import re2

from policies.filters.lookalikes import LOOKALIKES

MAX_RUN: Final = 32
INVISIBLE: Final = "\u200b"  # what the table gives for every invisible character
_MAX_CACHE: Final = 65_536  # a text made of every code point must not fill the memory
_MIN_PLAIN: Final = 64  # below this length the table is faster than the test for plain text

# Han characters and the punctuation of Chinese prose stay as they are: nearly all Chinese text then needs no table.
_PLAIN: Final = "，。、；：？！（）《》“”…\n\r\t"
_PLAIN_TEXT: Final = re2.compile(f"[ -~一-鿿{_PLAIN}]*".encode())
_HIDDEN: Final = (
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded piece of text.

    `at[i]` is the index in the piece of folded character i; None means i itself. `run` counts the invisible characters
    at the end, so that the next piece goes on counting. `bad` is set where the piece must not be read further: half of
    a surrogate pair, or the 33rd invisible character in a row; everything else then describes the text before it.
    """

    data: bytes
    at: list[int] | None = None
    run: int = 0
    bad: int | None = None


def fold(text: str, run: int = 0) -> Folded:
    """Fold a piece of text that follows `run` invisible characters."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        return _cut(text, run, error.start)
    if len(data) == len(text) or (len(text) >= _MIN_PLAIN and _PLAIN_TEXT.fullmatch(data)):
        return Folded(data, run=0 if text else run)
    folded = text.translate(_TABLE)
    if INVISIBLE not in folded:
        return Folded(folded.encode())
    overlong = (INVISIBLE * run + folded).find(INVISIBLE * (MAX_RUN + 1))
    if overlong >= 0:
        return _cut(text, run, overlong + MAX_RUN - run)
    kept = folded.replace(INVISIBLE, "")
    tail = len(folded) - len(folded.rstrip(INVISIBLE))
    at = [index for index, char in enumerate(folded) if char != INVISIBLE]
    return Folded(kept.encode(), at, tail if kept else run + tail)


def fold_char(char: str) -> str:
    """What one character becomes; `INVISIBLE` when it disappears."""
    return _TABLE[ord(char)]


def _cut(text: str, run: int, bad: int) -> Folded:
    before = fold(text[:bad], run)
    return before if before.bad is not None else Folded(before.data, before.at, before.run, bad)


class _Table(dict[int, str]):
    """Filled as characters are met, since building it for all of Unicode takes half a second."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < _MAX_CACHE:
            self[code] = folded
        return folded


def _fold(char: str) -> str:
    if char.isascii() or char in _PLAIN:
        return char
    if _is_invisible(char):
        return INVISIBLE
    if char in LOOKALIKES:
        return LOOKALIKES[char]
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if unicodedata.category(c)[0] != "M")
    only = bare if len(bare) == 1 else char
    only = LOOKALIKES.get(only, only)
    digit = unicodedata.digit(only, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(only)
    return {"Pd": "-", "Zs": " "}.get(category, only)


def _is_invisible(char: str) -> bool:
    code = ord(char)
    return unicodedata.category(char) in {"Cf", "Mn", "Me"} or any(low <= code <= high for low, high in _HIDDEN)


_TABLE: Final = _Table()
