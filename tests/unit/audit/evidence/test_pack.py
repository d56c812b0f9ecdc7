"""The file of a pack: one spelling, every member known, and no byte that does not matter."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.errors import AuditError, ProofInvalid, UnreadableLog
from audit.evidence import Pack, check_pack, decode, encode, read_pack
from audit.evidence import pack as module

VKEY = "host-a/hangu+0301b760+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def spelled(value: dict[str, Any]) -> bytes:
    """A value as a pack spells it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.fixture
def raw(make: Callable[..., Pack]) -> bytes:
    """The bytes of a pack with a line and an anchor."""
    return encode(make(indices=(2,)))


def test_round_trip(make: Callable[..., Pack]) -> None:
    """What was encoded decodes to the same pack, with Chinese text as it is."""
    pack = make("r-1", "r-3")
    assert decode(encode(pack)) == pack
    assert "张伟" in encode(pack).decode()


def test_every_byte_matters(raw: bytes, private: Ed25519PrivateKey) -> None:
    """Whatever byte of a pack is changed, cut off or added, it is refused: none is read over."""
    public = private.public_key()
    check_pack(decode(raw), public)
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(ProofInvalid):
            check_pack(decode(bytes(changed)), public)
    for other in (raw[:-1], raw + b"\n", raw + b"{}\n", b" " + raw, raw[:-1] + b" \n", b"\xef\xbb\xbf" + raw, raw * 2):
        with pytest.raises(ProofInvalid):
            decode(other)


def test_member_twice(raw: bytes) -> None:
    """A member that is there twice is refused, whichever of the two would count."""
    for twice in (
        raw.replace(b'"contents":[],', b'"contents":[],"contents":[],'),
        raw.replace(b'{"index":2,', b'{"index":4,"index":2,'),
    ):
        assert twice != raw
        with pytest.raises(ProofInvalid, match="repeated key"):
            decode(twice)


@pytest.mark.parametrize("place", ["", "lines", "anchors", "requests", "keys"])
def test_unknown_and_missing_members(make: Callable[..., Pack], tmp_path: Path, place: str) -> None:
    """A member that the format does not know is refused, and so is one that is missing, at every level."""
    value = json.loads(encode(make("r-1", anchors=((tmp_path / "anchor").read_text(),))))
    key = {"checkpoint": "", "end": "", "included": [], "index": 0, "key": "", "proof": []}
    value["keys"] = [key] if place == "keys" else []
    inner = value[place][0] if place else value
    with pytest.raises(ProofInvalid, match="must have exactly the members"):
        decode(spelled(value | {"x": 1}) if not place else spelled(value | {place: [inner | {"x": 1}]}))
    for name in set(inner) - {"format"}:
        less = {each: member for each, member in inner.items() if each != name}
        with pytest.raises(ProofInvalid, match="must have exactly the members"):
            decode(spelled(less if not place else value | {place: [less]}))


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        ("format", "hangu-evidence/2"),
        ("format", None),
        ("checkpoint", 1),
        ("contents", [{}]),
        ("contents", None),
        ("lines", {}),
        ("lines", [1]),
        ("lines", [{"index": -1, "line": "", "proof": []}]),
        ("lines", [{"index": True, "line": "", "proof": []}]),
        ("lines", [{"index": 0, "line": None, "proof": []}]),
        ("lines", [{"index": 0, "line": "", "proof": None}]),
        ("lines", [{"index": 0, "line": "", "proof": ["AA=="]}]),
        ("lines", [{"index": 0, "line": "", "proof": ["é"]}]),
        ("lines", [{"index": 0, "line": "", "proof": ["A" * 42 + "B="]}]),
        ("lines", [{"index": 0, "line": "", "proof": ["A" * 43 + "="] * 65}]),
        ("anchors", [{"note": 1, "proof": []}]),
        ("requests", [{"complete": 1, "request_id": "r"}]),
        ("requests", [{"complete": True, "request_id": 1}]),
        ("keys", [{"checkpoint": "", "end": "", "included": [], "index": 0, "key": "x", "proof": []}]),
        ("keys", [{"checkpoint": "", "end": "", "included": [], "index": 0, "key": f"{VKEY}\n", "proof": []}]),
    ],
)
def test_wrong_types(raw: bytes, place: str, bad: object) -> None:
    """A member of another type or form is refused by its place."""
    with pytest.raises(ProofInvalid, match=place):
        decode(spelled(json.loads(raw) | {place: bad}))


@pytest.mark.parametrize("raw", [b"", b"\n", b"[]\n", b"null\n", b'"x"\n', b"\xff\n", b"{" * 100_000 + b"\n", b"{}\n"])
def test_no_pack_at_all(raw: bytes) -> None:
    """Bytes that are no pack are refused, never an error of another kind."""
    with pytest.raises(ProofInvalid, match="not an evidence pack"):
        decode(raw)


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is missing, a folder, or larger than any pack is refused before it is read."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UnreadableLog):
            read_pack(path)
    large = tmp_path / "large"
    large.write_bytes(b"x" * 100)
    monkeypatch.setattr(module, "MAX_BYTES", 99)
    with pytest.raises(AuditError, match="which no evidence pack is"):
        read_pack(large)
