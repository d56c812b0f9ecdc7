"""The writer's check of a record's bytes: the same predicate as `canonical.parse`, several times as fast."""

import orjson

from audit import canonical
from audit.errors import NotCanonical
from audit.line import MAX_BODY

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def admit(body: bytes) -> None:
    """Return only if `body` is a canonical JSON object of at most `MAX_BODY` bytes. Raises `NotCanonical`."""
    if len(body) > MAX_BODY:
        raise NotCanonical(f"larger than {MAX_BODY} bytes")
    try:
        value = orjson.loads(body)
        same = orjson.dumps(value, option=_OPTIONS) == body
    except (ValueError, TypeError, RecursionError) as error:
        raise NotCanonical(f"not canonical JSON: {str(error)[:120]}") from error
    if type(value) is not dict:
        raise NotCanonical("not a JSON object")
    if not same:
        raise NotCanonical("not in canonical form (order, spacing, escapes or a repeated key)")
    canonical.check_value(value)
