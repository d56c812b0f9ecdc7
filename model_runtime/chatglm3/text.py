"""SentencePiece ids to text, one id at a time: whole-text decoding without decoding the whole text again."""

from __future__ import annotations

from collections.abc import Callable

_SPACE = "▁"
_BROKEN = "\ufffd"


class TextStream:
    """Yields text as soon as it is final, in constant time per id.

    `surface` maps an id to its text, to its byte, or to None when it is no piece. A character that came as bytes is
    held back until its last byte; bytes that are no UTF-8 become one U+FFFD each, as SentencePiece itself does it.
    """

    __slots__ = ("_bytes", "_started", "_surface")

    def __init__(self, surface: Callable[[int], str | int | None]) -> None:
        self._surface = surface
        self._bytes = bytearray()
        self._started = False

    def push(self, token: int) -> str:
        """The text that became final with `token`; often empty, never taken back."""
        surface = self._surface(token)
        if surface is None:
            return ""
        if isinstance(surface, int):
            self._started = True
            self._bytes.append(surface)
            return self._take()
        text = self.finish()
        if surface and not self._started:
            # SentencePiece puts a space before every text that it encodes; here it goes again.
            surface = surface.removeprefix(_SPACE)
            self._started = True
        return text + surface.replace(_SPACE, " ")

    def finish(self) -> str:
        """What is left: bytes that never became a character."""
        text = self._take() + _BROKEN * len(self._bytes)
        self._bytes.clear()
        return text

    def _take(self) -> str:
        """Take every complete or broken character off the front of the pending bytes."""
        text = ""
        while self._bytes:
            length = _length(self._bytes[0])
            tail = self._bytes[1:length]
            if len(self._bytes) < length and all(byte & 0xC0 == 0x80 for byte in tail):
                break
            character = _character(bytes(self._bytes[:length]))
            text += character or _BROKEN
            del self._bytes[: length if character else 1]
        return text


def _length(lead: int) -> int:
    """How many bytes the UTF-8 character has that starts with `lead` (RFC 3629, section 3); 1 for what starts none."""
    if lead & 0xE0 == 0xC0:
        return 2
    if lead & 0xF0 == 0xE0:
        return 3
    return 4 if lead & 0xF8 == 0xF0 else 1


def _character(encoded: bytes) -> str:
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:
        return ""
