"""The part of a stream that is not decided yet, in folded and in original spelling."""

from policies.filters.fold import Folded
from policies.filters.program import CONTEXT, EDGE


class Window:
    """Folded text with the way back to the original.

    The bytes before `mark` are context that has been decided; those from `mark` on are undecided, and `_raw` from
    `_at_raw` on is their original text.
    """

    __slots__ = ("_at", "_at_raw", "_index", "_origin", "_raw", "data", "mark")

    def __init__(self) -> None:
        self.data = EDGE
        self.mark = 1
        self._raw = ""
        self._at: list[int] | None = None  # index in `_raw` of each folded character from `_index` 0 on
        self._at_raw = 0
        self._index = 0
        self._origin = 0  # offset in the stream of `_raw[0]`

    def append(self, text: str, folded: Folded) -> None:
        if folded.at is not None or self._at is not None:
            base = len(self._raw)
            known = self._at if self._at is not None else list(range(self._count(self.mark, len(self.data))))
            added = folded.at if folded.at is not None else range(len(text))
            self._at = known + [base + index for index in added]
        self._raw += text
        self.data += folded.data

    def span(self, end: int) -> tuple[int, int]:
        """Where the folded characters from `mark` to `end` stand in the stream, hidden characters between included."""
        last = self._index + self._count(self.mark, end) - 1
        return self._origin + self._at_raw, self._origin + self._raw_index(last) + 1

    def take(self, end: int) -> str:
        """The original text up to the character at `end`, which becomes the mark."""
        self._index += self._count(self.mark, end)
        start, self._at_raw = self._at_raw, self._raw_index(self._index)
        self.mark = end
        return self._raw[start : self._at_raw]

    def skip(self, end: int) -> tuple[int, int]:
        """Withhold the folded characters from `mark` to `end`: their span in the stream."""
        start = self._at_raw
        self._index += self._count(self.mark, end)
        self._at_raw = self._raw_index(self._index - 1) + 1
        self.mark = end
        return self._origin + start, self._origin + self._at_raw

    def settle(self) -> None:
        """Drop what is decided, except for the context that a later match may look back on."""
        if self._at_raw:
            self._origin += self._at_raw
            self._raw = self._raw[self._at_raw :]
            if self._at is not None:
                rest = self._at[self._index :]
                self._at = [index - self._at_raw for index in rest] if self._raw else None
            self._at_raw = 0
        self._index = 0
        if self.mark > 2 * CONTEXT:
            cut = self.mark - CONTEXT
            self.data = self.data[cut:]
            self.mark -= cut

    def _raw_index(self, index: int) -> int:
        if self._at is None:
            return index
        return self._at[index] if index < len(self._at) else len(self._raw)

    def _count(self, start: int, end: int) -> int:
        piece = self.data[start:end]
        return len(piece) if piece.isascii() else len(piece.decode())
