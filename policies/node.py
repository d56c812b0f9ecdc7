"""One value of a policy file with its place, and typed readers that report what they do not understand."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policies.problem import Location, Problems, did_you_mean, quoted

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_BUT_LINES: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Scalar = str | int | float | bool | None


def has_control(text: str) -> bool:
    """Whether a one-line text holds a control character, a line separator or half of a surrogate pair."""
    return _CONTROL.search(text) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping; `location` is the key's."""

    key: str
    location: Location
    value: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document. A reader that meets something else adds a Problem and returns an empty value.

    The empty value never travels: whoever reads a document ends with `problems.raise_if_any()`.
    """

    location: Location
    label: str  # how messages call it: "`rules`", "an item of `rules`"
    value: "Scalar | tuple[Node, ...] | dict[str, Entry]"
    problems: Problems = field(repr=False, compare=False)

    def fail(self, message: str) -> None:
        """Add a problem at this node."""
        self.problems.add(self.location, message)

    def expected(self, what: str) -> None:
        """Add the problem that this node should have been `what`."""
        self.fail(f"{self.label} must be {what}, got {self.described()}")

    def string(
        self,
        default: str = "",
        *,
        choices: Iterable[str] = (),
        pattern: str | None = None,
        max_length: int = 4096,
        multiline: bool = False,
    ) -> str:
        """A non-empty string; control characters are refused (line ends and tabs too, unless `multiline`).

        `pattern` must match the whole string. A plain number, boolean or null must be quoted to be a string.
        """
        value = self.value
        if not isinstance(value, str):
            hint = "" if isinstance(value, tuple | dict | None) else "; put it in quotes if it is meant as text"
            self.fail(f"{self.label} must be a string, got {self.described()}{hint}")
            return default
        known = tuple(choices)
        if not value:
            self.fail(f"{self.label} must not be empty")
        elif len(value) > max_length:
            self.fail(f"{self.label} must not be longer than {max_length} characters, got {len(value)}")
        elif (_CONTROL_BUT_LINES if multiline else _CONTROL).search(value):
            self.fail(f"{self.label} must not hold control characters, got {quoted(value)}")
        elif known and value not in known:
            names = " or ".join(f"`{name}`" for name in known)
            self.fail(f"{self.label} must be {names}, got {quoted(value)}{did_you_mean(value, known)}")
        elif pattern is not None and not re.fullmatch(pattern, value):
            self.fail(f"{self.label} must match `{pattern}`, got {quoted(value)}")
        else:
            return value
        return default

    def integer(self, minimum: int | None = None, maximum: int | None = None, default: int = 0) -> int:
        """A whole number within the bounds, both included; never a boolean, never a quoted number."""
        value = self.value
        if not isinstance(value, int) or isinstance(value, bool):
            self.expected("an integer")
            return default
        return default if self._out_of_bounds(value, minimum, maximum) else value

    def number(self, minimum: float | None = None, maximum: float | None = None, default: float = 0.0) -> float:
        """A finite number within the bounds, both included; an integer will do."""
        value = self.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.expected("a number")
            return default
        return default if self._out_of_bounds(value, minimum, maximum) else float(value)

    def boolean(self, default: bool = False) -> bool:
        """`true` or `false`; `yes`, `on`, 1 and quoted words are refused."""
        if isinstance(self.value, bool):
            return self.value
        self.expected("`true` or `false`")
        return default

    def nodes(self) -> "tuple[Node, ...]":
        """The items of a list."""
        if isinstance(self.value, tuple):
            return self.value
        self.expected("a list")
        return ()

    def strings(
        self, *, choices: Iterable[str] = (), pattern: str | None = None, max_length: int = 4096, empty: bool = False
    ) -> tuple[str, ...]:
        """A list of distinct strings, each as `string` reads it; an empty list is refused unless `empty`."""
        if not isinstance(self.value, tuple):
            self.expected("a list of strings")
            return ()
        if not self.value and not empty:
            self.fail(f"{self.label} must not be empty")
        known = tuple(choices)
        seen: dict[str, None] = {}
        for item in self.value:
            text = item.string(choices=known, pattern=pattern, max_length=max_length)
            if text and text in seen:
                item.fail(f"{item.label} stands twice: {quoted(text)}")
            seen[text] = None
        return tuple(seen)

    def entries(self) -> tuple[Entry, ...]:
        """The entries of a mapping whose keys are free, in file order."""
        if isinstance(self.value, dict):
            return tuple(self.value.values())
        self.expected("a mapping")
        return ()

    def mapping(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> "Fields":
        """The entries of a mapping whose keys are known. A missing or an unknown key is a problem."""
        needed, known = tuple(required), (*required, *optional)
        if not isinstance(self.value, dict):
            self.expected("a mapping")
            return Fields(self, {})
        missing = [key for key in needed if key not in self.value]
        for entry in self.value.values():
            if entry.key not in known:
                hint = did_you_mean(entry.key, missing) or did_you_mean(entry.key, known)
                self.problems.add(entry.location, f"unknown key {quoted(entry.key)}{hint}")
        for key in missing:
            self.fail(f"missing key `{key}`")
        return Fields(self, {key: entry.value for key, entry in self.value.items()})

    def _out_of_bounds(self, value: float, minimum: float | None, maximum: float | None) -> bool:
        if minimum is not None and value < minimum:
            self.fail(f"{self.label} must be at least {minimum}, got {value}")
            return True
        if maximum is not None and value > maximum:
            self.fail(f"{self.label} must be at most {maximum}, got {value}")
            return True
        return False

    def described(self) -> str:
        """What stands here, in words for a message."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, tuple):
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return f"the boolean `{str(self.value).lower()}`"
        if isinstance(self.value, str):
            return f"the string {quoted(self.value)}"
        return f"the number `{self.value}`"


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with known keys. Each reader returns its default for an absent key: absence was judged by `mapping`."""

    owner: Node
    _values: dict[str, Node]

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def node(self, key: str) -> Node | None:
        """The value as it stands, or None when the key is absent."""
        return self._values.get(key)

    def location(self, key: str) -> Location:
        """Where the value stands; the mapping itself when the key is absent."""
        return self._values.get(key, self.owner).location

    def fail(self, key: str, message: str) -> None:
        """Add a problem at the value of `key`."""
        self.owner.problems.add(self.location(key), message)

    def string(
        self,
        key: str,
        default: str = "",
        *,
        choices: Iterable[str] = (),
        pattern: str | None = None,
        max_length: int = 4096,
        multiline: bool = False,
    ) -> str:
        """See Node.string."""
        node = self._values.get(key)
        if node is None:
            return default
        return node.string(default, choices=choices, pattern=pattern, max_length=max_length, multiline=multiline)

    def integer(self, key: str, minimum: int | None = None, maximum: int | None = None, default: int = 0) -> int:
        """See Node.integer."""
        node = self._values.get(key)
        return default if node is None else node.integer(minimum, maximum, default)

    def number(
        self, key: str, minimum: float | None = None, maximum: float | None = None, default: float = 0.0
    ) -> float:
        """See Node.number."""
        node = self._values.get(key)
        return default if node is None else node.number(minimum, maximum, default)

    def boolean(self, key: str, default: bool = False) -> bool:
        """See Node.boolean."""
        node = self._values.get(key)
        return default if node is None else node.boolean(default)

    def strings(
        self,
        key: str,
        *,
        choices: Iterable[str] = (),
        pattern: str | None = None,
        max_length: int = 4096,
        empty: bool = False,
    ) -> tuple[str, ...]:
        """See Node.strings."""
        node = self._values.get(key)
        return (
            () if node is None else node.strings(choices=choices, pattern=pattern, max_length=max_length, empty=empty)
        )

    def mapping(self, key: str, required: Iterable[str] = (), optional: Iterable[str] = ()) -> "Fields":
        """See Node.mapping; without an entry when the key is absent."""
        node = self._values.get(key)
        return Fields(self.owner, {}) if node is None else node.mapping(required, optional)

    def nodes(self, key: str) -> tuple[Node, ...]:
        """See Node.nodes."""
        node = self._values.get(key)
        return () if node is None else node.nodes()
