"""What every target of anchors is, and how any store of notes becomes one.

A store keeps notes under `<origin>/<size, 12 digits>.note` and never changes one. A checkpoint that is there already
may carry other cosignatures; what counts is that it is the same checkpoint. Another one in its place, or one of more
lines than the log has, is compared with the log: if the log's key signed it, the log was rewritten or rolled back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from audit.anchors.history import View
from audit.anchors.notes import parse_checkpoint
from audit.checkpoint import Checkpoint
from audit.cosignature import parse_signed_note
from audit.directory import printable
from audit.errors import AnchorFailed, AuditError, NotCanonical, Tampered

SUFFIX = ".note"


class Target(Protocol):
    """A place that takes checkpoints: a witness, or a store of notes."""

    name: str

    def anchor(self, view: View, note: str, known: int) -> str:
        """Bring the newest checkpoint there; `known` is the size of the last one that was brought, 0 if none was.

        Returns the cosignature lines of a witness, of a store nothing. Raises `AnchorFailed`, and `Tampered` where the
        target proves that the log is not what it was.
        """


class Store(Protocol):
    """A place that keeps notes. Its methods raise `AnchorFailed` or whatever the library behind it raises."""

    name: str

    def read(self, origin: str, size: int) -> str | None:
        """The note that is kept for this size."""

    def create(self, origin: str, size: int, note: str) -> None:
        """Return when the note is durable. Raises `FileExistsError` where there is one for this size."""

    def confirm(self, origin: str, size: int) -> None:
        """Raise `AnchorFailed` unless the note for this size is held as it was asked for (retention)."""

    def newest(self, origin: str, after: int) -> str | None:
        """The note with the greatest size above `after`."""

    def notes(self, origin: str) -> Iterator[tuple[int, str]]:
        """The notes, each with the size that it is kept for, the greatest first, every version that is kept of each."""


class Kept:
    """A store as a target."""

    __slots__ = ("_compared", "_store", "name")

    def __init__(self, store: Store) -> None:
        self.name = store.name
        self._store = store
        self._compared = False

    def anchor(self, view: View, note: str, known: int) -> str:
        """As `Target.anchor`."""
        checkpoint = view.seen.checkpoint
        origin = safe_origin(checkpoint.origin)
        with failing():
            if not self._compared:  # what an earlier process, or one with another memory, brought here
                newest = self._store.newest(origin, known)
                if newest is not None:
                    view.compare(newest)
                self._compared = True
            if self._store.read(origin, checkpoint.size) is None:
                self._create(origin, checkpoint.size, note)
            found = self._store.read(origin, checkpoint.size)
            if found is None:
                raise AnchorFailed("the note cannot be read back")
            if not _is_of(found, checkpoint):
                view.compare(found)
                raise AnchorFailed(f"holds something else as the checkpoint of {checkpoint.size} lines")
            self._store.confirm(origin, checkpoint.size)
        return ""

    def _create(self, origin: str, size: int, note: str) -> None:
        try:
            self._store.create(origin, size, note)
        except FileExistsError:  # another process was quicker: what is there is read back and compared
            return


@contextmanager
def failing() -> Iterator[None]:
    """Turn every failure of a store into `AnchorFailed`, on one line."""
    try:
        yield
    except (AnchorFailed, Tampered):
        raise
    except AuditError as error:
        raise AnchorFailed(str(error)) from error
    except Exception as error:
        raise AnchorFailed(f"{type(error).__name__}: {one_line(str(error))}") from error


def one_line(text: str) -> str:
    """The first 400 characters of a foreign text, safe to show on a terminal."""
    return "".join(printable(text[start : start + 100]) for start in range(0, min(len(text), 400), 100))


def safe_origin(origin: str) -> str:
    """The origin, if it can be a path below any folder. Raises `AnchorFailed`."""
    if any(part in ("", ".", "..") for part in origin.split("/")):
        raise AnchorFailed(f"`{origin}` cannot name a folder: it has an empty part, `.` or `..`")
    return origin


def note_name(size: int) -> str:
    """The file name of the note for a size. Such names sort as the sizes do."""
    return f"{size:012d}{SUFFIX}"


def note_size(name: str) -> int | None:
    """The size in the file name of a note; None for another name."""
    stem = name.removesuffix(SUFFIX)
    known = len(stem) >= 12 and stem.isascii() and stem.isdigit() and name == note_name(int(stem))
    return int(stem) if known else None


def _is_of(note: str, checkpoint: Checkpoint) -> bool:
    try:
        return parse_checkpoint(parse_signed_note(note).text) == checkpoint
    except NotCanonical:
        return False
