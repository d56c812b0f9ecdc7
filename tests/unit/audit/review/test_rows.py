"""A record becomes rows by what docs/events.md says; a stranger's record breaks nothing."""

from typing import Any

import pytest
from harness.records import ADMITTED, FINISHED, FLOOD, FOREIGN, SAMPLES, TOKEN, record

from audit.export.record import Record
from audit.review.rows import details, digest, ending, opening
from audit.review.schema import COLUMNS, ENDING

BEGINNING = COLUMNS[: -len(ENDING)]


def begun(fields: dict[str, Any]) -> dict[str, object]:
    return dict(zip(BEGINNING, opening(record(fields)), strict=True))


def test_every_record_fits_the_tables() -> None:
    """Whatever the event, there is a value for each column."""
    for fields in SAMPLES:
        assert len(opening(record(fields)) + ending(record(fields), None)) == len(COLUMNS)


def test_columns() -> None:
    """Time in microseconds, decision taken apart, who signs in as the client."""
    row = begun(ADMITTED)
    assert (row["time"], row["effect"], row["rule"]) == (1_795_420_800_001_000, "allow", "policy.csv:5:1")
    assert begun(TOKEN)["client"] == "ward-app"
    assert (begun(FLOOD)["count"], begun(ADMITTED)["count"]) == (70, 1)


def test_the_end_of_a_request() -> None:
    """Outcome, reason and tokens, in the order of the table."""
    assert dict(zip(ENDING, ending(record(FINISHED), 7), strict=True)) == {
        "finished": 7,
        "code": None,
        "outcome": "completed",
        "finish_reason": "stop",
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "duration_ms": 250,
    }


def test_details() -> None:
    """Roles, filters, digests and texts, prompt and answer apart."""
    assert list(details(9, ADMITTED)) == [
        ("role", (9, "user")),
        ("role", (9, "护士")),
        ("filter", (9, "prompt", "pii", "cn_id", "redact", 2)),
        ("digest", (9, "prompt", b"\xaa" * 16)),
        ("text", (18, " 医保 保报 报销 销 ")),
    ]
    assert list(details(9, FINISHED)) == [
        ("digest", (9, "completion", b"\xbb" * 16)),
        ("text", (19, " 可以 以 ")),
    ]


def test_the_parts_of_a_policy() -> None:
    """Where to find the text of a rule."""
    part = {"event": "policy.file", "bundle": "b", "path": "policy.csv", "part": 2, "parts": 3, "text": "p, ..."}
    assert list(details(9, part)) == [("policy", ("b", "policy.csv", 2, 9))]


@pytest.mark.parametrize(
    "fields",
    [
        FOREIGN,
        {"event": ["request.admitted"], "decision": "allow", "usage": 3, "status": 10**30, "count": True},
        {
            "prompt": {"text": [["user"], 7, ["user", {"a": 1}]], "hmac": 5},
            "completion": {"text": 3, "hmac": "zz" * 32},
        },
        {"withheld": [1, {}, {"hmac": "aa"}], "roles": [1, None], "filters": [{"filter": 1}, 5]},
    ],
)
def test_a_record_of_other_types(fields: dict[str, Any]) -> None:
    """What is not of the documented type is left out; all that is left can be stored."""
    strange = Record("host-a/hangu", 1, "2026-11-23T08:00:00.000000Z", b"", fields)
    found = opening(strange) + ending(strange, None)
    assert all(value is None or isinstance(value, str) or abs(value) < 2**53 for value in found)
    rows = [row for row in details(1, fields) if row[0] != "text"]
    assert rows in ([], [("filter", (1, None, "x", None, None, 1))])


def test_digests() -> None:
    """Only whole digests in hex are."""
    assert digest("ab" * 32) == b"\xab" * 16
    assert digest("ab" * 31) is digest("zz" * 32) is digest(None) is None
