"""Records recognised by their shape: nothing passes that a full parse would refuse, whatever was seen before."""

import pytest

from audit import canonical
from audit.errors import NotCanonical
from audit.shapes import Shapes

BASE = '{"a":{"b":["x","医保"],"c":1},"d":"出差\\n\\"报销\\"","e":null}'.encode()


@pytest.fixture
def shapes() -> Shapes:
    """Shapes that have seen `BASE`."""
    known = Shapes()
    known.check(BASE)
    assert len(known) == 1
    return known


@pytest.mark.parametrize(
    "body",
    [
        BASE,
        b'{"a":{"b":["",""],"c":-5},"d":"","e":null}',
        '{"a":{"b":["\x7f","\u2028"],"c":0},"d":"{\\"a\\":1},\\\\","e":null}'.encode(),
        b'{"a":{"b":["]","}"],"c":999999999999999},"d":"\\u0000\\u001f\\b\\f\\r\\t","e":null}',
    ],
)
def test_same_shape(body: bytes, shapes: Shapes) -> None:
    """Other values in a shape that was seen are taken, whatever canonical strings and integers they are."""
    canonical.parse(body)
    shapes.check(body)
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"c":1', b'"c":-0'),
        (b'"c":1', b'"c":01'),
        (b'"c":1', b'"c":1.0'),
        (b'"c":1', b'"c":1e2'),
        (b'"c":1', b'"c":9007199254740992'),
        (b'"c":1', b'"c":\n0'),
        (b'"c":1', b'"c": 1'),
        (b'"c":1', b'"c":'),
        (b'"c":1', b'"c":"'),
        (b'"c":1', b'"c":1,"c":1'),
        (b'"x"', b"\n0"),
        (b'"x"', b'"\n0"'),
        (b'"x"', b'"\\/"'),
        (b'"x"', b'"\\u0078"'),
        (b'"x"', b'"\\u0008"'),
        (b'"x"', b'"\\u0009"'),
        (b'"x"', b'"\\u000a"'),
        (b'"x"', b'"\\u000c"'),
        (b'"x"', b'"\\u000d"'),
        (b'"x"', b'"\\u0022"'),
        (b'"x"', b'"\\u001F"'),
        (b'"x"', b'"\\ud800"'),
        (b'"x"', b'"\x1f"'),
        (b'"x"', b'"\xed\xa0\x80"'),
        (b'"x"', b'"\xc0\xaf"'),
        (b'"x"', b'"x"x"'),
        (b'"x"', b'"\\"'),
        (b'"e":null', b'"e":nul'),
        (b'"d"', b'"f"'),
        (b'"d"', '"é"'.encode()),
    ],
)
def test_other_bytes(old: bytes, new: bytes, shapes: Shapes) -> None:
    """What has no canonical form is refused, also where the record around it was seen before."""
    assert BASE.count(old) == 1
    with pytest.raises(NotCanonical):
        shapes.check(BASE.replace(old, new))


@pytest.mark.parametrize(
    ("base", "attack"),
    [
        (b'{"k,":"]"}', b'{"k,"xyz"]"}'),
        (b'{"k,":",","l":"}"}', b'{"k,":"x"l"x"}'),
        (b'{"a:5,":1}', b'{"a:"x",":1}'),
        (b'{"a:5,":1}', b'{"a:7,":1}x'),
        (b'{"a,":"}","b":1}', b'{"a,"x"}","b":1}'),
    ],
)
def test_key_that_reads_like_values(base: bytes, attack: bytes) -> None:
    """A key made to look like the end of one value and the start of the next opens no way around the parse."""
    shapes = Shapes()
    shapes.check(base)
    shapes.check(base)
    with pytest.raises(NotCanonical):
        canonical.parse(attack)
    with pytest.raises(NotCanonical):
        shapes.check(attack)


def test_brackets_without_end() -> None:
    """A text full of brackets, which a wrong blank would lay bare, is a text."""
    body = canonical.encode({"k,": "]" + "[" * 3000, "l": "x"})
    shapes = Shapes()
    shapes.check(body)
    shapes.check(body)


def test_more_shapes_than_are_kept() -> None:
    """Records of ever other shapes are judged the same, and what is kept of them is bounded."""
    shapes = Shapes()
    for n in range(4100):
        shapes.check(b'{"a%d":1}' % n)
    assert len(shapes) == 4096
    shapes.check(canonical.encode({f"{n:04}": n for n in range(5000)}))
    shapes.check(b'{"a4099":2}')
    with pytest.raises(NotCanonical):
        shapes.check(b'{"a4099":-0}')
