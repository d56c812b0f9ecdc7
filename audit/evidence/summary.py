"""What a checked pack shows and what it does not, in a few lines or for a program.

Whatever comes from the log is cleaned of control characters: a record quotes what strangers sent.
"""

import base64
from collections.abc import Iterator, Mapping

from audit.evidence.check import Finding, Told
from audit.evidence.stories import text_of

_MOST = 300  # characters of one text


def summary(finding: Finding) -> str:
    """The verdict in a few lines."""
    checkpoint = finding.checked.checkpoint
    shown = "1 line" if len(finding.lines) == 1 else f"{len(finding.lines)} lines"
    rows = [f"good: {shown} of `{checkpoint.origin}`, proved under its checkpoint of {checkpoint.size} lines"]
    rows += [f"  line {index}  {line.time}  {clean(name_of(line.kind, line.body))}" for index, line in finding.lines]
    for told in finding.requests:
        rows.append(f"  request {clean(told.story.request_id)}: {completeness(told)}")
    rows += [f"  the checkpoint of {each.size} lines is the start of this log" for each in finding.checked.anchors]
    return "\n".join([*rows, *(f"  not shown: {each}" for each in not_shown(finding))])


def not_shown(finding: Finding) -> list[str]:
    """What a reader might take for shown and is not."""
    checkpoint = finding.checked.checkpoint
    other = checkpoint.size - len(finding.lines)
    rows = [f"what the other {other} of the {checkpoint.size} lines hold, and those written since"]
    for told in finding.requests:
        rows += [f"request {clean(told.story.request_id)}: {each}" for each in _gaps(told)]
    for each in finding.unmet:
        rows.append(f"whether the log continues your anchor of {each.size} lines: ask for a pack that is made with it")
    for anchor in finding.anchors:
        if anchor.unchecked:
            names = ", ".join(clean(name) for name in anchor.unchecked)
            size = anchor.checkpoint.size
            rows.append(f"whether {names} cosigned the checkpoint of {size} lines: no key of theirs was given")
    if not finding.checked.anchors and not any(each.witnessed for each in finding.anchors):
        rows.append("when these lines were written: no anchor and no witness is shown, so the times are the log's word")
    return rows


def explained(finding: Finding) -> dict[str, object]:
    """The same for a program."""
    checkpoint = finding.checked.checkpoint
    return {
        "state": "good",
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "keys": [key.vkey for key in finding.checked.keys],
        "lines": [{"index": i, "kind": line.kind, "time": line.time, "body": line.body} for i, line in finding.lines],
        "requests": [_request_json(told) for told in finding.requests],
        "anchors": [
            {"size": each.checkpoint.size, "witnessed": each.witnessed, "unchecked": each.unchecked}
            for each in finding.anchors
        ],
        "not_shown": not_shown(finding),
    }


def clean(text: str, most: int = _MOST) -> str:
    """A text of strangers, safe to print: one line, no control characters, not longer than `most`."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return shown + "…" if len(text) > most else shown


def completeness(told: Told) -> str:
    """Whether all that a request left is shown, in words."""
    if told.story.complete:
        return "complete: all records that it left are shown"
    return "INCOMPLETE: it left no more, because a worker was killed, or more than is shown"


def _gaps(told: Told) -> Iterator[str]:
    story = told.story
    if story.first is None:
        yield "how it began"
    if story.last is None:
        yield "how it ended"
    if told.bundle and told.policy is None:
        yield "the text of the policy that decided"
    elif told.policy is not None and told.policy.missing:
        yield f"the text of {', '.join(clean(path) for path in told.policy.missing)}"
    if told.bundle and told.started is None:
        yield "which worker and model files served it"
    if story.first is not None and not _has_text(story.first.body.get("prompt")):
        yield "the words of the prompt and the answer: the records hold at most keyed digests of them"


def _has_text(value: object) -> bool:
    return isinstance(value, dict) and "text" in value


def _request_json(told: Told) -> dict[str, object]:
    return {
        "request_id": told.story.request_id,
        "complete": told.story.complete,
        "records": [record.index for record in told.story.records],
        "policy": told.policy.activated.index if told.policy else None,
        "started": told.started.index if told.started else None,
    }


def name_of(kind: str, body: Mapping[str, object]) -> str:
    """What a line is, in words. Not cleaned."""
    return (text_of(body, "event") or "a record") if kind == "rec" else f"a `{kind}` line of the log itself"
