"""Checks an evidence pack with one public key and nothing else. Standard library and `cryptography` only.

What must hold, each step with its number below:

 1. All proofs of the pack lead to its signed checkpoint (`audit.proven` has the list).
 2. The requests that the pack names are exactly those whose records it shows.
 3. A request is called complete if, and only if, its records are there from beginning to end.
 4. Where policy is shown, its texts are those that its digest names.
 5. Nothing contradicts what the caller brings: an anchor of the size of a checkpoint in the pack has the same root, and
    every witness given has cosigned one of these checkpoints.

A pack cannot show that the log holds no further line about something. So everything else is said to be not shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.checkpoint import Checkpoint, parse_note
from audit.cosignature import WitnessKey, cosignature_times, parse_signed_note
from audit.errors import NotCanonical, NotProvable, ProofInvalid
from audit.evidence.pack import Pack
from audit.evidence.policy import STARTED, Policy, policies_of
from audit.evidence.stories import Record, Story, records_of, stories_of, text_of
from audit.proven import Checked, Line, check, parse_line, signer


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint that covers lines of the pack, and when witnesses saw it, by witness key (seconds since 1970)."""

    checkpoint: Checkpoint
    witnessed: Mapping[str, int]
    unchecked: tuple[str, ...]  # names of other signatures on it, which no given key can check


@dataclass(frozen=True, slots=True)
class Told:
    """One request, as far as the pack shows it."""

    story: Story
    policy: Policy | None
    started: Record | None  # the newest start of a worker under that policy before the request

    @property
    def bundle(self) -> str:
        return text_of(self.story.records[0].body, "bundle")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a good pack shows."""

    checked: Checked
    lines: tuple[tuple[int, Line], ...]
    requests: tuple[Told, ...]
    anchors: tuple[Anchor, ...]  # the pack's checkpoint last
    unmet: tuple[Checkpoint, ...]  # anchors of the caller's that the pack says nothing about


def check_pack(
    pack: Pack,
    public: Ed25519PublicKey,
    origin: str | None = None,
    anchors: Iterable[str] = (),
    witnesses: Iterable[WitnessKey] = (),
) -> Finding:
    """What the pack shows. `anchors` are notes of checkpoints that the caller kept.

    Raises `ProofInvalid` where the pack does not show all that it claims, or contradicts an anchor or a witness, and
    `NotProvable` for an anchor that no key of the pack signed.
    """
    checked = check(pack.proven, public, origin)  # 1
    lines = tuple((each.index, parse_line(each.line, each.index)) for each in pack.proven.lines)
    records = records_of(lines)
    stories = stories_of(records)
    _check_claims(pack, stories)  # 2, 3
    policies = policies_of(records)  # 4
    notes = [*(each.note for each in pack.proven.anchors), pack.proven.note]
    covering = zip(notes, (*checked.anchors, checked.checkpoint), strict=True)
    witnesses = tuple(witnesses)
    return Finding(
        checked=checked,
        lines=lines,
        requests=tuple(_told(story, policies, records) for story in stories),
        anchors=_anchors(covering, witnesses),
        unmet=tuple(_unmet(checked, anchors)),
    )


def _check_claims(pack: Pack, stories: list[Story]) -> None:
    claimed = [each.request_id for each in pack.requests]
    if claimed != [story.request_id for story in stories]:
        raise ProofInvalid("requests: not those whose records are shown, each once, by id")
    for position, (claim, story) in enumerate(zip(pack.requests, stories, strict=True)):
        if claim.complete and not story.complete:
            raise ProofInvalid(f"requests[{position}]: called complete, but not all of its records are shown")
        if story.complete and not claim.complete:
            raise ProofInvalid(f"requests[{position}]: called incomplete, but all of its records are shown")


def _told(story: Story, policies: Mapping[str, Policy], records: list[Record]) -> Told:
    opening = story.records[0]
    bundle = text_of(opening.body, "bundle")
    policy = policies.get(bundle)
    starts = [
        each
        for each in records
        if each.event == STARTED and text_of(each.body, "bundle") == bundle and each.index < opening.index
    ]
    before = policy is not None and policy.activated.index < opening.index
    return Told(story, policy if before else None, starts[-1] if starts else None)


def _anchors(covering: Iterable[tuple[str, Checkpoint]], witnesses: tuple[WitnessKey, ...]) -> tuple[Anchor, ...]:
    anchors = tuple(_anchor(note, checkpoint, witnesses) for note, checkpoint in covering)
    for key in witnesses:
        if not any(key.vkey in anchor.witnessed for anchor in anchors):
            raise ProofInvalid(f"no checkpoint of the pack was cosigned by the witness `{key.name}`")
    return anchors


def _anchor(note: str, checkpoint: Checkpoint, witnesses: tuple[WitnessKey, ...]) -> Anchor:
    try:
        signed = parse_signed_note(note)
        times = cosignature_times(signed, witnesses)  # 5
    except NotCanonical as error:
        raise ProofInvalid(f"checkpoint of {checkpoint.size} lines: {error}") from error
    known = {(key.name, key.id) for key in witnesses if key.vkey in times}
    others = {name for name, blob in signed.signatures if (name, blob[:4]) not in known and name != checkpoint.origin}
    return Anchor(checkpoint, times, tuple(sorted(others)))


def _unmet(checked: Checked, notes: Iterable[str]) -> Iterable[Checkpoint]:
    shown = {each.size: each.root for each in (*checked.anchors, checked.checkpoint)}
    for note in notes:
        try:
            anchor, key = parse_note(note)[0], signer(note, checked.keys)
        except NotCanonical as error:
            raise NotProvable(f"anchor: {error}") from error
        if anchor.origin != checked.checkpoint.origin:
            raise ProofInvalid(f"the anchor is of `{anchor.origin}`, another log")
        if key is None:
            raise NotProvable(f"no key that the pack shows signed the anchor of {anchor.size} lines")
        if shown.get(anchor.size, anchor.root) != anchor.root:  # 5
            raise ProofInvalid(
                f"the anchor of {anchor.size} lines has another root: this is another history of the log"
            )
        if anchor.size not in shown:
            yield anchor
