"""Files of checkpoint notes that were kept elsewhere, with all their signature lines: a pack passes these on."""

import re
from pathlib import Path

from audit.checkpoint import parse_note
from audit.errors import NotCanonical, UnreadableLog

_MAX_FILE = 64 << 20
_NOTE = re.compile(r"\n*([^\n]+\n(?:[^\n]+\n)+\n(?:— [^\n]*\n)+)")


def read_notes(file: Path) -> list[str]:
    """The notes in a file of one or more, in its order, nothing verified.

    Raises `UnreadableLog` where the file cannot be read or holds anything else.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_FILE + 1).decode()
    except (OSError, ValueError) as error:
        raise UnreadableLog(f"{file}: {error}") from error
    notes = [match[1] for match in _NOTE.finditer(text)]
    if not notes or len(text) > _MAX_FILE or _NOTE.sub("", text).strip("\n"):
        raise UnreadableLog(f"{file}: not a file of checkpoint notes")
    for note in notes:
        try:
            parse_note(note)
        except NotCanonical as error:
            raise UnreadableLog(f"{file}: {error}") from error
    return notes
