"""Packs that claim more than they show, and what a good pack is said to show and not to show."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import BUNDLE, POLICY, Storyteller

from audit.checkpoint import Signer, parse_note
from audit.cosignature import Cosigner
from audit.errors import NotProvable, ProofInvalid
from audit.evidence import Pack, Selection, build, check_pack
from audit.evidence.pack import Claim
from audit.prove import Prover

WITNESS = Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
OTHER = Cosigner("other.example", Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96))))


def without(pack: Pack, event: str) -> Pack:
    """The pack without the lines of an event, everything else as it was."""
    left = tuple(each for each in pack.proven.lines if f'"event":"{event}"'.encode() not in each.line)
    assert len(left) < len(pack.proven.lines)
    return replace(pack, proven=replace(pack.proven, lines=left))


def cosigned(note: str, *witnesses: Cosigner) -> str:
    """The note with cosignatures of these witnesses."""
    text = note.partition("\n\n")[0] + "\n"
    return note + "".join(witness.line(text, 1_795_420_900) for witness in witnesses)


def test_complete_request(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A request is told with its records, its policy, its rule and the start of its worker."""
    (told,) = check_pack(make("r-1"), private.public_key()).requests
    assert told.story.complete
    assert [record.event for record in told.story.records] == ["request.admitted", "request.finished"]
    assert told.policy is not None
    assert told.policy.files == POLICY
    assert told.policy.rule("policy.csv:2:1") == "p, role:user, model:chatglm3-6b, use, allow"
    assert told.bundle == BUNDLE
    assert told.started is not None


@pytest.mark.parametrize("event", ["request.finished", "request.admitted"])
def test_record_withheld(make: Callable[..., Pack], private: Ed25519PrivateKey, event: str) -> None:
    """A request of which a record was left out cannot be called complete."""
    pack = without(make("r-1"), event)
    with pytest.raises(ProofInvalid, match="called complete, but not all"):
        check_pack(pack, private.public_key())
    honest = replace(pack, requests=(Claim("r-1", complete=False),))
    (told,) = check_pack(honest, private.public_key()).requests
    assert not told.story.complete


