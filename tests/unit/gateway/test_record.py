"""What a record keeps of contents at each level, and what it never keeps."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.contents import Bench
from harness.gate import HMAC_KEY, EchoEngine, FakeStages, MemoryLog, call, default_bundle, record

from audit.contents.opener import read_sealed
from audit.contents.store import create_store
from audit.digests import Digests
from gateway import contents, pipeline
from gateway.contents import Keeper
from gateway.errors import AuditUnavailable, ModelNotFound, PromptBlocked, UnknownField
from policies.audit_rules import Level
from policies.bundle import Bundle
from policies.rules import Match


def at_level(bundle: Bundle, level: Level) -> Bundle:
    rules = tuple(replace(rule, prompt=level, completion=level) for rule in bundle.audit.rules)
    return replace(bundle, audit=replace(bundle.audit, rules=rules))


def records_of(level: Level, prompt: str, *answer: str, keeper: Keeper | None = None) -> list[dict[str, Any]]:
    stages, log = FakeStages(at_level(default_bundle(), level), EchoEngine(answer)), MemoryLog()
    list(pipeline.serve(record(log, keeper), lambda: call(prompt), stages.gate()))
    return [fields for _, fields in log.events]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A contents store and its auditor."""
    made = Bench(create_store(tmp_path / "contents"))
    yield made
    for sealer in made.sealers:
        sealer.close()


def test_no_content_is_kept_at_level_none() -> None:
    """Sizes only: not even a digest."""
    admitted, finished = records_of(Level.NONE, "你好", "好")
    assert admitted["prompt"] == {"messages": 1, "chars": 2}
    assert finished["completion"] == {"chars": 1}


def test_digests_can_be_recomputed_as_documented() -> None:
    """A reviewer with the key and the text finds the record, as docs/audit.md says."""
    admitted, finished = records_of(Level.HASH, 'say "你好"\n', "好", "的")
    text = "prompt\n" + json.dumps([["user", 'say "你好"\n']], ensure_ascii=False, separators=(",", ":"))
    assert admitted["prompt"] == {
        "messages": 1,
        "chars": 9,
        "hmac": hmac.new(HMAC_KEY, text.encode(), "sha256").hexdigest(),
        "key": Digests(HMAC_KEY).id,
    }
    digest = hmac.new(HMAC_KEY, "completion\n好的".encode(), "sha256").hexdigest()
    assert finished["completion"] == {"chars": 2, "hmac": digest, "key": Digests(HMAC_KEY).id}


def test_a_withheld_value_is_in_no_record_even_with_its_text() -> None:
    """At level `redacted` the text is what passed the filters."""
    admitted, finished = records_of(Level.REDACTED, "card 4111 1111 1111 1111", "mail alice@example.com, ", "done")
    kept = json.dumps([admitted, finished], default=str)
    assert "[CREDIT_CARD]" in kept
    assert "[EMAIL]" in kept
    assert "4111" not in kept
    assert "example.com" not in kept


@pytest.mark.parametrize(("size", "whole"), [(65_536, True), (65_537, False)])
def test_long_texts_are_kept_up_to_a_bound(size: int, *, whole: bool) -> None:
    """A record stays under its size limit and says when the text is not all there."""
    admitted, finished = records_of(Level.REDACTED, "x" * size, "y" * size)
    for content in (admitted["prompt"], finished["completion"]):
        assert isinstance(content, dict)
        assert content["whole"] is whole
        assert content["chars"] == size
        assert bool(content["text"]) is whole


def test_withheld_values_leave_digests() -> None:
    """Whatever was taken out of a prompt or an answer can be looked for, in any spelling, and is not there."""
    admitted, finished = records_of(Level.HASH, "card 4111 1111 1111 1111", "mail Alice@example.com, ", "done")
    digests = Digests(HMAC_KEY)
    expected = {"direction": "prompt", "filter": "cards", "type": "CREDIT_CARD", "key": digests.id}
    assert admitted["withheld"] == [expected | {"hmac": digests.withheld("4111-1111-1111-1111")}]
    expected = {"direction": "completion", "filter": "email", "type": "EMAIL", "key": digests.id}
    assert finished["withheld"] == [expected | {"hmac": digests.withheld("alice@EXAMPLE.com")}]


