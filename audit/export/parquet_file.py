"""Parquet with one typed schema, zstd, and a row group every few thousand rows. Needs pyarrow (extra `review`)."""

from typing import TYPE_CHECKING, Any, BinaryIO

from audit.errors import ExportFailed
from audit.export.columns import COLUMNS, Column
from audit.export.record import Record
from audit.export.sink import Origin

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = "1"
_GROUP_ROWS = 20_000
_GROUP_BYTES = 32 << 20


class ParquetFile:
    """A sink. One row group is held in memory: at most 20,000 records or 32 MiB of them."""

    def __init__(self, stream: BinaryIO, origin: Origin) -> None:
        self._arrow, parquet = _pyarrow()
        self._schema = _schema(self._arrow, origin)
        self._verified = origin.verified
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[Record] = []
        self._bytes = 0

    def add(self, record: Record) -> None:
        self._rows.append(record)
        self._bytes += len(record.body)
        if len(self._rows) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        values: list[list[Any]] = [[_cell(column, record) for record in self._rows] for column in COLUMNS]
        values.append([self._verified] * len(self._rows))
        arrays = [self._arrow.array(v, type=f.type) for v, f in zip(values, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._bytes = [], 0


def _cell(column: Column, record: Record) -> object:
    value = column.read(record)
    return list(value) if isinstance(value, tuple) else value


def _schema(arrow: Any, origin: Origin) -> "pa.Schema":
    types = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "time": arrow.timestamp("us", tz="UTC"),
        "texts": arrow.list_(arrow.string()),
    }
    fields = [arrow.field(column.name, types[column.kind]) for column in COLUMNS]
    notes = {
        "hangu.schema": SCHEMA_VERSION,
        "hangu.origin": origin.name,
        "hangu.verified": "true" if origin.verified else "false",
        **origin.notes,
    }
    return arrow.schema([*fields, arrow.field("verified", arrow.bool_())], metadata=notes)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ExportFailed("Parquet needs pyarrow: pip install 'hangu[review]'") from error
    return pa, parquet
