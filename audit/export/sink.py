"""What every export format is: something that takes records one by one and knows how to end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from audit.export.record import Record


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows come from, for formats with a place for it. `verified` is what each row may claim."""

    name: str
    verified: bool
    notes: Mapping[str, str] = field(default_factory=dict)


class Sink(Protocol):
    """One open export. It writes to the stream it was given and never closes it."""

    def add(self, record: Record) -> None:
        """Write one record, now or with later ones."""

    def finish(self) -> None:
        """Write what is still held back and the end of the format."""


OpenSink = Callable[[BinaryIO, Origin], Sink]


class Lines:
    """A sink of a format that has one line, or a few, for each record and no frame around them."""

    def __init__(self, stream: BinaryIO, render: Callable[[Record], list[bytes]]) -> None:
        self._stream = stream
        self._render = render

    def add(self, record: Record) -> None:
        for line in self._render(record):
            self._stream.write(line + b"\n")

    def finish(self) -> None:
        return
