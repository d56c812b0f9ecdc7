"""Says in plain English, step by step, what a pack proves and what not: for a reader without the software."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

from audit.evidence.check import Finding, Told
from audit.evidence.pack import Pack
from audit.evidence.stories import Record, text_of
from audit.evidence.summary import clean, completeness, name_of, not_shown
from audit.merkle import leaf_hash


def explain(pack: Pack, finding: Finding) -> str:
    """The whole text. `finding` is what the check of this very pack returned."""
    parts = [
        f"EVIDENCE from the log `{finding.checked.checkpoint.origin}`. All that follows was checked.",
        _section("1. The key", _key(finding)),
        _section("2. The signed checkpoint", _checkpoint(finding)),
        _section("3. The lines", _lines(pack, finding)),
        _section("4. The requests", _requests(finding)),
        _section("5. What is not shown", (f"- {each}" for each in not_shown(finding))),
    ]
    return "\n\n".join(part for part in parts if part)


def _key(finding: Finding) -> Iterator[str]:
    checked = finding.checked
    yield f"You gave the public key {checked.trusted.id.hex()}. Everything else follows from it."
    if len(checked.keys) > 1:
        ids = ", ".join(key.id.hex() for key in checked.keys)
        yield f"The log changed its key. In order: {ids}. The pack shows the signed line of each hand-over."
    yield "Whether this is the key of that log is for you to know: take it from a source that you trust."


def _checkpoint(finding: Finding) -> Iterator[str]:
    checkpoint = finding.checked.checkpoint
    root = base64.b64encode(checkpoint.root).decode()
    yield f"The key signed: when `{checkpoint.origin}` held {checkpoint.size} lines, their Merkle root was {root}."
    yield "Had any of these lines been altered, removed or added afterwards, the root would be another one."
    for anchor in finding.anchors:
        size = anchor.checkpoint.size
        if size < checkpoint.size:
            yield f"A checkpoint of {size} lines, taken earlier, is shown to be the start of this very log."
        for vkey, time in anchor.witnessed.items():
            when = datetime.fromtimestamp(time, UTC).isoformat() if time < 1 << 37 else f"second {time}"
            yield f"The witness {clean(vkey.partition('+')[0])} saw the checkpoint of {size} lines at {when}."


def _lines(pack: Pack, finding: Finding) -> Iterator[str]:
    for shown, (index, line) in zip(pack.proven.lines, finding.lines, strict=True):
        yield f"Line {index} of {line.time}: {clean(name_of(line.kind, line.body))}."
        digest = leaf_hash(shown.line).hex()
        yield f"  Its hash {digest} leads over {len(shown.proof)} further hashes to the signed root."
        covering = [each for each in finding.checked.anchors if each.size > index]
        if covering:
            yield f"  It stood there already when the checkpoint of {covering[0].size} lines was taken."


def _requests(finding: Finding) -> Iterator[str]:
    for told in finding.requests:
        yield f"Request {clean(told.story.request_id)}: {completeness(told)}"
        yield from (f"  {row}" for row in _story(told))


def _story(told: Told) -> Iterator[str]:
    first, last = told.story.first, told.story.last
    if first is not None:
        yield from _opening(told, first)
    if last is not None:
        body = last.body
        fields = [("outcome", "outcome"), ("status", "status"), ("code", "code"), ("detail", "detail")]
        ended = ", ".join(f"{label} {clean(str(body[name]))}" for name, label in fields if name in body)
        yield f"How it ended (line {last.index}): {clean(last.event)}{': ' + ended if ended else ''}."
        usage = body.get("usage")
        if isinstance(usage, dict):
            yield f"Tokens: {usage.get('prompt')} asked, {usage.get('completion')} answered."


def _opening(told: Told, first: Record) -> Iterator[str]:
    body = first.body
    roles = body.get("roles")
    who = clean(text_of(body, "subject")) or "nobody who was identified"
    names = clean(", ".join(map(str, roles))) if isinstance(roles, list) else ""
    address, method, route, model = (clean(text_of(body, name)) for name in ("address", "method", "route", "model"))
    yield f"Who (line {first.index}): {who}{f', roles {names}' if names else ''}, from {address or 'somewhere'}."
    yield f"What: {method} {route}{f', model {model}' if model else ''}."
    decision = body.get("decision")
    if isinstance(decision, dict):
        rule = text_of(decision, "rule")
        words = f"Decided: {clean(text_of(decision, 'effect'))}, {clean(text_of(decision, 'reason'))}"
        yield f"{words}{f', by {clean(rule)}' if rule else ''}."
        text = told.policy.rule(rule) if told.policy is not None and rule else None
        if text is not None:
            yield f"That rule reads: {clean(text)}"
    if told.policy is not None:
        name = " ".join(clean(text_of(told.policy.activated.body, each)) for each in ("name", "version"))
        yield f"Policy: {name}, digest {clean(told.bundle)}, which line {told.policy.activated.index} put in force."
        yield f"Its files, as they were: {', '.join(clean(path) for path in told.policy.files) or 'none'}."
    if told.started is not None:
        yield f"A worker had started with that policy at line {told.started.index}; the record names the model's files."


def _section(title: str, rows: Iterator[str]) -> str:
    text = "\n".join(f"   {row}" for row in rows)
    return f"{title}\n{text}" if text else ""
