"""A dossier for a person, and for a program."""

import json
from collections.abc import Iterator, Mapping

from audit.contents.reveal import Revealed
from audit.evidence.check import Finding, Told
from audit.evidence.stories import FINISHED, text_of
from audit.evidence.summary import not_shown
from audit.proven import Line
from audit.review.dossier import Dossier

_WIDTH = 14


def as_text(dossier: Dossier, revealed: list[Revealed]) -> str:
    """Records, rule, proof and opened texts, with nothing in them that a terminal would obey."""
    parts = [_record(dossier.origin, index, line) for index, line in dossier.lines]
    if dossier.finding is None:
        return "\n\n".join([*parts, *map(_opened, revealed), f"NOT PROVED: {_clean(dossier.problem or '')}"])
    parts += [part for told in dossier.finding.requests if (part := _policy(told))]
    return "\n\n".join([*parts, *map(_opened, revealed), _proof(dossier.finding)])


def as_json(dossier: Dossier, revealed: list[Revealed]) -> dict[str, object]:
    """The same as one JSON object."""
    finding = dossier.finding
    found: dict[str, object] = {
        "origin": dossier.origin,
        "records": [
            {"index": index, "time": line.time, "kind": line.kind, "record": line.body} for index, line in dossier.lines
        ],
        "proved": finding is not None,
        "problem": dossier.problem,
    }
    if finding is not None:
        found |= {
            "checkpoint": {"size": finding.checked.checkpoint.size, "root": finding.checked.checkpoint.root.hex()},
            "rules": [_rule_json(told) for told in finding.requests],
            "not_shown": not_shown(finding),
        }
    opened = [
        {"index": each.index, "direction": each.direction, "messages": each.messages(), "problem": each.problem}
        for each in revealed
    ]
    return found | ({"opened": opened} if opened else {})


def _record(origin: str, index: int, line: Line) -> str:
    title = f"{_clean(origin)}/{index}  {_clean(text_of(line.body, 'event') or line.kind)}  {line.time}"
    rows = [row for name, value in line.body.items() if name != "event" for row in _member(name, value)]
    return "\n".join([title, *rows])


def _member(name: str, value: object) -> Iterator[str]:
    label = f"  {_clean(name):<{_WIDTH}} "
    if isinstance(value, list) and value and not all(isinstance(each, str) for each in value):
        for each in value:
            yield label + _value(each)
            label = " " * len(label)
    else:
        yield label + _value(value)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        nested = any(isinstance(each, list) for each in value)
        return ("; " if nested else ", ").join(map(_value, value))
    if isinstance(value, Mapping):
        return "  ".join(f"{_clean(name)}={_value(each)}" for name, each in value.items())
    return _clean(json.dumps(value, ensure_ascii=False))


def _policy(told: Told) -> str:
    """The rule that decided, as it was. Nothing where the request came before any decision."""
    place = _place(told)
    if place is None:
        return ""
    title = f"rule {_clean(place)} of policy {_clean(told.bundle)}"
    text = told.policy.rule(place) if told.policy else None
    if told.policy is None or text is None:
        return f"{title}\n  its text does not stand in the log"
    named = " ".join(_clean(text_of(told.policy.activated.body, name)) for name in ("name", "version"))
    return f"{title}\n  {_clean(text)}\n  in force as {named} since {told.policy.activated.time}"


def _place(told: Told) -> str | None:
    first = told.story.first
    decision = first.body.get("decision") if first else None
    place = decision.get("rule") if isinstance(decision, Mapping) else None
    return place if isinstance(place, str) else None


def _rule_json(told: Told) -> dict[str, object]:
    place = _place(told)
    return {
        "request_id": told.story.request_id,
        "complete": told.story.complete,
        "bundle": told.bundle,
        "rule": place,
        "text": told.policy.rule(place) if told.policy and place else None,
    }


def _proof(finding: Finding) -> str:
    checkpoint, key = finding.checked.checkpoint, finding.checked.trusted
    rows = [
        f"PROVED under the checkpoint of {checkpoint.size} lines",
        f"  signed by      {checkpoint.origin}, key {key.id.hex()}",
        f"  root           {checkpoint.root.hex()}",
    ]
    rows += [f"  end            of request {_clean(each)}: none is recorded" for each in _endless(finding)]
    rows += [f"  not shown      {_clean(each)}" for each in not_shown(finding)]
    return "\n".join(rows)


def _endless(finding: Finding) -> Iterator[str]:
    for told in finding.requests:
        if not told.story.complete and all(record.event != FINISHED for record in told.story.records):
            yield told.story.request_id


def _opened(each: Revealed) -> str:
    title = f"sealed {each.direction} of record {each.index}"
    if each.text is None:
        return f"{title}: cannot be opened: {_clean(each.problem or '')}"
    return "\n".join([f"{title}, opened (digest: {each.digest})", *(_said(*message) for message in each.messages())])


def _said(role: str, content: str) -> str:
    return f"  {_clean(role)}: " + _clean(content).replace("\n", "\n    ")


def _clean(text: str) -> str:
    """A text that anyone may have chosen: of what is not printable only line ends, tabs and wide spaces stay."""
    return "".join(c if c.isprintable() or c in "\n\t\u3000" else "\N{REPLACEMENT CHARACTER}" for c in text)
