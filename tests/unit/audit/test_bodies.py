"""The bodies of special lines: built and read back, and nothing else is taken."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.bodies import (
    REKEY,
    ROTATE,
    STOP,
    Content,
    Purge,
    claims,
    end,
    ending,
    header,
    purge,
    purged,
    recovery,
    torn_files,
)
from audit.checkpoint import LogKey
from audit.errors import NotCanonical
from audit.merkle import Tree

KEY = LogKey("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
TIME = b"2026-11-23T08:00:00.000000Z"
DIGEST = "0" * 64
SEGMENT, TORN = Content("000000000000.log", 9, DIGEST), Content("quarantine/000000000004-1.torn", 0, DIGEST)
PURGE = Purge(TIME, 6, (SEGMENT, TORN))


def test_header() -> None:
    """A header says whose log it is, under which key, and what stands before."""
    tree = Tree(3, [bytes(32), bytes([1]) * 32])
    found = claims(header(KEY, 2, tree))
    assert (found.origin, found.number, found.key.vkey) == ("host-a/hangu", 2, KEY.vkey)
    assert (found.tree.size, found.tree.frontier) == (3, tree.frontier)


@pytest.mark.parametrize("member", ["origin", "segment", "previous", "key"])
@pytest.mark.parametrize("value", [None, True, "x", [], {}])
def test_header_of_wrong_types(member: str, value: object) -> None:
    """A member of another type is no header, or one that is not built again from what it claims."""
    body = json.loads(header(KEY, 2, Tree())) | {member: value}
    raw = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    try:
        found = claims(raw)
    except NotCanonical:
        return
    assert header(found.key, found.number, found.tree) != raw


@pytest.mark.parametrize(("why", "key"), [(ROTATE, None), (STOP, None), (REKEY, KEY)])
def test_end(why: str, key: LogKey | None) -> None:
    """An end says why, and names a key where the log was handed over."""
    found, following = ending(end(why, key))
    assert (found, following and following.vkey) == (why, key and key.vkey)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"why":"bored"}',
        b'{"why":"rekey"}',
        b'{"next":null,"why":"rekey"}',
        b'{"next":"x","why":"rekey"}',
        b"[]",
        b'{"next":" %b","why":"rekey"}' % KEY.vkey.encode(),
        end(STOP, KEY),
        b'{"next":{},"why":"stop"}',
    ],
)
def test_no_end(body: bytes) -> None:
    """Another reason, a key that is none, or a key where none belongs is refused."""
    with pytest.raises(NotCanonical):
        ending(body)


def test_purge() -> None:
    """What a purge names is read back, and its segments apart from its quarantine files."""
    assert purged(purge(PURGE)) == PURGE
    assert (PURGE.segments, TORN.index, SEGMENT.index) == ((SEGMENT,), 4, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"before": "2026-11-23"},
        {"before": None},
        {"first": "6"},
        {"first": True},
        {"first": 0},
        {"first": 4},  # the quarantine file belongs to what is kept
        {"removed": []},
        {"removed": {}},
        {"removed": [None]},
        {"removed": [{"bytes": 9, "file": "quarantine/000000000004-1.torn", "sha256": DIGEST}]},  # no segment
        {"removed": [{"bytes": -1, "file": "000000000000.log", "sha256": DIGEST}]},
        {"removed": [{"bytes": 9, "file": "000000000000.log.gz", "sha256": DIGEST}]},
        {"removed": [{"bytes": 9, "file": "../000000000000.log", "sha256": DIGEST}]},
        {"removed": [{"bytes": 9, "file": "000000000000.log", "sha256": "A" * 64}]},
        {"removed": [{"bytes": 9, "file": "000000000000.log", "sha256": DIGEST, "x": 1}]},
        {"removed": [{"bytes": 9, "file": "000000000000.log", "sha256": DIGEST}] * 2},
        {"removed": [{"bytes": 9, "file": "\u0660" * 12 + ".log", "sha256": DIGEST}]},
        {"why": "old"},
    ],
)
def test_no_purge(changes: dict[str, object]) -> None:
    """A purge that is wrong by itself is refused."""
    body = json.loads(purge(PURGE)) | changes
    with pytest.raises(NotCanonical):
        purged(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_recovery() -> None:
    """A recovery names torn tails, none too, and no segment."""
    for torn in ([], [TORN]):
        assert torn_files(recovery(torn)) == torn
    for body in (recovery([SEGMENT]), b'{"torn":{}}', b'{"torn":[],"x":1}', b"{}"):
        with pytest.raises(NotCanonical):
            torn_files(body)