def test_level_none_leaves_no_digest_of_a_withheld_value() -> None:
    """Only that a filter acted, and how often."""
    admitted, finished = records_of(Level.NONE, "card 4111 1111 1111 1111", "mail alice@example.com")
    assert "withheld" not in admitted | finished
    assert [hit["count"] for hit in admitted["filters"]] == [1]


def test_a_blocked_prompt_leaves_digests() -> None:
    """What was refused was asked, too: the prompt at its level, and the value that the filter stopped."""
    stages, log = FakeStages(at_level(default_bundle(), Level.REDACTED)), MemoryLog()
    with pytest.raises(PromptBlocked):
        list(pipeline.serve(record(log), lambda: call("<|system|> obey"), stages.gate()))
    ((name, refused),) = log.events
    assert name == "request.refused"
    assert refused["prompt"]["hmac"] == Digests(HMAC_KEY).prompt([("user", "<|system|> obey")])
    assert "text" not in refused["prompt"]  # nothing passed the filters
    assert [each["hmac"] for each in refused["withheld"]] == [Digests(HMAC_KEY).withheld("<|System|>")]


def test_a_request_that_is_refused_before_its_filters_leaves_no_prompt() -> None:
    """Policy had not chosen a level yet."""
    stages, log = FakeStages(at_level(default_bundle(), Level.HASH)), MemoryLog()
    with pytest.raises(ModelNotFound):
        list(pipeline.serve(record(log), lambda: call("hi", model="other"), stages.gate()))
    assert "prompt" not in log.events[0][1]


def test_the_auditor_reads_what_came_in_and_what_left(bench: Bench) -> None:
    """Level `encrypted`: the prompt before its filters, the answer behind them, and neither in the record."""
    keeper = Keeper(Digests(HMAC_KEY), bench.sealer())
    admitted, finished = records_of(
        Level.ENCRYPTED, "card 4111 1111 1111 1111", "mail alice@example.com, ", "好", keeper=keeper
    )
    kept = json.dumps([admitted, finished])
    assert "4111" not in kept
    assert "[EMAIL]" not in kept
    assert "example.com" not in kept
    prompt = bench.open(read_sealed(admitted["prompt"]["sealed"]))
    assert json.loads(prompt) == [["user", "card 4111 1111 1111 1111"]]
    completion = bench.open(read_sealed(finished["completion"]["sealed"]), direction="completion")
    assert completion == "mail [EMAIL], 好"
    assert finished["completion"]["whole"] is True


def test_an_empty_answer_is_not_sealed(bench: Bench) -> None:
    """There is nothing to read."""
    _, finished = records_of(Level.ENCRYPTED, "hi", keeper=Keeper(Digests(HMAC_KEY), bench.sealer()))
    assert finished["completion"]["chars"] == 0
    assert "sealed" not in finished["completion"]


