"""Takes a record apart into the rows of the index. What has another type than docs/events.md says is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from audit.export.record import Record
from audit.review.words import terms

ADMITTED: Final = "request.admitted"
FINISHED: Final = "request.finished"
DIGEST_BYTES: Final = 16  # of each digest
_HEX_DIGEST: Final = 64  # characters
_KINDS: Final = ("prompt", "completion")

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
)
_JUDGED: Final = ("effect", "reason", "rule")
_ENDED: Final = ("code", "outcome", "finish_reason")

Value = str | int | None
Row = tuple[Value | bytes, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """The rows of one record for the other tables, without the event they belong to."""

    roles: tuple[str, ...]
    filters: tuple[Row, ...]
    digests: tuple[Row, ...]
    texts: tuple[tuple[int, str], ...]  # 0 for a prompt, 1 for an answer, and its terms


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


def details(record: Record) -> Details:
    """What a record says with lists and objects."""
    fields = record.fields
    return Details(
        roles=record.texts("roles") if "roles" in fields else (),
        filters=tuple(_filters(record)) if "filters" in fields else (),
        digests=tuple(_digests(record)),
        texts=tuple(_texts(fields)),
    )


def digest(hmac: object) -> bytes | None:
    """A digest as the index has it; None for what is none."""
    if type(hmac) is not str or len(hmac) != _HEX_DIGEST:
        return None
    try:
        return bytes.fromhex(hmac)[:DIGEST_BYTES]
    except ValueError:
        return None


def _filters(record: Record) -> Iterator[Row]:
    for each in record.objects("filters"):
        name = _text(each, "filter")
        if name is not None:
            count = _number(each.get("count"))
            yield _text(each, "direction"), name, _text(each, "type"), _text(each, "action"), count or 1


def _digests(record: Record) -> Iterator[Row]:
    fields = record.fields
    for kind in _KINDS:
        content = fields.get(kind)
        if isinstance(content, dict) and (short := digest(content.get("hmac"))):
            yield kind, short
    if "withheld" in fields:
        for each in record.objects("withheld"):
            if short := digest(each.get("hmac")):
                yield "withheld", short


def _texts(fields: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """The prompt is a list of (role, text), the answer a text."""
    prompt, answer = fields.get("prompt"), fields.get("completion")
    messages = prompt.get("text") if isinstance(prompt, dict) else None
    if isinstance(messages, list) and messages:
        said = [each[1] for each in messages if isinstance(each, list) and len(each) == 2 and isinstance(each[1], str)]
        yield 0, terms("\n".join(said))
    if isinstance(answer, dict) and (text := _text(answer, "text")):
        yield 1, terms(text)


def _text(value: Mapping[str, object], name: str) -> str | None:
    member = value.get(name)
    return member if isinstance(member, str) else None


def _number(value: object) -> int | None:
    """An integer that SQLite can hold, as every one in a canonical record is."""
    return value if type(value) is int and abs(value) < 1 << 53 else None


def _nothing(_name: str) -> None:
    return None
