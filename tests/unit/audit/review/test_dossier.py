"""A dossier holds what the log proves about a request, and says so where the log proves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.gate import default_bundle
from harness.records import ADMITTED, FINISHED, UNKNOWN_CALLER

from audit.errors import ReviewFailed
from audit.review.dossier import Dossier, gather
from audit.review.index import open_index
from audit.review.telling import as_json, as_text
from gateway.inventory import record_policy

BUNDLE = default_bundle()
RULE = next(
    f"policy.csv:{number}:1"
    for number, row in enumerate(BUNDLE.files["policy.csv"].decode().splitlines(), 1)
    if row.startswith("p,")
)
ASKED: dict[str, Any] = {
    **ADMITTED,
    "bundle": BUNDLE.digest,
    "decision": {"effect": "allow", "reason": "matched-rule", "rule": RULE},
    "prompt": {"chars": 4, "text": [["user", "医保\x1b[31m报销"]]},
}


def policy_records() -> list[dict[str, Any]]:
    """What a worker writes of its policy, by the code that writes it."""
    records: list[dict[str, Any]] = []
    record_policy(lambda event, **fields: records.append({"event": event, **fields}), BUNDLE)
    return records


@pytest.fixture
def log(write: Callable[..., Path]) -> Path:
    """Two workers that start under one policy, a request with an end, one without a token, one without an end."""
    started = {"event": "gateway.started", "version": "0", "schema": 1, "bundle": BUNDLE.digest}
    records = [*policy_records(), *policy_records(), started, ASKED]
    end = {**FINISHED, "admitted": 2 * len(records)}
    return write(*records, end, UNKNOWN_CALLER, {**ASKED, "request_id": "req-9"})


@pytest.fixture
def dossier(log: Path, private: Ed25519PrivateKey) -> Callable[..., Dossier]:
    """The dossier on what is wanted, under the log's key unless another is given."""

    def gathered(wanted: int | str, key: Ed25519PrivateKey = private) -> Dossier:
        with open_index(log, notice=print) as index:
            return gather(index, log, key.public_key(), None, wanted)

    return gathered


def test_a_request_with_its_rule_and_its_proof(dossier: Callable[..., Dossier]) -> None:
    """Both records, the text of the rule as it was, and the checkpoint that covers all of it."""
    found = dossier("req-1")
    told = as_json(found, [])
    assert found.problem is None
    assert [line.body["event"] for _, line in found.lines] == ["request.admitted", "request.finished"]
    text = BUNDLE.files["policy.csv"].decode().splitlines()[int(RULE.split(":")[1]) - 1]
    rule = {"request_id": "req-1", "complete": True, "bundle": BUNDLE.digest, "rule": RULE, "text": text}
    assert told["rules"] == [rule]
    assert told["proved"] is True
    assert text in as_text(found, [])
    assert "PROVED under the checkpoint of " in as_text(found, [])


def test_either_record_leads_to_both(dossier: Callable[..., Dossier]) -> None:
    """Whoever holds the receipt of the beginning or the index of the end finds the same."""
    whole = dossier("req-1")
    first, last = (index for index, _ in whole.lines)
    assert dossier(first).lines == dossier(last).lines == whole.lines


def test_a_request_that_was_refused_early(dossier: Callable[..., Dossier]) -> None:
    """It has one record and no rule."""
    found = dossier("req-2")
    assert len(found.lines) == 1
    assert "rule " not in as_text(found, [])


def test_a_request_without_an_end_says_so(dossier: Callable[..., Dossier]) -> None:
    """A worker that was killed leaves no end: the reader is told, and not that all is well."""
    text = as_text(dossier("req-9"), [])
    assert "end            of request req-9: none is recorded" in text
    assert "of request req-1" not in as_text(dossier("req-1"), [])


def test_a_line_that_is_no_record(dossier: Callable[..., Dossier]) -> None:
    """The first line of the log can be shown and proved like any other."""
    found = dossier(0)
    assert [line.kind for _, line in found.lines] == ["hdr"]
    assert found.problem is None


@pytest.mark.parametrize(
    ("wanted", "said"), [("req-unknown", "no record of a request"), (10**6, "line 1000000 is not under")]
)
def test_nothing_there(dossier: Callable[..., Dossier], wanted: int | str, said: str) -> None:
    """What the log does not have is refused by name."""
    with pytest.raises(ReviewFailed, match=said):
        dossier(wanted)


def test_the_wrong_key(dossier: Callable[..., Dossier]) -> None:
    """Under another key the records are shown, and nothing is called proved."""
    found = dossier("req-1", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    assert found.finding is None
    assert len(found.lines) == 2
    assert as_json(found, [])["proved"] is False
    assert "NOT PROVED: " in as_text(found, [])


def test_a_record_that_was_altered_after_it_was_indexed(dossier: Callable[..., Dossier], log: Path) -> None:
    """The index still has the old words; what is shown is what stands in the log, and it is not called proved."""
    dossier("req-1")
    segment = log / "000000000000.log"
    segment.write_bytes(segment.read_bytes().replace("李雷".encode(), "韩梅".encode()))
    found = dossier("req-1")
    assert found.problem is not None
    assert "altered" in found.problem
    assert {line.body["subject"] for _, line in found.lines} == {"韩梅"}
    assert "\nPROVED" not in as_text(found, [])


def test_terminal_escapes_in_a_prompt(dossier: Callable[..., Dossier]) -> None:
    """What a caller wrote cannot move the cursor or change a colour."""
    text = as_text(dossier("req-1"), [])
    assert "\x1b" not in text
    assert "医保\N{REPLACEMENT CHARACTER}[31m报销" in text


def test_policy_text_that_is_gone(write: Callable[..., Path], private: Ed25519PrivateKey) -> None:
    """Without its text in the log a rule is named, and the reader is told that its text is not there."""
    log = write(ASKED, {**FINISHED, "admitted": 2})
    with open_index(log, notice=print) as index:
        text = as_text(gather(index, log, private.public_key(), None, "req-1"), [])
    assert "its text does not stand in the log" in text
    assert "PROVED under" in text
