"""Sets of code points: the one-character steps of a pattern and its boundary classes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CharSet:
    """Code points as sorted, disjoint, inclusive ranges. Build one with `of` or `chars`."""

    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Self:
        """The union of the ranges."""
        merged: list[Range] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def chars(cls, text: str) -> Self:
        """The characters of `text`, where `a-z` between two characters means a range. A leading `-` is a dash."""
        ranges, at = [], 0
        while at < len(text):
            last = at + 2 if text[at + 1 : at + 2] == "-" and at + 2 < len(text) else at
            ranges.append((ord(text[at]), ord(text[last])))
            at = last + 1
        return cls.of(ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, char: str) -> bool:
        return any(low <= ord(char) <= high for low, high in self.ranges)

    def __or__(self, other: "CharSet") -> "CharSet":
        return CharSet.of((*self.ranges, *other.ranges))

    def inverted(self) -> "CharSet":
        """Every other character except NUL, which marks the two ends of a text and so belongs to no pattern."""
        gaps, start = [], 1
        for low, high in (*self.ranges, (LAST + 1, LAST + 1)):
            if low > start:
                gaps.append((start, low - 1))
            start = max(start, high + 1)
        return CharSet.of(gaps)

    def any_case(self) -> "CharSet":
        """With each ASCII letter also in its other case."""
        swapped = [
            (max(low, first) ^ 32, min(high, last) ^ 32)
            for low, high in self.ranges
            for first, last in ((65, 90), (97, 122))
            if low <= last and high >= first
        ]
        return CharSet.of((*self.ranges, *swapped))

    def rendered(self) -> str:
        """An RE2 class for exactly these characters."""
        return "[" + "".join(_range(low, high) for low, high in self.ranges) + "]"

    def rendered_outside(self) -> str:
        """An RE2 class for every character outside, NUL included; with nothing inside, any character."""
        return "[^" + self.rendered()[1:] if self.ranges else "(?s:.)"

    def first_bytes(self) -> frozenset[int]:
        """Each byte that the UTF-8 form of a member can start with."""
        return frozenset(byte for low, high in self.ranges for byte in range(_lead(low), _lead(high) + 1))


def _range(low: int, high: int) -> str:
    return f"\\x{{{low:x}}}" if low == high else f"\\x{{{low:x}}}-\\x{{{high:x}}}"


def _lead(code: int) -> int:
    near = 0xD7FF if code in _SURROGATES else code
    return chr(near).encode()[0]