def test_complete_request_called_incomplete(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A request that is whole cannot be made to look cut short."""
    pack = replace(make("r-2"), requests=(Claim("r-2", complete=False),))
    with pytest.raises(ProofInvalid, match="called incomplete"):
        check_pack(pack, private.public_key())


def test_killed_worker(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A request that the log itself does not finish is told as incomplete."""
    pack = make("r-3")
    assert pack.requests == (Claim("r-3", complete=False),)
    with pytest.raises(ProofInvalid, match="called complete"):
        check_pack(replace(pack, requests=(Claim("r-3", complete=True),)), private.public_key())


@pytest.mark.parametrize("claims", [(), ("r-1", "r-9"), ("r-9",), ("r-1", "r-1")])
def test_other_requests_claimed(make: Callable[..., Pack], private: Ed25519PrivateKey, claims: tuple[str, ...]) -> None:
    """The requests that a pack names are those it shows: none hidden, none invented."""
    pack = replace(make("r-1"), requests=tuple(Claim(each, complete=True) for each in claims))
    with pytest.raises(ProofInvalid, match="not those whose records are shown"):
        check_pack(pack, private.public_key())


def test_finished_of_another_request(tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey) -> None:
    """An end that names another beginning does not make a request complete."""
    story.admit("r-5")
    story.finish("r-5", 2)
    story.close()
    pack = build(tmp_path / "log", private.public_key(), Selection(request_ids=("r-5",)))
    assert pack.requests == (Claim("r-5", complete=False),)


@pytest.mark.parametrize("event", ["policy.file", "policy.activated", "gateway.started"])
def test_context_withheld(make: Callable[..., Pack], private: Ed25519PrivateKey, event: str) -> None:
    """What is left out of the policy or the worker's start is not told."""
    (told,) = check_pack(without(make("r-1"), event), private.public_key()).requests
    assert told.policy is None or bool(told.policy.missing) == (event == "policy.file")
    assert (told.policy is None) == (event == "policy.activated")
    assert (told.started is None) == (event == "gateway.started")


@pytest.mark.parametrize("lie", ["text", "digest"])
def test_policy_that_contradicts_itself(
    tmp_path: Path, story: Storyteller, private: Ed25519PrivateKey, lie: str
) -> None:
    """Text that is not the file that is named, or files that do not add up to the bundle, are refused."""
    text, named = ("allow all", "deny all") if lie == "text" else ("deny all", "deny all")
    content = named.encode()
    row = f"policy.csv\t{len(content)}\t{hashlib.sha256(content).hexdigest()}\n"
    bundle = hashlib.sha256(f"hangu-bundle-v1\n{row}".encode()).hexdigest() if lie == "text" else "1" * 64
    story.tell("policy.file", bundle=bundle, path="policy.csv", part=1, parts=1, text=text)
    files = [{"path": "policy.csv", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}]
    story.tell("policy.activated", bundle=bundle, files=files)
    story.admit("r-6", bundle=bundle)
    story.close()
    with pytest.raises(ProofInvalid, match="is not the file that it names" if lie == "text" else "do not add up"):
        build(tmp_path / "log", private.public_key(), Selection(request_ids=("r-6",)))


def test_policy_digest_is_that_of_the_policies() -> None:
    """The digest that a pack recomputes is the one that policy bundles have."""
    from policies import bundle_files

    assert bundle_files.digest({path: text.encode() for path, text in POLICY.items()}) == BUNDLE


def test_other_key_and_origin(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """Under another key or another origin nothing of it is accepted."""
    pack = make("r-1")
    with pytest.raises(ProofInvalid):
        check_pack(pack, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(ProofInvalid, match="the key is of `host-b/hangu`"):
        check_pack(pack, private.public_key(), "host-b/hangu")


def test_own_anchor(log: Path, tmp_path: Path, make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """An anchor that the reader kept is met, or said to be unmet, or shows that this is another history."""
    anchor = (tmp_path / "anchor").read_text()
    public = private.public_key()
    size, root = (parsed := parse_note(anchor)[0]).size, parsed.root
    assert check_pack(make("r-1", anchors=(anchor,)), public, None, [anchor]).unmet == ()
    assert [each.size for each in check_pack(make("r-1"), public, None, [anchor]).unmet] == [size]
    forged = Signer("host-a/hangu", private).sign(size, b"\0" * 32)
    with pytest.raises(ProofInvalid, match="another history"):
        check_pack(make("r-1", anchors=(anchor,)), public, None, [forged])
    with pytest.raises(ProofInvalid, match="another log"):
        check_pack(make("r-1"), public, None, [Signer("host-b/hangu", private).sign(size, root)])
    stranger = Ed25519PrivateKey.generate()
    with pytest.raises(NotProvable, match="no key that the pack shows"):
        check_pack(make("r-1"), public, None, [Signer("host-a/hangu", stranger).sign(size, root)])
    with pytest.raises(NotProvable, match="not a checkpoint note"):
        check_pack(make("r-1"), public, None, ["x"])


def test_witnesses(tmp_path: Path, make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """Cosignatures of known witnesses are checked and told with their time; others are named as unchecked."""
    pack = make("r-1", anchors=(cosigned((tmp_path / "anchor").read_text(), WITNESS, OTHER),))
    anchor, newest = check_pack(pack, private.public_key(), witnesses=[WITNESS.key]).anchors
    assert dict(anchor.witnessed) == {WITNESS.key.vkey: 1_795_420_900}
    assert anchor.unchecked == ("other.example",)
    assert (dict(newest.witnessed), newest.unchecked) == ({}, ())


def test_witness_who_has_not_cosigned(tmp_path: Path, make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A witness that the reader asks for and that cosigned nothing is a refusal."""
    pack = make("r-1", anchors=(cosigned((tmp_path / "anchor").read_text(), OTHER),))
    with pytest.raises(ProofInvalid, match=r"no checkpoint of the pack was cosigned by the witness `witness\.example`"):
        check_pack(pack, private.public_key(), witnesses=[WITNESS.key, OTHER.key])


def test_forged_cosignature(tmp_path: Path, make: Callable[..., Pack], log: Path, private: Ed25519PrivateKey) -> None:
    """A witness's cosignature of another checkpoint is none of this one."""
    other = cosigned(Prover(log, private.public_key()).newest(), WITNESS).split("\n")[-2]
    pack = make("r-1", anchors=((tmp_path / "anchor").read_text() + other + "\n",))
    with pytest.raises(ProofInvalid, match="is not over this checkpoint"):
        check_pack(pack, private.public_key(), witnesses=[WITNESS.key])


def test_rule_of_no_file(make: Callable[..., Pack], private: Ed25519PrivateKey) -> None:
    """A place that is in no file shown has no text, whatever it looks like."""
    (told,) = check_pack(make("r-1"), private.public_key()).requests
    assert told.policy is not None
    for place in ("policy.csv:9:1", "other.csv:1:1", "policy.csv", "", "policy.csv:0:1", "policy.csv:٢:1", ":1:1"):
        assert told.policy.rule(place) is None
