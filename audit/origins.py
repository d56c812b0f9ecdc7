"""The signed list of origins: which logs belong together, so that the log of a whole host cannot go missing unseen.

The list is a C2SP signed note (https://c2sp.org/signed-note) under a key of its own, kept off every logging host.
Its text:

    hangu-origins/1
    <serial: 1 for the first list, one more for each later one>
    <date of issue, YYYY-MM-DD>
    <verifier key of a log>
    …

in the order of the origins, which differ. An origin stays on the list for as long as its log must be kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from audit.checkpoint import LogKey, Signer, parse_vkey
from audit.errors import KeyUnusable, NotCanonical

FORMAT = "hangu-origins/1"
_MAX_FILE = 1 << 20
_NOTE = re.compile(r"((?:[^\n]+\n)+)\n— ([^ \n]+) ([A-Za-z0-9+/=]+)\n")
_SERIAL = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class OriginList:
    """The logs of one installation as they stood when the list was issued."""

    serial: int
    issued: date
    keys: tuple[LogKey, ...]

    @property
    def origins(self) -> Mapping[str, LogKey]:
        return {key.origin: key for key in self.keys}

    def text(self) -> str:
        """The signed text."""
        rows = [FORMAT, str(self.serial), self.issued.isoformat(), *(key.vkey for key in self.keys)]
        return "\n".join(rows) + "\n"


def make_list(serial: int, issued: date, keys: Iterable[LogKey]) -> OriginList:
    """The list of these logs. Raises `NotCanonical` for none, for two with one origin, and for a serial below 1."""
    ordered = tuple(sorted(keys, key=lambda key: key.origin))
    if not ordered:
        raise NotCanonical("a list of origins names at least one log")
    for one, other in pairwise(ordered):
        if one.origin == other.origin:
            raise NotCanonical(f"two keys for the origin `{one.origin}`: list the key that its log started with")
    if not _SERIAL.fullmatch(str(serial)):
        raise NotCanonical("the serial of a list of origins is 1 to 999999999")
    return OriginList(serial, issued, ordered)


def sign_list(origins: OriginList, signer: Signer) -> str:
    """The signed note of a list."""
    text = origins.text()
    return f"{text}\n— {signer.key.origin} {signer.signature(text)}\n"


def parse_list(note: str, signer: LogKey) -> OriginList:
    """The list in a note that `signer` signed. Raises `NotCanonical` for any other text."""
    match = _NOTE.fullmatch(note)
    if match is None or match[2] != signer.origin or not signer.signed(match[1], match[3]):
        raise NotCanonical(f"not a list of origins signed by `{signer.origin}`")
    try:
        name, serial, issued, *rows = match[1].split("\n")[:-1]
        parsed = make_list(int(serial), date.fromisoformat(issued), [parse_vkey(row) for row in rows])
    except (ValueError, KeyUnusable) as error:
        raise NotCanonical(f"list of origins: {error}") from error
    if name != FORMAT or parsed.text() != match[1]:
        raise NotCanonical("list of origins: not in its one form")
    return parsed


def read_list(file: Path, signer: LogKey) -> OriginList:
    """The list in a file. Raises `NotCanonical`, also where the file cannot be read."""
    try:
        with file.open("rb") as stream:
            note = stream.read(_MAX_FILE).decode()
    except (OSError, ValueError) as error:
        raise NotCanonical(f"{file}: {error}") from error
    return parse_list(note, signer)
