"""Laws of the canonical encoding: one spelling per value, and two checks that always agree."""

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit import canonical
from audit.admission import admit
from audit.errors import NotCanonical
from audit.shapes import Shapes

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
INTEGERS = st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
TOKENS = st.sampled_from(
    [*'{}[]:,"\\\n 0a', "-0", "1.0", '":"', '"]"', '\\"', "\\n", "\\u000a", "\n0", "医", "\x00", "9" * 16]
)
JSON_LIKE = st.lists(TOKENS, max_size=5).map("".join)
CONFUSING = st.dictionaries(
    JSON_LIKE.filter(str.isascii), JSON_LIKE | INTEGERS | st.lists(JSON_LIKE, max_size=3), min_size=1, max_size=3
)


def accepted_by_verifier(raw: bytes) -> bool:
    """Whether the verifier's check takes the bytes."""
    try:
        canonical.parse(raw)
    except NotCanonical:
        return False
    return True


def accepted_by_writer(raw: bytes) -> bool:
    """Whether the writer's check takes the bytes."""
    try:
        admit(raw)
    except NotCanonical:
        return False
    return True


@given(OBJECTS)
def test_round_trip(value: dict[str, object]) -> None:
    """What is encoded can be read back, is accepted by both checks, and is what orjson writes."""
    raw = canonical.encode(value)
    assert canonical.parse(raw) == value
    assert accepted_by_writer(raw)
    assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == raw


@given(OBJECTS, st.data())
def test_changed_bytes(value: dict[str, object], data: st.DataObject) -> None:
    """The writer admits exactly what the verifier accepts, also after a byte has changed."""
    raw = bytearray(canonical.encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert accepted_by_writer(bytes(raw)) == accepted_by_verifier(bytes(raw))


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"a":-0}')
@example(b'{"a":1e2}')
@example(b'{"a":9007199254740992}')
@example(b'{"a":NaN}')
@example(b'{"a":"\\ud800"}')
@example(b'{"a":"\xed\xa0\x80"}')
@example('{"é":1}'.encode())
@example(b'{"a":"\\/"}')
@example(b'{"a":"\x7f"}')
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"a":' * 70 + b"1" + b"}" * 70)
@example(b'{"a":' + b"9" * 100_000 + b"}")
def test_any_bytes(raw: bytes) -> None:
    """Of any bytes at all the two checks think the same, and neither fails otherwise than with its own error."""
    assert accepted_by_writer(raw) == accepted_by_verifier(raw)


@given(CONFUSING, st.data())
def test_known_shape(value: dict[str, object], data: st.DataObject) -> None:
    """Whatever record was seen before, of a changed one its shape says what a parse says."""
    shapes = Shapes()
    seen = canonical.encode(value)
    shapes.check(seen)
    text = seen.decode()
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(start + 4, len(text))))
    raw = (text[:start] + data.draw(JSON_LIKE) + text[stop:]).encode()
    if accepted_by_verifier(raw):
        shapes.check(raw)
    else:
        with pytest.raises(NotCanonical):
            shapes.check(raw)


@given(OBJECTS, st.integers(0, 3))
def test_other_spellings(value: dict[str, object], style: int) -> None:
    """Another spelling of the same value is refused."""
    raw = canonical.encode(value)
    other = [
        json.dumps(value, sort_keys=True).encode(),
        json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode(),
        raw + b" ",
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
    ][style]
    if other != raw:
        assert not accepted_by_writer(other)
        assert not accepted_by_verifier(other)


@pytest.mark.parametrize("depth", [canonical.MAX_DEPTH, canonical.MAX_DEPTH + 1])
def test_depth(depth: int) -> None:
    """The depth limit is the same for both checks and for the encoder."""
    raw = b'{"a":' * depth + b"1" + b"}" * depth
    allowed = depth <= canonical.MAX_DEPTH
    assert (accepted_by_writer(raw), accepted_by_verifier(raw)) == (allowed, allowed)
    if not allowed:
        with pytest.raises(NotCanonical):
            canonical.encode(json.loads(raw))
