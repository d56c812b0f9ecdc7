"""Rows from a log, for a long one gathered in a second process: one takes records apart while the other writes rows."""

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from audit.directory import segment_files
from audit.errors import AuditError, ReviewFailed, Tampered
from audit.review.loader import Gatherer, Rows
from audit.review.source import batches
from audit.ship.tail import Position

_LONG: Final = 64 << 20  # bytes: seconds of work, where starting a process costs some tenths of one


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows to write, and the place in the log behind them. `gap`: lines were purged that are in no row."""

    origin: str
    position: Position
    rows: Rows
    gap: bool = False


def gathered(directory: Path, position: Position, origin: str, waiting: dict[int, str | None]) -> Iterator[Gathered]:
    """The rows of what stands behind this place; nothing where nothing does. `waiting` as for `Gatherer`.

    Raises like `batches`, and `ReviewFailed` where the second process is killed.
    """
    whole = position == Position()
    if whole and sum(segment_files(directory).values()) >= _LONG:
        return _apart(directory)
    return _here(directory, position, origin, waiting)


def _here(directory: Path, position: Position, origin: str, waiting: dict[int, str | None]) -> Iterator[Gathered]:
    gatherer = Gatherer(waiting)
    batch = None
    for batch in batches(directory, position, origin):
        rows = gatherer.add(batch.records)
        if rows.many or batch.gap is not None:
            yield Gathered(batch.origin, batch.position, gatherer.take(), batch.gap is not None)
    if batch is not None:
        yield Gathered(batch.origin, batch.position, gatherer.take())


def _apart(directory: Path) -> Iterator[Gathered]:
    """The same for a whole log, from another process."""
    context = multiprocessing.get_context("spawn")  # a fork would share the open index
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(directory, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while (said := receiver.recv()) is not None:
            if not isinstance(said, Gathered):
                raise _error(said)
            yield said
    except EOFError as error:
        raise ReviewFailed("the process that reads the log was killed; is there enough memory?") from error
    finally:
        receiver.close()
        process.terminate()
        process.join()
        process.close()


def _send(directory: Path, sender: Connection) -> None:
    """What the other process does: rows, then None; or why there are none. It ends without a word if nobody listens."""
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            for each in _here(directory, Position(), "", {}):
                sender.send(each)
            sender.send(None)
        except Tampered as error:
            sender.send((error.file, error.line, error.what))
        except (AuditError, OSError) as error:
            sender.send(str(error))


def _error(said: object) -> AuditError:
    """An error as it was sent: errors themselves do not survive the way."""
    return Tampered(*said) if isinstance(said, tuple) else ReviewFailed(str(said))
