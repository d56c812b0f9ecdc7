"""Stop strings over a stream: the answer ends before the first one, wherever the stream was cut."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Passes text through until one of `stops` is complete. Of several, the one that is complete first ends the text.

    Text that may be the start of a stop string is held back, and nothing else: for each string this follows the
    longest of its prefixes that ends the text so far (Knuth, Morris and Pratt 1977), in constant time per character.
    Empty strings are left out: they would end every text before it starts.
    """

    __slots__ = ("_fallbacks", "_held", "_matched", "_stops", "met")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._fallbacks = [_fallback(stop) for stop in self._stops]
        self._matched = [0] * len(self._stops)
        self._held = ""
        self.met = False

    def push(self, text: str) -> str:
        """The text that is final now. Empty once a stop string was met."""
        if self.met:
            return ""
        if not self._stops:
            return text
        text, start = self._held + text, len(self._held)
        for end in range(start, len(text)):
            if found := self._advance(text[end]):
                self.met, self._held = True, ""
                return text[: end + 1 - found]
        keep = len(text) - max(self._matched)
        self._held = text[keep:]
        return text[:keep]

    def finish(self) -> str:
        """The text that was held back, for when no more follows."""
        held, self._held = self._held, ""
        return held

    def _advance(self, character: str) -> int:
        """Take one character; the length of the longest stop string that it completes, or 0."""
        found = 0
        for at, stop in enumerate(self._stops):
            matched = self._matched[at]
            while matched and stop[matched] != character:
                matched = self._fallbacks[at][matched - 1]
            if stop[matched] == character:
                matched += 1
            self._matched[at] = matched
            if matched == len(stop):
                found = max(found, matched)
        return found


def _fallback(stop: str) -> list[int]:
    """For each prefix of `stop`, the length of its longest proper prefix that is also its suffix."""
    table = [0] * len(stop)
    matched = 0
    for at in range(1, len(stop)):
        while matched and stop[matched] != stop[at]:
            matched = table[matched - 1]
        if stop[matched] == stop[at]:
            matched += 1
        table[at] = matched
    return table
