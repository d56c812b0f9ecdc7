"""Server-sent events, read from bytes that arrive cut anywhere (WHATWG HTML §9.2.6, what model servers use of it)."""

from __future__ import annotations

from model_runtime.engine import EngineFailed

MAX_EVENT = 1 << 20  # bytes of one line, and of the data of one event
_SILENT_FIELDS = (b":", b"event:", b"id:", b"retry:")


class EventReader:
    """Collects the `data` of each event. Lines end in LF or CRLF; a blank line ends an event.

    Stricter than a browser: a line that is neither data nor one of the known fields is an error, for a browser would
    skip it and so lose text without a word. Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._line = bytearray()  # an unfinished line
        self._data: list[bytes] = []  # the lines of an unfinished event
        self._size = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The events that `received` completes, in order. Raises EngineFailed for a stream that is not SSE."""
        first, newline, rest = received.partition(b"\n")
        self._line += first
        if len(self._line) > MAX_EVENT:
            raise EngineFailed(f"upstream sent a line of more than {MAX_EVENT} bytes")
        if not newline:
            return []
        lines = [bytes(self._line), *rest.split(b"\n")]
        self._line = bytearray(lines.pop())
        events: list[bytes] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            data = line[5:].removeprefix(b" ")
            self._size += len(data)
            if self._size > MAX_EVENT:
                raise EngineFailed(f"upstream sent an event of more than {MAX_EVENT} bytes")
            self._data.append(data)
        elif not line:
            if self._data:
                events.append(b"\n".join(self._data))
            self._data, self._size = [], 0
        elif not line.startswith(_SILENT_FIELDS):
            raise EngineFailed("upstream sent a line that is no server-sent event")
