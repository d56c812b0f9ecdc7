"""Events: from a name and fields to the canonical bytes of a record, through structlog processors.

    log = event_logger(client.append).bind(request_id="r-1")
    receipt = log.event("request.refused", status=403, code="forbidden")

Nothing here touches structlog's process-wide configuration.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from audit import canonical
from audit.client import Receipt
from audit.errors import NotCanonical, RecordRefused
from audit.schema import EVENTS, Fields, Kind

# structlog's own types say Any for fields: what a caller passes is checked here, not by mypy.
EventFields = MutableMapping[str, Any]

_TYPES: dict[Kind, type] = {"str": str, "int": int, "bool": bool, "strings": list, "object": dict, "objects": list}
_MEMBERS: dict[Kind, type] = {"strings": str, "objects": dict}
_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


@dataclass(frozen=True, slots=True)
class _Sink:
    append: Callable[[bytes], Receipt]


class EventLogger(structlog.BoundLoggerBase):
    """A structlog bound logger with one method of its own. `bind` and `unbind` give loggers with other context."""

    def event(self, name: str, /, **fields: object) -> Receipt:
        """Record the event and return its receipt once it is durable. Fields that are None are left out.

        Raises `RecordRefused` for an unknown event or field, a value of another kind, or one without canonical form,
        and whatever `append` raises.
        """
        if "event" in fields:
            raise RecordRefused("`event` is the name of the event, not a field")
        arguments, _ = self._process_event("append", name, fields)
        receipt: Receipt = self._logger.append(*arguments)
        return receipt


def event_logger(
    append: Callable[[bytes], Receipt], events: Mapping[str, Fields] = EVENTS, **context: object
) -> EventLogger:
    """A logger that hands canonical bytes to `append`, usually `AuditClient.append`. Make one and bind, not many."""
    return EventLogger(_Sink(append), [_known_fields(events), _encode], context)


def _known_fields(events: Mapping[str, Fields]) -> Callable[[object, str, EventFields], EventFields]:
    """The processor that passes on exactly the fields that the table has, without those that are None."""
    types = {name: {"event": str} | {f: _TYPES[kind] for f, kind in fields.items()} for name, fields in events.items()}

    def known_fields(_logger: object, _method: str, event: EventFields) -> EventFields:
        name = event.get("event")
        expected = types.get(name) if type(name) is str else None
        if type(name) is not str or expected is None:
            raise RecordRefused(f"unknown event `{str(name)[:80]}`")
        checked = {field: value for field, value in event.items() if value is not None}
        for field, value in checked.items():
            kind = expected.get(field)
            if type(value) is not kind:  # exact: a bool is no int here, and no subclass brings its own encoding
                raise RecordRefused(_mismatch(name, field, kind, value))
            if kind is dict or kind is list:
                _check_members(name, field, events[name][field], value)
        return checked

    return known_fields


def _mismatch(name: str, field: str, kind: type | None, value: object) -> str:
    if kind is None:
        return f"`{name}` has no field `{field[:80]}`"
    return f"`{name}`: `{field}` must be of type `{kind.__name__}`, got `{type(value).__name__}`"


def _check_members(name: str, field: str, kind: Kind, value: Any) -> None:
    member = _MEMBERS.get(kind)
    if member is not None and not all(type(each) is member for each in value):
        raise RecordRefused(f"`{name}`: every member of `{field}` must be of type `{member.__name__}`")
    if kind != "strings":
        try:
            canonical.check_value(value, depth=2)
        except NotCanonical as error:
            raise RecordRefused(f"`{name}`: `{field}`: {error}") from error


def _encode(_logger: object, _method: str, event: EventFields) -> bytes:
    try:
        return orjson.dumps(event, option=_OPTIONS)
    except (TypeError, ValueError) as error:  # a lone surrogate, or an integer out of range
        raise RecordRefused(f"`{event['event']}` has no canonical form: {error}") from error
