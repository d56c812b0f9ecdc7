"""The memory of the anchoring process: whole, its own, and never begun anew by accident."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from audit.anchors.state import Progress, State, load_state, save_state
from audit.errors import UnreadableLog

Log = Any  # the class in this folder's conftest


def test_a_state_comes_back(log: Log, tmp_path: Path) -> None:
    """What was seen and how far each target is are there for the next process."""
    file = tmp_path / "state.json"
    assert load_state(file) == State()
    seen = log.view().seen
    targets = {
        "/mnt/锚/": Progress(7, "2026-11-23T08:00:00+00:00", "— w AAAA\n", 0, ""),
        "s3://b": Progress(failures=3, error="x"),
    }
    save_state(file, State(seen, MappingProxyType(targets)))
    again = load_state(file)
    assert again.targets == targets
    assert again.seen is not None
    assert (again.seen.note, again.seen.keys, again.seen.tree.frontier) == (seen.note, seen.keys, seen.tree.frontier)
    assert again.progress("another") == Progress()
    log.grow()
    assert log.view(again.seen).seen.size == seen.size + 2


def test_no_byte_is_trusted(log: Log, tmp_path: Path) -> None:
    """A state whose checkpoint, tree or key was changed, or which is half there, is refused, not begun anew."""
    file = tmp_path / "state.json"
    save_state(file, State(log.view().seen))
    good = json.loads(file.read_text(encoding="utf-8"))
    seen = good["seen"]
    wrong: list[Any] = [
        {},
        [],
        None,
        {**good, "format": "other"},
        {**good, "targets": {"x": {"size": "7"}}},
        {**good, "targets": []},
        {**good, "seen": {**seen, "size": seen["size"] + 1}},
        {**good, "seen": {**seen, "frontier": seen["frontier"][::-1]}},
        {**good, "seen": {**seen, "frontier": [seen["frontier"][0][:-4], *seen["frontier"][1:]]}},
        {**good, "seen": {**seen, "keys": []}},
        {**good, "seen": {**seen, "keys": [seen["keys"][0].replace("host-a", "host-b")]}},
        {**good, "seen": {**seen, "note": seen["note"].replace("AwG", "AwH")}},
        {**good, "seen": {}},
    ]
    for value in wrong:
        file.write_text(json.dumps(value), encoding="utf-8")
        with pytest.raises(UnreadableLog):
            load_state(file)
    for text in ("", "{", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UnreadableLog):
            load_state(file)


def test_a_state_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is missing is reported by its name."""
    with pytest.raises(UnreadableLog, match="cannot be written"):
        save_state(tmp_path / "missing" / "state.json", State())
