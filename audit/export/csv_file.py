"""CSV as RFC 4180 has it: CRLF, quotes where needed, one header row; safe to open in a spreadsheet.

A cell that a spreadsheet could take for a formula starts with an apostrophe
(https://owasp.org/www-community/attacks/CSV_Injection). The column `record` holds the record as it was.
"""

import csv
import io
from typing import BinaryIO

from audit.export.columns import COLUMNS
from audit.export.record import Record
from audit.export.sink import Origin

BOM = "\ufeff"
_FORMULA = tuple("=+-@＝＋－＠")  # the wide forms are read as the others in East Asian locales


class CsvFile:
    """A sink. `bom` helps Excel to see UTF-8, which Chinese text needs there."""

    def __init__(self, stream: BinaryIO, origin: Origin, *, bom: bool = False) -> None:
        self._stream = stream
        self._verified = "true" if origin.verified else "false"
        self._row = io.StringIO(newline="")
        self._writer = csv.writer(self._row, lineterminator="\r\n")
        if bom:
            self._row.write(BOM)
        self._write([column.name for column in COLUMNS] + ["verified"])

    def add(self, record: Record) -> None:
        cells = [record.time if column.kind == "time" else cell(column.read(record)) for column in COLUMNS]
        self._write([*cells, self._verified])

    def finish(self) -> None:
        return

    def _write(self, cells: list[str]) -> None:
        self._writer.writerow(cells)
        self._stream.write(self._row.getvalue().encode())
        self._row.seek(0)
        self._row.truncate()


def cell(value: str | int | tuple[str, ...] | None) -> str:
    """A value as text that no spreadsheet evaluates. Several texts are separated by `; `."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else "; ".join(value)
    return f"'{text}" if _visible_start(text).startswith(_FORMULA) or text.startswith(("\t", "\r", "\n")) else text


def _visible_start(text: str) -> str:
    """The first character that shows; some programs drop spaces, controls and marks of no width before it."""
    return next((c for c in text if c.isprintable() and not c.isspace()), "")
