"""Parquet: typed, with one schema for every log, and in row groups."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from harness.records import ADMITTED, FINISHED, ORIGIN, SAMPLES, record

from audit.export import parquet_file
from audit.export.columns import COLUMNS
from audit.export.parquet_file import ParquetFile
from audit.export.sink import Origin

parquet: Any = pytest.importorskip("pyarrow.parquet", reason="extra `review`")


def written(fields: tuple[dict[str, Any], ...], *, verified: bool = True) -> Any:
    """The file that these records make, opened."""
    stream = io.BytesIO()
    sink = ParquetFile(stream, Origin(ORIGIN, verified, {"hangu.checkpoint": "c"}))
    for index, each in enumerate(fields):
        sink.add(record(each, index))
    sink.finish()
    return parquet.ParquetFile(io.BytesIO(stream.getvalue()))


def test_typed_values() -> None:
    """Times are instants in UTC, numbers are numbers, lists are lists, and what is missing is null."""
    first, second = written((ADMITTED, FINISHED)).read().to_pylist()
    assert first["time"] == datetime(2026, 11, 23, 8, 0, 0, 1000, UTC)
    assert (first["origin"], first["index"], first["subject"]) == (ORIGIN, 0, "李雷")
    assert first["roles"] == ["user", "护士"]
    assert first["prompt_tokens"] is None
    assert (second["prompt_tokens"], second["completion_tokens"]) == (12, 34)
    assert second["record"] == record(FINISHED).body.decode()


def test_schema_does_not_depend_on_the_records() -> None:
    """An empty export, and one of every sort of record, have the same columns of the same types."""
    empty, full = written(()), written(SAMPLES)
    assert empty.schema_arrow.equals(full.schema_arrow, check_metadata=True)
    assert full.schema_arrow.names == [*(column.name for column in COLUMNS), "verified"]
    assert full.metadata.num_rows == len(SAMPLES)
    assert full.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("verified", [True, False])
def test_metadata_says_whether_it_is_verified(verified: bool) -> None:
    """The file itself says which log it is of, and whether its rows were verified."""
    file = written((ADMITTED,), verified=verified)
    notes = file.schema_arrow.metadata
    assert notes[b"hangu.origin"] == ORIGIN.encode()
    assert notes[b"hangu.verified"] == (b"true" if verified else b"false")
    assert notes[b"hangu.checkpoint"] == b"c"
    assert file.read().column("verified").to_pylist() == [verified]


def test_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows leave memory in groups; none is lost or moved between them."""
    monkeypatch.setattr(parquet_file, "_GROUP_ROWS", 3)
    file = written(SAMPLES)
    assert file.num_row_groups == -(-len(SAMPLES) // 3)
    assert file.read().column("index").to_pylist() == list(range(len(SAMPLES)))
