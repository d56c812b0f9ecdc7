"""The one encoding of a JSON value: RFC 8785, restricted so that every sorted, compact encoder agrees on it.

Keys are ASCII; there are no floats; integers stay below 2^53 in size; strings are valid Unicode without lone
surrogates; at most `MAX_DEPTH` levels. Standard library only, because the verifier lives on it.
"""

import json
from collections.abc import Iterable
from typing import NoReturn

from audit.errors import NotCanonical

MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1
_MAX_DIGITS = len(str(-MAX_INTEGER))
_OUT_OF_RANGE = "an integer is out of range (2^53 - 1)"
_PLAIN = frozenset((str, bool, type(None)))


def encode(value: dict[str, object]) -> bytes:
    """The canonical bytes of a JSON object. Raises `NotCanonical` for what has none."""
    check_value(value)
    try:
        return _encoder.encode(value).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a string holds a lone surrogate") from error


def parse(raw: bytes) -> dict[str, object]:
    """The object whose canonical bytes are exactly `raw`. Raises `NotCanonical` for any other bytes."""
    try:
        text = raw.decode()
        value, _ = _decoder.raw_decode(text)
        same = _encoder.encode(value) == text
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {str(error)[:120]}") from error
    if type(value) is not dict:
        raise NotCanonical("not a JSON object")
    if not same:
        raise NotCanonical("not in canonical form (order, spacing, escapes or a repeated key)")
    check_value(value)
    return value


def check_value(value: object, depth: int = 1) -> None:
    """Raise `NotCanonical` unless the object or list holds the types and ranges above. Strings are not looked into."""
    if depth > MAX_DEPTH:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH} levels")
    for member in _members(value):
        if type(member) is int:
            if not -MAX_INTEGER <= member <= MAX_INTEGER:
                raise NotCanonical(_OUT_OF_RANGE)
        elif type(member) not in _PLAIN:
            check_value(member, depth + 1)


def _members(value: object) -> Iterable[object]:
    if type(value) is list:
        return value
    if type(value) is not dict:
        raise NotCanonical(f"a `{type(value).__name__}` has no canonical form")
    try:
        if "".join(value).isascii():
            return value.values()
    except TypeError as error:
        raise NotCanonical("keys must be ASCII strings") from error
    raise NotCanonical("keys must be ASCII strings")


def _integer(digits: str) -> int:
    # The length comes first: int() of a million digits is an attack of its own.
    if len(digits) > _MAX_DIGITS:
        raise NotCanonical(_OUT_OF_RANGE)
    return int(digits)


def _no_float(digits: str) -> NoReturn:
    raise NotCanonical(f"`{digits[:20]}` is not an integer")


_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, sort_keys=True, separators=(",", ":")
)
