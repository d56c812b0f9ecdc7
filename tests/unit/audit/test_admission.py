"""The writer's fast check says the same of every body as the verifier's slow one."""

import pytest

from audit.admission import admit
from audit.canonical import MAX_DEPTH, parse
from audit.errors import NotCanonical
from audit.line import MAX_BODY

DEEP = b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        '{"text":"医保报销"}'.encode(),
        b'{"a":[1,-2,true,null,"x",{}],"b":{"c":[]}}',
        b'{"a":9007199254740991,"b":-9007199254740991}',
        b'{"a":"\\u0000\\b\\t\\n\\f\\r\\"\\\\"}',
        '{"a":"\N{GRINNING FACE}\x7f\u2028"}'.encode(),
        DEEP[5:-1],
        b'{"a":"' + b"x" * (MAX_BODY - 8) + b'"}',
    ],
)
def test_canonical(body: bytes) -> None:
    """What is canonical is let in."""
    admit(body)
    parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{}\n",
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.5}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":9007199254740992}',
        b'{"a":123456789012345678901234567890}',
        '{"键":1}'.encode(),
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":NaN}',
        b"\xef\xbb\xbf{}",
        DEEP,
        b'{"a":' * 5000,
    ],
)
def test_not_canonical(body: bytes) -> None:
    """What is not is refused, by both."""
    for check in (admit, parse):
        with pytest.raises(NotCanonical):
            check(body)


def test_too_large() -> None:
    """A body of more than a mebibyte is refused before it is read."""
    with pytest.raises(NotCanonical, match="larger than"):
        admit(b'{"a":"' + b"x" * MAX_BODY + b'"}')
