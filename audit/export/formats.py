"""The export formats by the name that a command line gives them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO

from audit.export.record import Record
from audit.export.sink import Lines, OpenSink, Origin, Sink


def _csv(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export.csv_file import CsvFile

    return CsvFile(stream, origin)


def _csv_excel(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export.csv_file import CsvFile

    return CsvFile(stream, origin, bom=True)


def _parquet(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export.parquet_file import ParquetFile

    return ParquetFile(stream, origin)


def _jsonl(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export import jsonl

    return Lines(stream, lambda record: [jsonl.render(record, verified=origin.verified)])


def _ocsf(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export import ocsf

    return Lines(stream, lambda record: ocsf.render(record, verified=origin.verified))


def _cef(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export import cef

    return Lines(stream, lambda record: [cef.render(record, verified=origin.verified)])


def _otel(stream: BinaryIO, origin: Origin) -> Sink:
    from audit.export.otel import OtelFile

    return OtelFile(stream, origin)


FORMATS: Mapping[str, OpenSink] = MappingProxyType(
    {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "ocsf": _ocsf, "cef": _cef, "otel": _otel}
)
CSV_WITH_BOM: OpenSink = _csv_excel


def message(name: str, record: Record, *, verified: bool) -> list[bytes]:
    """A record as one-line messages of a line format (`jsonl`, `ocsf` or `cef`), for a receiver of single messages."""
    from audit.export import cef, jsonl, ocsf

    if name == "ocsf":
        return ocsf.render(record, verified=verified)
    return [{"jsonl": jsonl.render, "cef": cef.render}[name](record, verified=verified)]