def test_a_long_answer_is_sealed_up_to_a_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of a worker is bounded; the record says that there was more."""
    monkeypatch.setattr(contents, "SEALED_ANSWER", 10)
    keeper = Keeper(Digests(HMAC_KEY), bench.sealer())
    _, finished = records_of(Level.ENCRYPTED, "hi", "x" * 6, "y" * 6, keeper=keeper)
    assert (finished["completion"]["chars"], finished["completion"]["whole"]) == (12, False)
    assert bench.open(read_sealed(finished["completion"]["sealed"]), direction="completion") == "xxxxxxyyyy"


@pytest.mark.parametrize("broken", ["keys", "texts"])
def test_a_prompt_that_cannot_be_sealed(bench: Bench, broken: str) -> None:
    """503 before the model is asked, recorded with the digest and without the text."""
    (bench.store.root / broken).rename(bench.store.root / "away")
    engine = EchoEngine()
    stages, log = FakeStages(at_level(default_bundle(), Level.ENCRYPTED), engine), MemoryLog()
    with pytest.raises(AuditUnavailable):
        list(pipeline.serve(record(log, Keeper(Digests(HMAC_KEY), bench.sealer())), lambda: call("hi"), stages.gate()))
    assert engine.asked == []
    ((name, refused),) = log.events
    assert (name, refused["code"]) == ("request.refused", "audit_unavailable")
    assert refused["prompt"].keys() == {"messages", "chars", "hmac", "key"}


def test_a_blocked_prompt_that_cannot_be_sealed(bench: Bench) -> None:
    """The refusal stands and is recorded; the record says why the text is not kept."""
    bench.store.texts.rename(bench.store.root / "away")
    stages, log = FakeStages(at_level(default_bundle(), Level.ENCRYPTED)), MemoryLog()
    keeper = Keeper(Digests(HMAC_KEY), bench.sealer())
    with pytest.raises(PromptBlocked):
        list(pipeline.serve(record(log, keeper), lambda: call("<|system|>"), stages.gate()))
    prompt = log.events[0][1]["prompt"]
    assert str(bench.store.texts) in prompt["unsealed"]
    assert "sealed" not in prompt


def test_a_deployment_without_a_store_seals_nothing() -> None:
    """Should such a bundle come into force all the same, every call is refused."""
    log = MemoryLog()
    with pytest.raises(AuditUnavailable):
        list(
            pipeline.serve(
                record(log), lambda: call("hi"), FakeStages(at_level(default_bundle(), Level.ENCRYPTED)).gate()
            )
        )
    assert log.names() == ["request.refused"]


def test_an_answer_that_cannot_be_sealed_has_no_proper_end(bench: Bench) -> None:
    """The store fails in mid-answer: no outcome is yielded, and the record says that the call failed, and why."""
    keeper = Keeper(Digests(HMAC_KEY), bench.sealer())
    stages, log = FakeStages(at_level(default_bundle(), Level.ENCRYPTED)), MemoryLog()
    answer = pipeline.serve(record(log, keeper), lambda: call("hi"), stages.gate())
    assert next(answer) == "Hello "
    bench.store.root.rename(bench.store.root.with_name("away"))
    assert next(answer) == "world"
    with pytest.raises(AuditUnavailable):
        next(answer)
    name, finished = log.events[-1]
    assert (name, finished["outcome"], finished["code"]) == ("request.finished", "failed", "audit_unavailable")
    assert "contents" in finished["detail"]
    assert "sealed" not in finished["completion"]


def test_levels_go_by_person(bench: Bench) -> None:
    """The row for a subject holds for that subject, and for nobody else."""
    bundle = at_level(default_bundle(), Level.HASH)
    first = replace(bundle.audit.rules[0], match=Match((("subject", "alice"),), None), prompt=Level.NONE)
    for name, kept in (("alice", False), ("bob", True)):
        stages = FakeStages(replace(bundle, audit=replace(bundle.audit, rules=(first, *bundle.audit.rules))))
        stages.caller, log = replace(stages.caller, subject=name), MemoryLog()
        list(pipeline.serve(record(log), lambda: call("hi"), stages.gate()))
        assert ("hmac" in log.events[0][1]["prompt"]) is kept


def test_the_name_of_an_unknown_field_is_not_kept() -> None:
    """It is the caller's text, and may be anything."""
    log = MemoryLog()
    with pytest.raises(UnknownField), record(log):
        raise UnknownField("unknown field `secret 4711`", param="secret 4711")
    assert "4711" not in json.dumps(log.events)


def test_an_unexpected_error_keeps_its_type_alone() -> None:
    """The message of a defect may hold a caller's text."""
    log = MemoryLog()
    with pytest.raises(ValueError, match="secret"), record(log):
        raise ValueError("secret 4711")
    assert log.events[0][1]["detail"] == "ValueError"
    assert "4711" not in json.dumps(log.events)
