"""What a client reads of an answer: ChatGLM3's metadata line off, blanks around the text off, stop strings obeyed.

An answer starts with a line of its own, empty or the name of a tool to call (THUDM/ChatGLM3, `PROMPT.md`). Nothing of
an answer is ever evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_runtime.chatglm3.text import TextStream
from model_runtime.stop import StopStrings

# A first line longer than any tool's name is text of a model that left the line out: it must not wait for a newline.
_LONGEST_METADATA = 128


@dataclass(frozen=True, slots=True)
class Segment:
    """One turn of the assistant. `metadata` is empty for a plain answer, else the name of the tool to call."""

    metadata: str
    content: str


class Answer:
    """Takes the ids of one segment and gives its content, as soon as it is final. `metadata` is known by then.

    The content of a plain answer has no blanks at either end; a call of a tool keeps its own.
    """

    __slots__ = ("_blanks", "_head", "_started", "_stop", "_text", "metadata")

    def __init__(self, text: TextStream, stop: Sequence[str]) -> None:
        self._text = text
        self._stop = StopStrings(stop)
        self._head: str | None = ""  # the first line, until it is known to be one
        self._started = False
        self._blanks = ""  # held back: they may turn out to be the last
        self.metadata = ""

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met. No content follows then."""
        return self._stop.met

    def push(self, token: int) -> str:
        """The content that became final with `token`; often empty."""
        text = self._text.push(token)
        return self._trimmed(self._stop.push(self._content(text))) if text else ""

    def finish(self) -> str:
        """The content that was held back, for when no id follows."""
        text = self._content(self._text.finish())
        if self._head is not None:
            text, self._head = self._without_lead(self._head), None
        return self._trimmed(self._stop.push(text) + self._stop.finish())

    def _content(self, text: str) -> str:
        """`text` without the metadata line and the blanks after it."""
        if self._head is not None:
            self._head += text
            line, newline, rest = self._head.partition("\n")
            if len(line) > _LONGEST_METADATA:
                text = self._head
            elif newline:
                self.metadata, text = line.strip(), rest
            else:
                return ""
            self._head = None
        return self._without_lead(text)

    def _without_lead(self, text: str) -> str:
        if not self.metadata and not self._started:
            text = text.lstrip()
            self._started = bool(text)
        return text

    def _trimmed(self, text: str) -> str:
        if self.metadata:
            return text
        text = self._blanks + text
        kept = text.rstrip()
        self._blanks = text[len(kept) :]
        return kept
