"""What a witness must never forget: for each log the newest checkpoint that it cosigned. One file for each log.

A folder holds `witness.vkey`, the witness's name and key, made once by `witness keygen`; without it no witness starts,
so that a lost folder is noticed and not begun anew: a witness without memory would cosign any history.
"""

import hashlib
from pathlib import Path

from audit.anchors.durable import replace_file
from audit.cosignature import MAX_NOTE, SignedNote, WitnessKey, cosignature_times, parse_signed_note, parse_witness_key
from audit.errors import KeyUnusable, NotCanonical, UnreadableLog

IDENTITY, LOCK = "witness.vkey", "witness.lock"


class WitnessState:
    """The folder of one witness. Hold its lock (`audit.anchors.durable.locked`) while it is in use."""

    __slots__ = ("directory", "key")

    def __init__(self, directory: Path) -> None:
        """Raise `KeyUnusable` where no witness was made in this folder."""
        self.directory = directory
        try:
            self.key = parse_witness_key((directory / IDENTITY).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise KeyUnusable(
                f"{directory}: not the memory of a witness (`audit witness keygen` makes one): {error}"
            ) from error

    def latest(self, origin: str) -> str | None:
        """The newest note that was cosigned for this log, cosignature and all.

        Raises `UnreadableLog` where there is one that this witness did not cosign: then it may cosign nothing more.
        """
        file = self._file(origin)
        try:
            with file.open("rb") as stream:
                note = stream.read(MAX_NOTE).decode()
            _check(parse_signed_note(note), origin, self.key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, NotCanonical) as error:
            raise UnreadableLog(f"{file}: {error}") from error
        return note

    def time(self, origin: str) -> int:
        """When the newest note was cosigned, in seconds since 1970; 0 where there is none. Raises `UnreadableLog`."""
        note = self.latest(origin)
        return cosignature_times(parse_signed_note(note), [self.key])[self.key.vkey] if note else 0

    def keep(self, origin: str, note: str) -> None:
        """Return when the note is on disk in the place of the one before. Raises `OSError`."""
        replace_file(self._file(origin), note.encode())

    def keep_fork(self, origin: str, note: str) -> None:
        """Keep the first note that the log's key signed against the one cosigned: evidence. Raises `OSError`."""
        file = self._file(origin, "fork")
        if not file.exists():
            replace_file(file, note.encode())

    def _file(self, origin: str, kind: str = "note") -> Path:
        return self.directory / f"{hashlib.sha256(origin.encode()).hexdigest()}.{kind}"


def create_state(directory: Path, key: WitnessKey) -> None:
    """Make the folder of a new witness. Raises `KeyUnusable` where there is one already."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (directory / IDENTITY).open("x", encoding="utf-8") as stream:
            stream.write(f"{key.vkey}\n")
    except OSError as error:
        raise KeyUnusable(f"{directory}: cannot be made the memory of a witness: {error}") from error


def _check(note: SignedNote, origin: str, key: WitnessKey) -> None:
    if not note.text.startswith(f"{origin}\n") or key.vkey not in cosignature_times(note, [key]):
        raise NotCanonical("not a checkpoint that this witness cosigned")
