"""The plain words about a pack: what is proved is said, what is not shown is said too, and nothing can hide in them."""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import Storyteller

from audit.evidence import Pack, Selection, build, check_pack
from audit.evidence.explain import explain
from audit.evidence.summary import summary


def told(pack: Pack, private: Ed25519PrivateKey) -> str:
    """The explanation of a pack."""
    return explain(pack, check_pack(pack, private.public_key()))


def test_every_step(make: Callable[..., Pack], tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Key, checkpoint, lines, request with rule and policy, and what is missing: each has its words."""
    text = told(make("r-1", anchors=((tmp_path / "anchor").read_text(),)), private)
    for words in (
        "You gave the public key 0301b760",
        "their Merkle root was ",
        "taken earlier, is shown to be the start of this very log",
        "request.admitted",
        "leads over ",
        "It stood there already when the checkpoint of",
        "user:张伟, roles user, from 192.0.2.7",
        "POST /v1/chat/completions, model chatglm3-6b",
        "allow, matched-rule, by policy.csv:2:1",
        "That rule reads: p, role:user, model:chatglm3-6b, use, allow",
        "audit.yaml, policy.csv",
        "A worker had started",
        "outcome completed",
        "5 asked, 9 answered",
        "5. What is not shown",
    ):
        assert words in text, words


def test_refused_request(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A refusal is told with its status and code, by nobody who was identified."""
    text = told(make("r-2"), private)
    assert "status 403, code forbidden" in text
    assert "nobody who was identified" in text


def test_nothing_of_a_request(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A line of no request has no chapter on requests."""
    text = told(make(indices=(0,)), private)
    assert "a `hdr` line of the log itself" in text
    assert "4. The requests" not in text


def test_control_characters(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> None:
    """Text of strangers cannot steer a terminal or turn the reading direction, wherever it is shown."""
    evil = "\x1b]0;\u202e\r\n"
    story.tell(
        "request.refused",
        request_id=evil,
        subject=evil,
        roles=[evil],
        address=evil,
        method=evil,
        route=evil,
        model=evil,
        decision={"effect": evil, "reason": evil, "rule": evil},
        code=evil,
        detail=evil,
        bundle=evil,
    )
    story.tell(evil)
    story.close()
    pack = build(tmp_path / "log", private.public_key(), Selection((16, 20), (evil,)))
    finding = check_pack(pack, private.public_key())
    for text in (explain(pack, finding), summary(finding)):
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "\N{REPLACEMENT CHARACTER}]0;" in text
