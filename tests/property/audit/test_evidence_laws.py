"""Laws of packs: whatever history a log has, any of its lines are proved; whatever is done to a pack, it is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.story import START_NS, Storyteller
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.archive import archivable, archive
from audit.checkpoint import Signer, parse_note
from audit.errors import ProofInvalid
from audit.evidence import Selection, build, check_pack, decode, encode
from audit.journal import Journal, Rotation
from audit.prove import Prover

ORIGIN = "host-a/hangu"
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(4)]
STEPS = st.lists(st.sampled_from(["record", "request", "stop", "hand over", "archive"]), min_size=1, max_size=12)


def write(log: Path, steps: list[str], max_bytes: int) -> list[Ed25519PrivateKey]:
    """A log with this history; the keys that signed it, in turn."""
    keys = KEYS[:1]

    def journal() -> Journal:
        return Journal(log, Signer(ORIGIN, keys[-1]), Rotation(max_bytes=max_bytes), START_NS)

    story = Storyteller(journal())
    for number, step in enumerate(steps):
        match step:
            case "record":
                story.tell("note", text="医保" * number)
            case "request":
                story.request(f"r-{number}")
            case "stop":
                story.close()
                story = Storyteller(journal(), story.now_ns)
            case "hand over" if len(keys) < len(KEYS):
                keys = KEYS[: len(keys) + 1]
                story.journal.hand_over(Signer(ORIGIN, keys[-1]), story.now_ns)
            case _:
                for name in archivable(log, START_NS * 2):
                    archive(log, name)
    story.close()
    return keys


@settings(max_examples=25)
@given(STEPS, st.sampled_from([1, 1500, 1 << 20]), st.data())
def test_any_history(steps: list[str], max_bytes: int, data: st.DataObject) -> None:
    """Any lines of any log, and any of its checkpoints, are proved to whoever holds any key that signed it."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        public = data.draw(st.sampled_from(write(log, steps, max_bytes))).public_key()
        prover = Prover(log, public)
        size = parse_note(prover.newest())[0].size
        indices = tuple(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=4)))
        anchors = [prover.over(data.draw(st.integers(0, size - 1))) for _ in range(2)]
        pack = build(log, public, Selection(indices), anchors)
        finding = check_pack(decode(encode(pack)), public, ORIGIN)
        assert set(indices) <= {index for index, _ in finding.lines}


@pytest.fixture(scope="module")
def raw() -> bytes:
    """A pack of a request in a log that two keys signed, with an anchor."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        write(log, ["request", "hand over", "request"], 1500)
        public = KEYS[0].public_key()
        return encode(build(log, public, Selection(request_ids=("r-0",)), [Prover(log, public).over(2)]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.text(max_size=8) | st.just("A" * 43 + "="),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_member_replaced(raw: bytes, data: st.DataObject) -> None:
    """Whatever stands in the place of any one value in a pack, it is refused by name, never by another error."""
    value = json.loads(raw)
    places = list(_places(value))
    container, key = data.draw(st.sampled_from(places))
    new = data.draw(JSON)
    assume(json.dumps(new) != json.dumps(container[key]))
    assume(not (key == "anchors" and new == []))  # without its anchors a pack shows less, which is not wrong
    container[key] = new
    changed = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(ProofInvalid):
        check_pack(decode(changed), KEYS[0].public_key())


@given(st.data())
def test_any_entry_left_out(raw: bytes, data: st.DataObject) -> None:
    """An entry that is left out of a pack is missed, but for an anchor, without which less is shown."""
    value = json.loads(raw)
    lists = [each[key] for each, key in _places(value) if isinstance(each[key], list) and each[key]]
    entries = data.draw(st.sampled_from([each for each in lists if each is not value["anchors"]]))
    del entries[data.draw(st.integers(0, len(entries) - 1))]
    changed = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(ProofInvalid):
        check_pack(decode(changed), KEYS[0].public_key())


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and entry of a JSON value, as the container and the key in it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
