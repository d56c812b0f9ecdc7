"""audit/contents/reveal.py: from a record to its texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from harness.contents import ORIGIN, Bench

from audit.contents.opener import Opener
from audit.contents.reveal import origin_of, records_with, reveal
from audit.contents.sealer import Sealed
from audit.digests import Digests, prompt_bytes
from audit.errors import Tampered, UnreadableLog
from audit.journal import Journal

DIGESTS = Digests(b"k" * 32)
MESSAGES = [("system", "简短"), ("user", "医保?")]
START_NS = 1_795_420_800_000_000_000


@pytest.fixture
def opener(bench: Bench) -> Opener:
    """The auditor's."""
    return Opener(bench.store, bench.auditor, ORIGIN)


@pytest.fixture
def record(seal: Callable[..., Sealed]) -> dict[str, Any]:
    """A record with a sealed prompt, as the gateway writes it."""
    sealed = seal(prompt_bytes(MESSAGES).decode()).fields()
    prompt = {"hmac": DIGESTS.prompt(MESSAGES), "key": DIGESTS.id, "sealed": sealed}
    return {"event": "request.admitted", "request_id": "req_1", "subject": "alice", "prompt": prompt}


def test_a_prompt_is_shown_and_checked(opener: Opener, record: dict[str, Any]) -> None:
    """Its messages, and that they are those whose digest was recorded."""
    (found,) = reveal(7, record, opener, (Digests(b"j" * 32), DIGESTS))
    assert (found.index, found.request, found.subject, found.direction) == (7, "req_1", "alice", "prompt")
    assert (found.messages(), found.digest, found.problem) == (MESSAGES, "matches", None)


def test_a_digest_is_checked_with_its_own_key_alone(opener: Opener, record: dict[str, Any]) -> None:
    """Without the key it is not checked; a record whose digest is another's says so."""
    assert reveal(7, record, opener, ())[0].digest == "not checked"
    assert reveal(7, record, opener, (Digests(b"j" * 32),))[0].digest == "not checked"
    record["prompt"]["hmac"] = DIGESTS.prompt([("user", "other")])
    assert reveal(7, record, opener, (DIGESTS,))[0].digest == "differs"


def test_the_beginning_of_an_answer_is_not_checked(opener: Opener, seal: Callable[..., Sealed]) -> None:
    """The digest is over all of it."""
    sealed = seal("好", direction="completion").fields()
    completion = {"hmac": "x", "key": DIGESTS.id, "whole": False, "sealed": sealed}
    (found,) = reveal(7, {"request_id": "req_1", "subject": "alice", "completion": completion}, opener, (DIGESTS,))
    assert (found.digest, found.whole, found.messages()) == ("not checked", False, [("assistant", "好")])


@pytest.mark.parametrize("edit", [{"subject": "bob"}, {"request_id": "req_2"}, {"subject": None}, {"subject": 1}])
def test_a_record_of_another_person_or_request(opener: Opener, record: dict[str, Any], edit: dict[str, Any]) -> None:
    """Its place does not fit the text: said, with no text shown."""
    (found,) = reveal(7, record | edit, opener, (DIGESTS,))
    assert (found.text, found.messages(), found.digest) == (None, [], "not checked")
    assert found.problem


@pytest.mark.parametrize("prompt", [{}, {"sealed": 1}, {"sealed": {}}, 7, None])
def test_a_record_without_a_sealed_text(opener: Opener, prompt: object) -> None:
    """Nothing to show, or a problem: never a stack trace."""
    found = reveal(7, {"request_id": "r", "subject": "s", "prompt": prompt}, opener, ())
    assert all(each.problem == "the record's `sealed` is not understood" for each in found)


def test_records_are_found_by_index_and_by_request(tmp_path: Path, open_journal: Callable[..., Journal]) -> None:
    """All of a request, and not those that merely quote its id; an index of another kind of line is no record."""
    journal = open_journal()
    bodies = [
        {"event": "request.admitted", "request_id": "req_1"},
        {"event": "x", "filters": {"request_id": "req_1"}, "request_id": "req_2"},
        {"event": "request.finished", "request_id": "req_1"},
    ]
    journal.append([orjson.dumps(body, option=orjson.OPT_SORT_KEYS) for body in bodies], START_NS + 1)
    journal.close(START_NS + 2)
    assert origin_of(tmp_path / "log") == ORIGIN
    assert [index for index, _ in records_with(tmp_path / "log", "req_1")] == [2, 4]
    assert list(records_with(tmp_path / "log", 4)) == [(4, bodies[2])]
    for other in (0, 5, 1000, "req_3"):
        assert list(records_with(tmp_path / "log", other)) == []


def test_a_folder_without_a_log(tmp_path: Path) -> None:
    """There is no origin to bind texts to."""
    with pytest.raises(UnreadableLog):
        origin_of(tmp_path)


@pytest.mark.parametrize("body", ["[1]", "nojson", '{"origin":"o"}', '["request_id",{"request_id":"req_1"}]'])
def test_a_forged_log(tmp_path: Path, body: str) -> None:
    """A first line that is no header and a record that is none are said, not stumbled over."""
    time = "2026-11-23T08:00:00.000000Z"
    lines = [f'{{"i":{i},"k":"{kind}","r":{body},"t":"{time}"}}\n' for i, kind in enumerate(("hdr", "rec"))]
    (tmp_path / "000000000000.log").write_text("".join(lines))
    with pytest.raises(Tampered):
        origin_of(tmp_path)
    if body != '{"origin":"o"}':
        with pytest.raises(Tampered, match="holds no record"):
            list(records_with(tmp_path, 1))
    if "req_1" in body:
        with pytest.raises(Tampered, match="holds no record"):
            list(records_with(tmp_path, "req_1"))


@pytest.mark.parametrize("text", ["7", "[1]", '["abc"]', "{", "医保"])
def test_a_prompt_that_no_gateway_sealed(opener: Opener, seal: Callable[..., Sealed], text: str) -> None:
    """Whoever has the auditor's public key can seal anything: it is shown as it is."""
    record = {"request_id": "req_1", "subject": "alice", "prompt": {"sealed": seal(text).fields()}}
    assert reveal(7, record, opener, ())[0].messages() == [("?", text)]
