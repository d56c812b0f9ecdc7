"""What every kind of target is: something that takes records, and says so only when the receiver has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audit.export.record import Record


class NotTaken(Exception):
    """The receiver did not take the records now. `retry_after`: seconds it asked to be left alone for."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(NotTaken):
    """The receiver will never take these records as they are."""


class Sender(Protocol):
    """A target. Not thread-safe."""

    def send(self, records: Sequence[Record]) -> str:
        """Return once the receiver has taken all of them; the text is what it complained about, or empty.

        Raises `NotTaken` where it may have taken none or some, `Refused` where it never will.
        """

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a TLS target believes, and who it is: CA certificates (None: the system's), certificate with key."""

    ca_file: Path | None = None
    client_cert: Path | None = None
