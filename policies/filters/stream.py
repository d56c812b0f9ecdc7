"""One text going through a chain, in one piece or in many.

What has arrived is split at the horizon, the first place from which the text to its end could still become a match.
Every place before the horizon is decided for good, so it is swept and passes; the rest waits for more text.
"""

from typing import Final

from policies.filters.fold import fold
from policies.filters.program import EDGE, FilterFailed, Match, Placed, Program, Search, following
from policies.filters.verdict import Hit, OnWithheld, Screened
from policies.filters.window import Window

MAX_VALUE: Final = 4096  # characters of a withheld value that `on_withheld` is given
UNREADABLE: Final = ("unreadable-text", "INVALID_TEXT")  # filter and type of the block for a text that cannot be read


class StreamFinishedError(Exception):
    """A chunk was fed to a stream that has been finished."""


class _Swallowing:
    """A match whose tail is still arriving."""

    __slots__ = ("end", "placed", "start", "swallowed", "value")

    def __init__(self, placed: Placed, start: int, end: int, value: str) -> None:
        self.placed = placed
        self.start = start  # in the stream, like `end`
        self.end = end
        self.value = value
        self.swallowed = 0  # bytes of the tail so far


class ChainStream:
    """Feed chunks, then finish once. Nothing of a value passes before it is known whether it is withheld."""

    __slots__ = ("_blocked", "_finished", "_flagged", "_hits", "_on_withheld", "_passed", "_program", "_run", "_seen",
                 "_tail", "_window")  # fmt: skip

    def __init__(self, program: Program, on_withheld: OnWithheld | None = None) -> None:
        self._program = program
        self._on_withheld = on_withheld
        self._window = Window()
        self._run = 0
        self._seen = 0
        self._flagged = 0  # end of the last flagged match, in the stream
        self._tail: _Swallowing | None = None
        self._blocked: Hit | None = None
        self._finished = False
        self._passed: list[str] = []
        self._hits: list[Hit] = []

    def feed(self, chunk: str) -> Screened:
        """What may pass now that `chunk` has arrived. After a block: nothing, with the same `blocked`.

        Raises StreamFinishedError after `finish`.
        """
        return self._take(chunk, final=False)

    def finish(self) -> Screened:
        """What may pass now that nothing more comes. Raises StreamFinishedError the second time."""
        return self.last("")

    def last(self, chunk: str) -> Screened:
        """`feed` and `finish` in one."""
        piece = self._take(chunk, final=True)
        self._finished = True
        return piece

    def _take(self, chunk: str, *, final: bool) -> Screened:
        if self._finished:
            raise StreamFinishedError("the stream is finished")
        if self._blocked is not None:
            return Screened("", (), self._blocked)
        folded = fold(chunk, self._run)
        self._run = folded.run
        self._window.append(chunk if folded.bad is None else chunk[: folded.bad], folded)
        try:
            self._advance(final=final or folded.bad is not None)
        except FilterFailed as failure:
            self._passed.append(self._window.take(failure.start))
            span = self._window.span(following(self._window.data, failure.start))
            self._block(failure.placed.filter, failure.placed.rule.type, *span)
        if folded.bad is not None and self._blocked is None:
            self._block(*UNREADABLE, self._seen + folded.bad, self._seen + folded.bad + 1)
        self._seen += len(chunk)
        piece = Screened("".join(self._passed), tuple(self._hits), self._blocked)
        self._passed.clear()
        self._hits.clear()
        self._window.settle()
        return piece

    def _advance(self, *, final: bool) -> None:
        """Decide what can be decided: all of it when `final`."""
        window = self._window
        end = len(window.data)
        data = window.data + EDGE if final else window.data
        if self._tail is not None and not self._swallow(self._tail, data, final=final):
            return
        search = Search(self._program, data, window.mark)
        horizon = end if final else search.unfinished(window.mark)
        at = search.candidate(window.mark)
        while 0 <= at < horizon:
            after = self._decide(search, data, at, final=final)
            if self._blocked is not None or self._tail is not None:
                return
            if after > horizon:
                horizon = search.unfinished(after)
            at = search.candidate(after)
        self._passed.append(window.take(horizon))

    def _decide(self, search: Search, data: bytes, at: int, *, final: bool) -> int:
        """Act on the rules that match at byte `at`, and return the byte where the sweep goes on."""
        acting, flagging = search.best(at)
        if acting is not None:
            self._passed.append(self._window.take(at))
            return self._act(acting, data, final=final)
        if flagging is not None:
            self._passed.append(self._window.take(at))
            self._flag(flagging)
        return following(data, at)

    def _act(self, match: Match, data: bytes, *, final: bool) -> int:
        placed, window = match.placed, self._window
        value = data[window.mark : match.end].decode() if self._on_withheld is not None else ""
        if placed.action == "block":
            self._withheld(placed, *window.span(match.end), value)
            self._blocked = self._hits[-1]
            return match.end
        start, stop = window.skip(match.end)
        self._passed.append(placed.replacement)
        if placed.rule.tail is None:
            self._withheld(placed, start, stop, value)
        else:
            self._tail = _Swallowing(placed, start, stop, value)
            self._swallow(self._tail, data, final=final)
        return window.mark

    def _swallow(self, tail: _Swallowing, data: bytes, *, final: bool) -> bool:
        """Withhold the tail as far as it has arrived; whether it is over."""
        window = self._window
        begin, end = window.mark, len(window.data)
        stop = tail.placed.tail_end(data, begin - min(tail.swallowed, tail.placed.stop_reach))
        over = stop >= 0
        stop = min(stop, end) if over else end
        if self._on_withheld is not None and len(tail.value) < MAX_VALUE:
            tail.value += data[begin:stop].decode()
        tail.swallowed += stop - begin
        if stop > begin:
            tail.end = window.skip(stop)[1]
        if over or final:
            self._tail = None
            self._withheld(tail.placed, tail.start, tail.end, tail.value)
        return self._tail is None

    def _flag(self, match: Match) -> None:
        start, stop = self._window.span(match.end)
        if start >= self._flagged:
            self._flagged = stop
            self._hits.append(Hit(match.placed.filter, match.placed.rule.type, "flag", start, stop))

    def _withheld(self, placed: Placed, start: int, stop: int, value: str) -> None:
        self._hits.append(Hit(placed.filter, placed.rule.type, placed.action, start, stop))
        if self._on_withheld is not None:
            self._on_withheld(placed.filter, placed.rule.type, value[:MAX_VALUE])

    def _block(self, name: str, kind: str, start: int, stop: int) -> None:
        self._blocked = Hit(name, kind, "block", start, stop)
        self._hits.append(self._blocked)
