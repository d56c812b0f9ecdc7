"""What is kept of texts, apart from the record around it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from harness.gate import HMAC_KEY

from audit.contents import auditor
from audit.digests import Digests
from audit.errors import ContentsUnavailable
from gateway.contents import MAX_WITHHELD, Keeper, Withheld, open_keeper
from gateway.settings_audit import AuditSettings, ContentSettings
from policies.audit_rules import Level


def test_one_value_is_listed_once() -> None:
    """However often and in whatever spelling it came; in another direction it is another entry."""
    withheld = Withheld(Digests(HMAC_KEY))
    for direction, value in (("prompt", "4111 1111"), ("prompt", "4111-1111"), ("completion", "41111111")):
        withheld.noting("prompt" if direction == "prompt" else "completion")("cards", "CREDIT_CARD", value)
    taken = withheld.take()
    assert [each["direction"] for each in taken["withheld"]] == ["prompt", "completion"]
    assert taken["withheld_more"] is None


def test_a_record_is_not_filled_with_digests() -> None:
    """Behind the first 64 distinct values the rest is counted, without the work of digesting it."""
    withheld = Withheld(Digests(HMAC_KEY))
    note = withheld.noting("prompt")
    for number in range(MAX_WITHHELD + 5):
        note("cards", "CREDIT_CARD", str(number))
    taken = withheld.take()
    assert (len(taken["withheld"]), taken["withheld_more"]) == (MAX_WITHHELD, 5)


def test_what_was_taken_is_not_taken_again() -> None:
    """The record of the answer does not repeat the prompt's values."""
    withheld = Withheld(Digests(HMAC_KEY))
    withheld.noting("prompt")("cards", "CREDIT_CARD", "1")
    assert withheld.take()["withheld"] is not None
    assert withheld.take() == {"withheld": None, "withheld_more": None}


def test_an_answer_is_digested_however_it_is_cut() -> None:
    """At every level but `none`."""
    for level in (Level.HASH, Level.REDACTED, Level.ENCRYPTED):
        whole, cut = (Keeper(Digests(HMAC_KEY)).answer(level) for _ in range(2))
        whole.add("医保报销")
        for piece in "医保报销":
            cut.add(piece)
        assert whole.fields() == cut.fields()
    none = Keeper(Digests(HMAC_KEY)).answer(Level.NONE)
    none.add("医保")
    assert none.fields() == {"chars": 2}
    assert none.sealable() is None


def _settings(folder: Path, contents: ContentSettings | None) -> AuditSettings:
    """The three settings that a keeper reads."""
    return cast("AuditSettings", SimpleNamespace(hmac_key=HMAC_KEY, origin="o", contents=contents))


def test_a_deployment_opens_its_store(tmp_path: Path) -> None:
    """The folder is created at the first start; a deployment without one has digests alone."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    settings = _settings(tmp_path, ContentSettings(tmp_path / "contents", tmp_path / "a.pub.pem"))
    keeper = open_keeper(settings)
    assert keeper.seal("alice", "r", "prompt", b"x").keys() == {"key", "file", "offset", "bytes", "sha256"}
    keeper.close()
    bare = open_keeper(_settings(tmp_path, None))
    with pytest.raises(ContentsUnavailable, match="has no contents store"):
        bare.seal("alice", "r", "prompt", b"x")
    with pytest.raises(ContentsUnavailable, match="has no contents store"):
        bare.prepare("alice")
    bare.close()


def test_a_store_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    """Refused before the first request."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    (tmp_path / "contents").mkdir(mode=0o755)
    with pytest.raises(ContentsUnavailable, match="mode 0700"):
        open_keeper(_settings(tmp_path, ContentSettings(tmp_path / "contents", tmp_path / "a.pub.pem")))
