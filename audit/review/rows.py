"""Takes a record apart into the rows of the index. What has another type than docs/events.md says is left out."""

from collections.abc import Iterator, Mapping
from typing import Final

from audit.export.record import Record
from audit.review.words import terms

ADMITTED: Final = "request.admitted"
FINISHED: Final = "request.finished"
HEARTBEAT: Final = "audit.heartbeat"
_POLICY_FILE: Final = "policy.file"
DIGEST_BYTES: Final = 16  # of each digest
_HEX_DIGEST: Final = 64  # characters

# The texts of a record among the columns, in their order, and those in its `decision`.
_TEXTS: Final = (
    "event",
    "request_id",
    "subject",
    "issuer",
    "tenant",
    "address",
    "route",
    "model",
    "object",
    "action",
    "bundle",
    "user",
)
_JUDGED: Final = ("effect", "reason", "rule")
_ENDED: Final = ("code", "outcome", "finish_reason")

Value = str | int | None
Row = tuple[Value | bytes, ...]


def opening(record: Record) -> tuple[Value, ...]:
    """The columns of `event` up to what `ENDING` has."""
    get = record.fields.get
    said = [value if type(value := get(name)) is str else None for name in _TEXTS]
    decision = get("decision")
    decided = decision.get if isinstance(decision, dict) else _nothing
    judged = [value if type(value := decided(name)) is str else None for name in _JUDGED]
    client = _text(record.fields, "client") or _text(record.fields, "client_id")
    numbers = (_number(get("status")), _number(get("count")) or 1)
    return (record.index, record.microseconds, *said, *judged, client, *numbers)


def ending(record: Record, finished: int | None) -> tuple[Value, ...]:
    """The columns in `ENDING`."""
    get = record.fields.get
    usage = get("usage")
    used = usage.get if isinstance(usage, dict) else _nothing
    said = [value if type(value := get(name)) is str else None for name in _ENDED]
    tokens = (_number(used("prompt")), _number(used("completion")))
    return (finished, *said, *tokens, _number(get("duration_ms")))


def details(event: int, fields: Mapping[str, object]) -> Iterator[tuple[str, Row]]:
    """The rows of a record for the other tables, each with the name of its table."""
    for role in _list(fields, "roles"):
        if type(role) is str:
            yield "role", (event, role)
    for hit in _list(fields, "filters"):
        if isinstance(hit, dict) and (name := _text(hit, "filter")) is not None:
            found = (_text(hit, "direction"), name, _text(hit, "type"), _text(hit, "action"))
            yield "filter", (event, *found, _number(hit.get("count")) or 1)
    for each in _list(fields, "withheld"):
        if isinstance(each, dict) and (short := digest(each.get("hmac"))):
            yield "digest", (event, "withheld", short)
    for answer, kind in enumerate(("prompt", "completion")):
        content = fields.get(kind)
        if isinstance(content, dict):
            if short := digest(content.get("hmac")):
                yield "digest", (event, kind, short)
            if text := _clear_text(content.get("text")):
                yield "text", (2 * event + answer, terms(text))
    if fields.get("event") == _POLICY_FILE:
        yield "policy", (_text(fields, "bundle"), _text(fields, "path"), _number(fields.get("part")), event)


def digest(hmac: object) -> bytes | None:
    """A digest as the index has it; None for what is none."""
    if type(hmac) is not str or len(hmac) != _HEX_DIGEST:
        return None
    try:
        return bytes.fromhex(hmac)[:DIGEST_BYTES]
    except ValueError:
        return None


def _clear_text(text: object) -> str:
    """The text of an answer, or of the (role, text) pairs of a prompt; nothing where the level keeps none."""
    if isinstance(text, list):
        return "\n".join(str(each[1]) for each in text if isinstance(each, list) and len(each) == 2)
    return text if isinstance(text, str) else ""


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _text(value: Mapping[str, object], name: str) -> str | None:
    member = value.get(name)
    return member if isinstance(member, str) else None


def _number(value: object) -> int | None:
    """An integer that SQLite can hold, as every one in a canonical record is."""
    return value if type(value) is int and abs(value) < 1 << 53 else None


def _nothing(_name: str) -> None:
    return None
