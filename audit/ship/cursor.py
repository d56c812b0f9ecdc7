"""How far each target has got, in one small file that is replaced as a whole and durable before it counts.

    {"format":"hangu-ship/1","targets":{"<url>":{"leaf":"<hex>","next":<index>,"origin":"<name>"}}}

`leaf` is the leaf hash of line `next - 1`: with it a log that was rewritten or rolled back since is told from this one.
"""

import fcntl
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from audit.errors import ExportFailed, LogBusy, ShippingFailed
from audit.export.output import new_file, outside
from audit.ship.tail import Position

FORMAT = "hangu-ship/1"
_MAX_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a target stands in the log of this origin."""

    origin: str
    position: Position


class Cursor:
    """The file, held by one process. Threads may use it together."""

    def __init__(self, file: Path, log: Path) -> None:
        """Raises `ShippingFailed` for a file that is no cursor or lies in the log, `LogBusy` where another has it."""
        try:
            self._file = outside(file, log)
        except ExportFailed as error:
            raise ShippingFailed(str(error)) from error
        self._lock = threading.Lock()
        self._held = _hold(file.with_name(f"{file.name}.lock"))
        try:
            self._targets = _read(file)
        except BaseException:
            os.close(self._held)
            raise

    def get(self, url: str) -> Reached | None:
        """Where the target stands; None for a new one."""
        with self._lock:
            return self._targets.get(url)

    def put(self, url: str, reached: Reached) -> None:
        """Move the target on. Returns once that is durable; raises `ShippingFailed`."""
        with self._lock:
            targets = self._targets | {url: reached}
            members = {
                name: {"leaf": each.position.leaf.hex(), "next": each.position.next, "origin": each.origin}
                for name, each in sorted(targets.items())
            }
            text = json.dumps({"format": FORMAT, "targets": members}, indent=1) + "\n"
            try:
                with new_file(self._file, force=True) as stream:
                    stream.write(text.encode())
            except ExportFailed as error:
                raise ShippingFailed(str(error)) from error
            self._targets = targets

    def close(self) -> None:
        os.close(self._held)


def _hold(file: Path) -> int:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ShippingFailed(f"{file}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LogBusy(f"{file}: another process ships with this cursor") from error
    return descriptor


def _read(file: Path) -> dict[str, Reached]:
    try:
        with file.open("rb") as stream:
            value = json.loads(stream.read(_MAX_FILE))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ShippingFailed(f"{file}: not a cursor: {error}") from error
    try:
        _check_format(value["format"])
        return {url: _reached(each) for url, each in value["targets"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ShippingFailed(f"{file}: not a cursor of format {FORMAT}") from error


def _check_format(value: object) -> None:
    if value != FORMAT:
        raise ValueError(value)


def _reached(value: dict[str, object]) -> Reached:
    origin, index, leaf = value["origin"], value["next"], value["leaf"]
    if not isinstance(origin, str) or type(index) is not int or index < 0 or not isinstance(leaf, str):
        raise ValueError(value)
    return Reached(origin, Position(index, bytes.fromhex(leaf)))
