"""Which texts of a request are kept, and for which record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.gate import HMAC_KEY, default_bundle

from audit.digests import Digests
from audit.errors import ContentsUnavailable
from gateway.contents import Keeper
from gateway.texts import Texts
from model_runtime.engine import Message
from policies.audit_rules import Level

ASKED = (Message("user", "card 4111 1111 1111 1111"),)
SCREENED = (Message("user", "card [CREDIT_CARD]"),)


def _texts(prompt: Level, completion: Level) -> Texts:
    rule = replace(default_bundle().audit.rules[0], prompt=prompt, completion=completion)
    return Texts(Keeper(Digests(HMAC_KEY)), rule, "alice", "req_1")


def test_directions_have_levels_of_their_own() -> None:
    """A value in a prompt that is not kept leaves no digest, one in an answer that is kept does."""
    texts = _texts(Level.NONE, Level.HASH)
    assert texts.noting("prompt") is None
    note = texts.noting("completion")
    assert note is not None
    note("cards", "CREDIT_CARD", "4111 1111 1111 1111")
    texts.answered("好")
    fields, failure = texts.finished()
    assert failure is None
    assert fields["completion"]["hmac"]
    assert [each["direction"] for each in fields["withheld"]] == ["completion"]
    assert texts.admitted(ASKED, SCREENED)["prompt"] == {"messages": 1, "chars": 24}


def test_only_what_passed_the_filters_is_readable() -> None:
    """Of an admitted prompt the redacted text, of a refused one none, digests of both."""
    texts = _texts(Level.REDACTED, Level.HASH)
    admitted = texts.admitted(ASKED, SCREENED)["prompt"]
    assert admitted["text"] == [["user", "card [CREDIT_CARD]"]]
    refused = texts.refused(ASKED, seal=True)["prompt"]
    assert refused == {name: admitted[name] for name in ("messages", "chars", "hmac", "key")}


def test_an_answer_that_could_not_be_sealed_stops_the_call() -> None:
    """It is known before the model is asked; where only the prompt is kept in the clear, nothing stands in the way."""
    with pytest.raises(ContentsUnavailable):
        _texts(Level.HASH, Level.ENCRYPTED).admitted(ASKED, SCREENED)
    assert _texts(Level.HASH, Level.HASH).admitted(ASKED, SCREENED)["prompt"]["hmac"]


def test_a_refusal_is_recorded_where_nothing_can_be_sealed() -> None:
    """With the reason where it was tried, without a second try where the store has just failed."""
    assert "unsealed" in _texts(Level.ENCRYPTED, Level.HASH).refused(ASKED, seal=True)["prompt"]
    assert "unsealed" not in _texts(Level.ENCRYPTED, Level.HASH).refused(ASKED, seal=False)["prompt"]
