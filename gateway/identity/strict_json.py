"""JSON that two readers cannot understand differently: for tokens and key sets, before any library sees them."""

from __future__ import annotations

import json
from typing import Any


class NotStrictJson(ValueError):
    """The bytes are not one JSON value in the strict sense of `loads`."""


def loads(data: bytes, max_depth: int) -> Any:
    """The JSON value in `data`: UTF-8, no duplicate members, no NaN or Infinity, at most `max_depth` containers deep.

    Duplicate members are the attack of RFC 8259 §4: the checker reads one `sub`, the application another. Raises
    NotStrictJson. Strings may still hold half of a surrogate pair, written as an escape: whoever uses a string checks.
    """
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotStrictJson(str(error)) from error
    # Containers bound the depth, and most documents have few: only the others are walked.
    if text.count("{") + text.count("[") > max_depth and _depth(value, max_depth) > max_depth:
        raise NotStrictJson(f"nested deeper than {max_depth}")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member stands twice")
    return members


def _refuse_constant(name: str) -> None:
    raise NotStrictJson(f"`{name}` is not JSON")


def _depth(value: Any, limit: int) -> int:
    """Containers around the deepest value; the walk ends one level below `limit`."""
    level, depth = [value], 0
    while depth <= limit:
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            break
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth
