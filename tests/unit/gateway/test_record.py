"""What a record keeps of contents at each level, and what it never keeps."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace

import pytest
from harness.gate import HMAC_KEY, EchoEngine, FakeStages, MemoryLog, call, default_bundle, record

from gateway import pipeline
from gateway.errors import UnknownField
from policies.audit_rules import Level
from policies.bundle import Bundle


def at_level(bundle: Bundle, level: Level) -> Bundle:
    rules = tuple(replace(rule, prompt=level, completion=level) for rule in bundle.audit.rules)
    return replace(bundle, audit=replace(bundle.audit, rules=rules))


def records_of(level: Level, prompt: str, *answer: str) -> list[dict[str, object]]:
    stages, log = FakeStages(at_level(default_bundle(), level), EchoEngine(answer)), MemoryLog()
    list(pipeline.serve(record(log), lambda: call(prompt), stages.gate()))
    return [fields for _, fields in log.events]


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
    }
    digest = hmac.new(HMAC_KEY, "completion\n好的".encode(), "sha256").hexdigest()
    assert finished["completion"] == {"chars": 2, "hmac": digest}


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
