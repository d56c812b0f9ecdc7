"""A record answers what it holds, and nothing where it holds something else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.records import ADMITTED, FOREIGN, ORIGIN, SECONDS, record

from audit import canonical
from audit.bodies import header
from audit.checkpoint import LogKey
from audit.errors import Tampered
from audit.export.record import origin_in, parse
from audit.merkle import Tree
from audit.reader import Entry

TIME = b"2026-11-23T08:00:00.000001Z"


def entry(body: bytes, time: bytes = TIME) -> Entry:
    """A `rec` line, or what claims to be one."""
    return Entry(7, b"rec", body, time, b"", "000000000000.log", 0)


def test_members() -> None:
    """Texts, numbers, lists and members of members come back as they are."""
    found = record(ADMITTED)
    assert (found.event, found.text("subject"), found.texts("roles")) == ("request.admitted", "李雷", ("user", "护士"))
    assert found.text("rule", "decision") == "policy.csv:5:1"
    assert found.number("chars", "prompt") == 4
    assert found.objects("filters")[0]["count"] == 2
    assert found.id == f"{ORIGIN}/5"


def test_other_types() -> None:
    """A member of another type, which any client may have written, is no value of this one."""
    found = record({**FOREIGN, "yes": True, "roles": ["a", 1, None]})
    assert found.event == ""
    assert found.text("subject") is None
    assert found.number("status") is None
    assert found.number("yes") is None
    assert parse(entry(b'{"status":9223372036854775808}'), ORIGIN).number("status") is None
    assert found.texts("roles") == ("a",)
    assert found.texts("filters") == ()
    assert found.objects("filters") == ()
    assert found.number("prompt", "usage") is None
    assert found.text("event") is None


def test_microseconds() -> None:
    """The time is exact to the microsecond."""
    assert parse(entry(b"{}"), ORIGIN).microseconds == SECONDS * 1_000_000 + 1


@pytest.mark.parametrize(
    ("body", "time"),
    [
        (b"[1]", TIME),
        (b"{", TIME),
        (b'{"a":"\xff"}', TIME),
        (b"{}", b"x" * 27),
        (b"{}", b"\xff" * 27),
        (b"{}", b"2026-11-23T08:00:00.0000000"),  # a time somewhere
    ],
)
def test_not_a_record(body: bytes, time: bytes) -> None:
    """A line of an altered log that holds no record is named, not stumbled over."""
    with pytest.raises(Tampered, match=r"000000000000\.log:8: is not a record"):
        parse(entry(body, time), ORIGIN)
    with pytest.raises(Tampered, match=r"000000000000\.log:8"):
        origin_in(entry(body))


@pytest.mark.parametrize("origin", ['a"b', "a\nb", "a" * 129, "", "主机"])
def test_forged_origin(origin: str) -> None:
    """An origin that no log has is refused before it can break out of a row, or fill a message."""
    good = header(LogKey(ORIGIN, Ed25519PrivateKey.generate().public_key()), 1, Tree(0, []))
    assert origin_in(entry(good)) == ORIGIN
    forged = canonical.encode({**canonical.parse(good), "origin": origin})
    with pytest.raises(Tampered, match=r"000000000000\.log:8: an origin is"):
        origin_in(entry(forged))
