"""The chunked transfer coding, read from bytes that arrive cut anywhere (RFC 9112 §7.1).

All that has arrived comes out at once, whatever the chunks were: while this side is busy the next events of a stream
pile up, and are then handled together.
"""

from __future__ import annotations

import re

from model_runtime.engine import EngineFailed

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_MAX_LINE = 4096  # bytes of a size line with its extensions, or of a trailer
_MAX_TRAILERS = 64


class ChunkedReader:
    """Collects the data of chunks; EngineFailed for what is not chunked. Not safe to share between threads."""

    __slots__ = ("_ending", "_left", "_line", "_trailers", "done")

    def __init__(self) -> None:
        self.done = False  # the last chunk and its trailers have been read
        self._left = 0  # bytes of the current chunk's data that are still to come
        self._ending = False  # the line end behind a chunk's data comes next
        self._trailers = -1  # trailers read behind the last chunk; -1 before it
        self._line = b""  # an unfinished line

    def feed(self, received: bytes) -> bytes:
        """The data that `received` brings."""
        received = self._line + received
        self._line = b""
        data: list[bytes] = []
        at = 0
        while at < len(received):
            if self.done:
                raise EngineFailed("upstream sent more than its answer")
            if self._left:
                piece = received[at : at + self._left]
                data.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._ending = not self._left
                continue
            end = received.find(b"\r\n", at)
            if end < 0 or end - at > _MAX_LINE:
                self._line = received[at:]
                break
            self._take(received[at:end])
            at = end + 2
        if len(self._line) > _MAX_LINE:
            raise EngineFailed("upstream sent a broken chunk")
        return b"".join(data)

    def _take(self, line: bytes) -> None:
        if self._ending:
            if line:
                raise EngineFailed("upstream sent a broken chunk")
            self._ending = False
        elif self._trailers >= 0:
            self._trailers += 1
            if self._trailers > _MAX_TRAILERS:
                raise EngineFailed("upstream sent too many trailers")
            self.done = not line
        else:
            size = _SIZE.fullmatch(line)
            if size is None:
                raise EngineFailed("upstream sent a broken chunk")
            self._left = int(size[1], 16)
            if not self._left:
                self._trailers = 0
