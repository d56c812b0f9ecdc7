"""What the anchoring process remembers between two rounds and two lives: what it saw, and what reached which target.

One JSON file, replaced as a whole. It lies outside the log directory, and it is the process's memory: whoever deletes
it takes from it the means to notice a rollback, though not from witnesses and stores, which are asked again then.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audit.anchors.durable import replace_file
from audit.anchors.history import Seen
from audit.bodies import signed_note
from audit.canonical import encode
from audit.checkpoint import parse_vkey
from audit.errors import AuditError, UnreadableLog
from audit.merkle import Tree

FORMAT = "hangu-anchor-state/1"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one target is."""

    size: int = 0  # lines of the last checkpoint that reached it
    time: str = ""  # when that was, RFC 3339 UTC
    cosignature: str = ""  # what a witness gave for it
    failures: int = 0  # since then, in a row
    error: str = ""  # the last one


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is remembered. `seen` is None before the first checkpoint was read."""

    seen: Seen | None = None
    targets: Mapping[str, Progress] = field(default_factory=lambda: MappingProxyType({}))

    def progress(self, target: str) -> Progress:
        return self.targets.get(target, Progress())


def load_state(file: Path) -> State:
    """The state in a file; an empty one where there is no file.

    Raises `UnreadableLog` for a file that is not whole: to begin anew in its place would forget what was seen.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        raise UnreadableLog(f"{file}: {error}") from error
    try:
        return _parse(value)
    except (AuditError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableLog(f"{file}: not the state of `audit anchor`: {error}") from error


def save_state(file: Path, state: State) -> None:
    """Return when the state is on disk. Raises `UnreadableLog`."""
    seen = state.seen
    value = {
        "format": FORMAT,
        "seen": seen
        and {
            "frontier": [base64.b64encode(node).decode() for node in seen.tree.frontier],
            "keys": list(seen.keys),
            "note": seen.note,
            "size": seen.size,
        },
        "targets": {name: asdict(progress) for name, progress in sorted(state.targets.items())},
    }
    data = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    try:
        replace_file(file, data.encode())
    except OSError as error:
        raise UnreadableLog(f"{file}: cannot be written: {error}") from error


def _parse(value: Any) -> State:
    if value["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    names = {known.name: type(known.default) for known in fields(Progress)}
    targets = {}
    for target, progress in value["targets"].items():
        if {name: type(found) for name, found in progress.items()} != names:
            raise ValueError(f"the entry of `{target}`")
        targets[target] = Progress(**progress)
    return State(_seen(value["seen"]) if value["seen"] is not None else None, MappingProxyType(targets))


def _seen(value: Any) -> Seen:
    tree = Tree(value["size"], [base64.b64decode(node, validate=True) for node in value["frontier"]])
    seen = Seen(str(value["note"]), tree, tuple(str(key) for key in value["keys"]))
    signed = signed_note(encode({"note": seen.note}), parse_vkey(seen.keys[-1]))
    if (signed.size, signed.root) != (tree.size, tree.root()):
        raise ValueError("its checkpoint is not of its tree")
    return seen
