"""Which lines a selection brings with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import BUNDLE, POLICY, Storyteller, digest

from audit.errors import NotProvable
from audit.evidence import Pack, Selection
from audit.evidence.select import choose
from audit.prove import Prover


def events(pack: Pack) -> list[str]:
    """The events of the records in a pack, in order."""
    from audit.proven import parse_line

    return [str(parse_line(each.line, each.index).body.get("event")) for each in pack.proven.lines]


CONTEXT = ["policy.file"] * 4 + ["policy.activated", "gateway.started"]


@pytest.mark.parametrize(
    ("request_id", "records"),
    [
        ("r-1", ["request.admitted", "request.finished"]),
        ("r-2", ["request.refused"]),
        ("r-3", ["request.admitted"]),
    ],
)
def test_request(make: Callable[..., Pack], request_id: str, records: list[str]) -> None:
    """A request brings all of its records, the whole policy that decided, and the worker's start."""
    assert events(make(request_id)) == CONTEXT + records


def test_record_of_a_request(make: Callable[..., Pack]) -> None:
    """One record of a request, given by its index, brings the rest of it."""
    whole = make("r-1")
    assert make(indices=(whole.proven.lines[-1].index,)) == whole


def test_newest_start_under_the_same_policy(make: Callable[..., Pack]) -> None:
    """A later request names the newest start before it, and not the other policy that was active meanwhile."""
    pack = make("r-1", "r-4")
    assert events(pack).count("gateway.started") == 2
    assert events(pack).count("policy.activated") == 1
    assert digest({**POLICY, "policy.csv": "p, role:nobody, model:x, use, deny\n"}) not in str(pack)


def test_line_of_no_request(make: Callable[..., Pack]) -> None:
    """A line that is of no request, of whatever kind, comes alone."""
    assert len(make(indices=(0,)).proven.lines) == 1
    assert events(make(indices=(2,))) == ["policy.file"]


def test_request_that_is_not_there(make: Callable[..., Pack]) -> None:
    """A request of which there is no record is refused, also beside one that is there."""
    with pytest.raises(NotProvable, match="no record of the request `r-9`"):
        make("r-1", "r-9")


def test_id_quoted_elsewhere(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> None:
    """A record that holds the id in another member, or deeper, is not one of the request."""
    refused = story.refuse("医-1")
    story.tell("request.refused", request_id="other", detail={"request_id": "医-1"})
    story.tell("note", request_id="医-1")
    story.close()
    chosen = choose(tmp_path / "log", Prover(tmp_path / "log", private.public_key()), Selection(request_ids=("医-1",)))
    assert refused in chosen
    assert not any(index > refused for index in chosen)


def test_policy_not_in_the_log(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> None:
    """A request under a policy whose text the log lacks comes without it, not with another one."""
    admitted = story.admit("r-8", bundle="0" * 64)
    story.start_gateway()
    story.close()
    prover = Prover(tmp_path / "log", private.public_key())
    assert choose(tmp_path / "log", prover, Selection(request_ids=("r-8",))) == {admitted}


def test_policy_activated_later(tmp_path: Path, private: Ed25519PrivateKey, story: Storyteller) -> None:
    """What was activated after a request did not decide it."""
    files = {"policy.csv": "later than the request"}
    admitted = story.admit("r-8", bundle=digest(files))
    story.start_gateway(files)
    story.close()
    prover = Prover(tmp_path / "log", private.public_key())
    assert choose(tmp_path / "log", prover, Selection(request_ids=("r-8",))) == {admitted}
    assert digest(files) != BUNDLE
