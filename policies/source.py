"""YAML read strictly: every value knows its `file:line:column`, and all mistakes of a file come in one run.

The tree is built from the parser's events, so a document that nests deeply or names itself costs nothing. Anchors,
aliases, tags, directives, duplicate keys and a second document are refused: two readers may understand them
differently, and a policy must have one meaning. Plain words follow the YAML 1.2 core schema: only `true` and `false`
are booleans.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import yaml

from policies.node import Entry, Fields, Node, Scalar, has_control
from policies.problem import Location, Problem, Problems, SourceError, did_you_mean, quoted

__all__ = [
    "Entry",
    "Fields",
    "Location",
    "Node",
    "Problem",
    "Problems",
    "SourceError",
    "decode",
    "did_you_mean",
    "parse_yaml",
    "quoted",
]

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def decode(data: bytes, file: str, problems: Problems) -> str | None:
    """The text of a source file, or None with a problem: too large, empty, not UTF-8, or with a forbidden character."""
    start = Location(file, 1, 1)
    if len(data) > MAX_BYTES:
        problems.add(start, f"file is larger than {MAX_BYTES} bytes")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        problems.add(Location(file, line, column), "file is not UTF-8")
        return None
    if not text.strip():
        problems.add(start, "file is empty")
        return None
    bad = _FORBIDDEN.search(text)
    if bad is None:
        return text
    place = Location(file, text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start()))
    problems.add(place, f"character U+{ord(bad[0]):04X} is not allowed in a policy file")
    return None


def parse_yaml(data: bytes, file: str, problems: Problems) -> Node | None:
    """The document's root, or None with a problem when there is none. Mistakes below the root leave a partial tree."""
    text = decode(data, file, problems)
    if text is None:
        return None
    try:
        return _Builder(file, problems).build(yaml.parse(text, Loader=_LOADER))
    except _Refused as refused:
        problems.add(refused.location, refused.message)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)
        problems.add(place, f"not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError:
        problems.add(Location(file, 1, 1), "not valid YAML")
    return None


class _Refused(Exception):
    """The document as a whole is refused; nothing after this place is read."""

    def __init__(self, location: Location, message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read."""

    location: Location
    label: str
    items: list[Node] | None  # a list's items; None for a mapping
    entries: dict[str, Entry]
    key: tuple[str, Location] | None = None  # the key whose value comes next

    def child_label(self) -> str:
        if self.items is not None:
            return self.label if self.label.startswith("an item") else f"an item of {self.label}"
        return f"`{self.key[0]}`" if self.key else "a key"


class _Builder:
    """Events in, one Node out, without recursion."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._stack: list[_Open] = []
        self._root: Node | None = None

    def build(self, events: Iterable[yaml.Event]) -> Node:
        for event in events:
            self._take(event)
        if self._root is None:
            raise _Refused(Location(self._file, 1, 1), "file is empty")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent | yaml.AliasEvent):
            self._open_or_add(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._stack.pop()
            value = done.entries if done.items is None else tuple(done.items)
            self._add(Node(done.location, done.label, value, self._problems))
        elif isinstance(event, yaml.DocumentStartEvent):
            if self._root is not None:
                raise _Refused(self._at(event), "a second document is not allowed in one file")
            if event.version or event.tags:
                raise _Refused(self._at(event), "directives are not allowed")

    def _open_or_add(self, event: yaml.NodeEvent) -> None:
        place = self._at(event)
        if event.anchor is not None:
            raise _Refused(place, "anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _Refused(place, f"tags are not allowed, got {quoted(str(event.tag))}")  # type: ignore[attr-defined]  # an alias, the one event without a tag, was refused above
        label = self._stack[-1].child_label() if self._stack else "the file"
        if isinstance(event, yaml.ScalarEvent):
            self._add(Node(place, label, _scalar(event), self._problems))
            return
        if len(self._stack) >= MAX_DEPTH:
            raise _Refused(place, f"nested deeper than {MAX_DEPTH} levels")
        if self._stack and self._stack[-1].items is None and self._stack[-1].key is None:
            raise _Refused(place, "a key must be a string")
        is_list = isinstance(event, yaml.SequenceStartEvent)
        self._stack.append(_Open(place, label, [] if is_list else None, {}))

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if parent.items is not None:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = (self._key(node), node.location)
        else:
            name, place = parent.key
            parent.key = None
            if name in parent.entries:
                self._problems.add(place, f"key {quoted(name)} stands twice")
            parent.entries.setdefault(name, Entry(name, place, node))

    def _key(self, node: Node) -> str:
        if not isinstance(node.value, str) or not node.value or has_control(node.value):
            raise _Refused(node.location, f"a key must be a string, got {node.described()}")
        return node.value

    def _at(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        return Location(self._file, mark.line + 1, mark.column + 1) if mark else Location(self._file, 1, 1)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text: str = event.value
    if event.style:  # quoted or block: always text
        return text
    if text in {"", "~", "null"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if number not in {float("inf"), float("-inf")} else text
    return text
