"""The short report: what is not shown is never left out, and a program gets the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import Storyteller

from audit.evidence import Pack, Selection, build, check_pack
from audit.evidence.pack import Claim
from audit.evidence.summary import clean, explained, not_shown, summary


def missing(pack: Pack, private: Ed25519PrivateKey) -> str:
    """What is not shown, as one text."""
    return "\n".join(not_shown(check_pack(pack, private.public_key())))


def test_whole_request(make: Callable[..., Pack], tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Of a whole request with an anchor, the rest of the log and the words themselves are not shown."""
    text = missing(make("r-1", anchors=((tmp_path / "anchor").read_text(),)), private)
    assert "lines hold, and those written since" in text
    assert "the words of the prompt and the answer" in text
    assert "how it" not in text
    assert "when these lines were written" not in text


def test_gaps(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """An end, a beginning, a policy, a worker and an anchor that are missing are each named."""
    assert "request r-3: how it ended" in missing(make("r-3"), private)
    assert "no anchor and no witness is shown" in missing(make("r-3"), private)
    pack = make("r-1")
    last = replace(pack.proven, lines=pack.proven.lines[-1:])
    assert "request r-1: how it began" in missing(Pack(last, (Claim("r-1", complete=False),)), private)
    bare = replace(pack.proven, lines=pack.proven.lines[-2:])
    text = missing(Pack(bare, pack.requests), private)
    assert "the text of the policy that decided" in text
    assert "which worker and model files served it" in text
    partly = replace(pack.proven, lines=pack.proven.lines[1:])
    assert "r-1: the text of audit.yaml" in missing(Pack(partly, pack.requests), private)


def test_words_that_are_shown(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> None:
    """Where the record holds the text of the prompt, it is not said to be missing."""
    story.tell("request.refused", request_id="r", prompt={"text": [["user", "医保"]]})
    story.close()
    pack = build(tmp_path / "log", private.public_key(), Selection(request_ids=("r",)))
    assert "the words of" not in missing(pack, private)


def test_short_report(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """Each line, each request and each gap has a row."""
    text = summary(check_pack(make("r-1", "r-3"), private.public_key()))
    assert text.startswith("good: 9 lines of `host-a/hangu`")
    assert "request r-1: complete" in text
    assert "request r-3: INCOMPLETE" in text
    assert "not shown: request r-3: how it ended" in text


def test_for_a_program(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """The JSON form holds the records themselves and the same gaps."""
    finding = check_pack(make("r-1"), private.public_key())
    value = json.loads(json.dumps(explained(finding)))
    assert value["state"] == "good"
    assert value["lines"][-1]["body"]["outcome"] == "completed"
    assert value["requests"][0]["records"] == [each["index"] for each in value["lines"][-2:]]
    assert value["not_shown"] == not_shown(finding)


def test_clean() -> None:
    """Control characters, line ends and direction marks are replaced, Chinese stays, long texts are cut."""
    assert clean("医保\x1b[31m\n\u202e") == "医保\N{REPLACEMENT CHARACTER}[31m" + "\N{REPLACEMENT CHARACTER}" * 2
    assert clean("x" * 400) == "x" * 300 + "…"
