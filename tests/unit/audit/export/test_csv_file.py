"""CSV: RFC 4180, the same columns always, nothing that a spreadsheet would run."""

import csv
import io
from typing import Any

import pytest
from harness.records import ADMITTED, DENIED, FOREIGN, ORIGIN, SAMPLES, record

from audit.export.csv_file import CsvFile, cell
from audit.export.sink import Origin


def written(*fields: dict[str, Any], bom: bool = False, verified: bool = True) -> bytes:
    """The file that these records make."""
    stream = io.BytesIO()
    sink = CsvFile(stream, Origin(ORIGIN, verified), bom=bom)
    for index, each in enumerate(fields):
        sink.add(record(each, index))
    sink.finish()
    return stream.getvalue()


def rows(raw: bytes) -> list[dict[str, str]]:
    """The rows as a reader sees them."""
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_values_come_back() -> None:
    """A reader gets what the record holds, Chinese text too, under the names of the columns."""
    row = rows(written(ADMITTED))[0]
    assert (row["origin"], row["index"], row["time"]) == (ORIGIN, "0", "2026-11-23T08:00:00.001000Z")
    assert (row["subject"], row["roles"]) == ("李雷", "user; 护士")
    assert (row["effect"], row["rule"]) == ("allow", "policy.csv:5:1")
    assert row["filters"] == "prompt pii/cn_id redact 2"
    assert row["record"] == record(ADMITTED).body.decode()
    assert row["verified"] == "true"


def test_one_shape() -> None:
    """Every row has every column, whatever the record holds, and unverified rows say so."""
    found = rows(written(*SAMPLES, verified=False))
    assert len(found) == len(SAMPLES)
    assert {len(row) for row in found} == {len(found[0])}
    assert {row["verified"] for row in found} == {"false"}
    assert None not in found[-1]
    assert found[SAMPLES.index(FOREIGN)]["subject"] == ""


def test_line_ends_and_quotes() -> None:
    """Rows end in CRLF; line ends, commas and quotes inside a cell are quoted (RFC 4180 section 2)."""
    raw = written(DENIED)
    assert raw.endswith(b"\r\n")
    assert raw.split(b"\r\n")[0].startswith(b"origin,index,time,event,request_id,subject,")
    assert rows(raw)[0]["detail"] == DENIED["detail"]


def test_byte_order_mark() -> None:
    """Excel gets its byte order mark where it was asked for, and nobody else."""
    assert written(bom=True).startswith(b"\xef\xbb\xbforigin,")
    assert written().startswith(b"origin,")


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\xa0=1",
        "\u200b=1",
        "\ufeff=1",
        "\x00=1",
        "\u202e \x07+1",
    ],
)
def test_formula_injection(text: str) -> None:
    """A text that a spreadsheet would evaluate is neutralised, in its own cell and in a list."""
    assert cell(text) == f"'{text}"
    assert cell((text, "b")) == f"'{text}; b"
    row = rows(written({"event": "request.refused", "subject": text}))[0]
    assert row["subject"] == f"'{text}"


@pytest.mark.parametrize("text", ["a=b", "李雷", "1-2", "", "user@example.com", "'x"])
def test_harmless_text_is_not_touched(text: str) -> None:
    """The twin: what is no formula stays as it is."""
    assert cell(text) == text


def test_numbers_are_not_texts() -> None:
    """A negative number is a number."""
    assert cell(-1) == "-1"
    assert cell(None) == ""
