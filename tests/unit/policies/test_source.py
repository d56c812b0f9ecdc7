"""policies/source.py, node.py and problem.py: YAML with places, and every mistake in one run."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.source import Fields, Location, Node, Problem, Problems, SourceError, did_you_mean, parse_yaml, quoted


def _parse(text: str | bytes) -> tuple[Node | None, list[str]]:
    problems = Problems()
    data = text if isinstance(text, bytes) else text.encode()
    return parse_yaml(data, "x.yaml", problems), [str(problem) for problem in problems]


def _fields(text: str, *keys: str) -> tuple[Fields, Problems]:
    problems = Problems()
    node = parse_yaml(text.encode(), "x.yaml", problems)
    assert node is not None
    return node.mapping([], keys), problems


def test_values_and_places() -> None:
    """Each value is read as its type and knows where it stands."""
    fields, problems = _fields(
        "name: 王芳\ncount: 3\nshare: 0.5\non: true\nroles: [a, b]\nrows:\n  - {x: 1}\n",
        "name", "count", "share", "on", "roles", "rows",
    )  # fmt: skip
    assert fields.string("name") == "王芳"
    assert fields.integer("count", 1, 3) == 3
    assert fields.number("share") == 0.5
    assert fields.boolean("on") is True
    assert fields.strings("roles") == ("a", "b")
    assert [str(row.location) for row in fields.nodes("rows")] == ["x.yaml:7:5"]
    assert fields.location("roles") == Location("x.yaml", 5, 8)
    assert "name" in fields
    assert "nome" not in fields
    assert problems.count == 0


def test_absent_keys_give_defaults() -> None:
    """An absent optional key gives the default and is no problem; its place is the mapping's."""
    fields, problems = _fields("a: 1", "a", "b")
    assert (fields.string("b", "x"), fields.integer("b", default=7), fields.number("b", default=0.5)) == ("x", 7, 0.5)
    assert (fields.boolean("b", True), fields.strings("b"), fields.nodes("b"), fields.node("b")) == (True, (), (), None)
    assert fields.location("b") == Location("x.yaml", 1, 1)
    assert problems.count == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b", "x.yaml:2:1: key `name` stands twice"),
        ("name: &a x\nother: *a", "x.yaml:1:7: anchors and aliases are not allowed"),
        ("a: *b", "x.yaml:1:4: anchors and aliases are not allowed"),
        ("a: !!python/object/apply:os.system [x]", "x.yaml:1:4: tags are not allowed"),
        ("a: !!str x", "x.yaml:1:4: tags are not allowed"),
        ("%YAML 1.1\n---\na: b", "x.yaml:1:1: directives are not allowed"),
        ("a: b\n---\nc: d", "x.yaml:2:1: a second document"),
        ("1: b", "x.yaml:1:1: a key must be a string"),
        ("? [a]\n: b", "x.yaml:1:3: a key must be a string"),
        ("? {a: b}\n: b", "x.yaml:1:3: a key must be a string"),
        ('"": b', "x.yaml:1:1: a key must be a string"),
        ('"a\\nb": b', "x.yaml:1:1: a key must be a string"),
        ("a: 'x", "not valid YAML"),
        ("a: b: c", "x.yaml:1:5: not valid YAML"),
        ("a:\n\t- b", "not valid YAML"),
        ('a: "\\ud800"', "not valid YAML"),
        ("", "x.yaml:1:1: file is empty"),
        ("# only words", "x.yaml:1:1: file is empty"),
    ],
)
def test_refused_document(text: str, message: str) -> None:
    """What two readers may understand differently is refused, at its place."""
    _, found = _parse(text)
    assert any(message in line for line in found), found


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xef\xbb\xbfa: b", "x.yaml:1:1: character U+FEFF"),
        (b"a: b\nc: d\x00", "x.yaml:2:5: character U+0000"),
        ("甲: \x85".encode(), "x.yaml:1:4: character U+0085"),
        ("甲: ".encode() + b"\xff", "x.yaml:1:4: file is not UTF-8"),
        (b"a: \xed\xa0\x80", "x.yaml:1:4: file is not UTF-8"),
        ("a: b".encode("utf-16"), "x.yaml:1:1: file is not UTF-8"),
        (b"a" * ((1 << 20) + 1), "x.yaml:1:1: file is larger than 1048576 bytes"),
    ],
)
def test_refused_bytes(data: bytes, message: str) -> None:
    """Only plain UTF-8 text of bounded size is read; columns count characters, not bytes."""
    node, found = _parse(data)
    assert node is None
    assert found[0].startswith(message)


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? "])
def test_nesting_bomb(piece: str) -> None:
    """Endless nesting is refused where it passes the limit, without exhausting the stack or the clock."""
    started = time.perf_counter()
    node, found = _parse(piece * 100_000)
    assert node is None
    assert any("deeper than 32" in line or "not valid YAML" in line or "key" in line for line in found)
    assert time.perf_counter() - started < 2


def test_problem_flood() -> None:
    """A file full of mistakes gives a bounded report."""
    node, _ = _parse("x:\n" + "- 1\n" * 50_000)
    assert node is not None
    node.mapping(["x"]).strings("x")
    assert node.problems.count == 50_000
    assert len(list(node.problems)) == 500


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "True", "TRUE", "y", "1", '"true"', "null", "[true]"])
def test_booleans_are_strict(word: str) -> None:
    """Only `true` and `false` are booleans; the other words of YAML 1.1 are not."""
    fields, problems = _fields(f"a: {word}", "a")
    assert fields.boolean("a") is False
    assert next(iter(problems)).message.startswith("`a` must be `true` or `false`, got")


@pytest.mark.parametrize("word", ['"1"', "1.0", "true", "0x10", "1_000", "010", "1e3", "~", "9999999999999999999999"])
def test_integers_are_strict(word: str) -> None:
    """Only plain decimal digits are an integer; booleans, quoted and other spellings are not."""
    fields, problems = _fields(f"a: {word}", "a")
    assert fields.integer("a", default=5) == 5
    assert next(iter(problems)).message.startswith("`a` must be an integer, got")


@pytest.mark.parametrize("word", ["1", "1.5", "true", "null", "[a]", "{a: b}", '""', '"a\\nb"', '"a\\x00b"', "''"])
def test_strings_are_strict(word: str) -> None:
    """A number, a boolean, nothing, or a control character is no string."""
    fields, problems = _fields(f"a: {word}", "a")
    assert fields.string("a", "x") == "x"
    assert problems.count == 1


def test_string_rules() -> None:
    """Choices, pattern and length each refuse with their own message and a near word."""
    fields, problems = _fields("a: bock\nb: A!\nc: 123456x\n", "a", "b", "c")
    fields.string("a", choices=("block", "redact"))
    fields.string("b", pattern="[a-z]+")
    fields.string("c", max_length=3)
    assert [problem.message for problem in problems] == [
        "`a` must be `block` or `redact`, got `bock` (did you mean `block`?)",
        "`b` must match `[a-z]+`, got `A!`",
        "`c` must not be longer than 3 characters, got 7",
    ]


def test_number_bounds() -> None:
    """Bounds include their ends, and what lies outside is refused."""
    fields, problems = _fields("a: 0\nb: 11\nc: 1e999\nd: 1\n", "a", "b", "c", "d")
    assert fields.integer("a", 1, 10, default=3) == 3
    assert fields.integer("b", 1, 10, default=3) == 3
    assert fields.number("c", default=0.5) == 0.5
    assert fields.number("d", 0, 1) == 1.0
    assert problems.count == 3


def test_lists_hold_each_string_once() -> None:
    """A repeated item is a mistake, and so is an empty list unless it is allowed."""
    fields, problems = _fields("a: [x, x]\nb: []\nc: []\nd: x", "a", "b", "c", "d")
    assert fields.strings("a") == ("x",)
    fields.strings("b")
    assert fields.strings("c", empty=True) == ()
    fields.strings("d")
    assert [problem.message for problem in problems] == [
        "an item of `a` stands twice: `x`",
        "`b` must not be empty",
        "`d` must be a list of strings, got the string `x`",
    ]


def test_unknown_and_missing_keys() -> None:
    """An unknown key is named with a near one, a missing key is named at the mapping."""
    problems = Problems()
    node = parse_yaml("a:\n  nmae: x\n".encode(), "x.yaml", problems)  # noqa: UP012 - the readers take bytes
    assert node is not None
    node.mapping(["a"]).mapping("a", ["name"], ["other"])
    assert [str(problem) for problem in problems] == [
        "x.yaml:2:3: missing key `name`",
        "x.yaml:2:3: unknown key `nmae` (did you mean `name`?)",
    ]


def test_wrong_shape_gives_empty_fields() -> None:
    """A list in place of a mapping is one problem; reading on finds nothing and does not fail."""
    node, _ = _parse("- a")
    assert node is not None
    assert node.mapping(["a"]).string("a") == ""
    assert node.entries() == ()
    assert [problem.message for problem in node.problems] == ["the file must be a mapping, got a list"]


def test_free_keys_keep_their_order() -> None:
    """A mapping with free keys is read in file order, with the place of each key."""
    node, _ = _parse("乙: 1\n甲: 2\n")
    assert node is not None
    assert [(entry.key, entry.location.line) for entry in node.entries()] == [("乙", 1), ("甲", 2)]


def test_error_joins_lines() -> None:
    """The exception reads as one line per problem, in file order."""
    problems = Problems()
    problems.add(Location("b", 1, 1), "second")
    problems.add(Location("a", 2, 1), "first")
    problems.add(Location("a", 2, 1), "first")
    with pytest.raises(SourceError, match=r"^a:2:1: first\nb:1:1: second$") as caught:
        problems.raise_if_any()
    assert caught.value.problems == (Problem(Location("a", 2, 1), "first"), Problem(Location("b", 1, 1), "second"))


def test_no_problem_no_error() -> None:
    """Nothing is raised when nothing was found."""
    Problems().raise_if_any()


def test_hostile_text_in_messages() -> None:
    """User text cannot forge lines of a report or flood it."""
    assert quoted("a\nb\x1b[31m\ud800") == "`a\\nb\\x1b[31m\\ud800`"
    assert len(quoted("x" * 10_000)) < 70
    assert did_you_mean("x" * 100_000, ["block"]) == ""


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes, the answer is a tree or a problem, never an exception."""
    problems = Problems()
    node = parse_yaml(data, "x.yaml", problems)
    assert node is not None or problems.count


@given(st.text(alphabet="ab:{}[]-,#&*!|>'\"%@` \n?~1", max_size=60))
def test_any_yaml_like_text(text: str) -> None:
    """The same for texts built from YAML's own signs; reading them as anything gives values, never an exception."""
    problems = Problems()
    node = parse_yaml(text.encode(), "x.yaml", problems)
    if node is None:
        assert problems.count
        return
    for key in ("a", "b"):
        fields = node.mapping([], [key])
        fields.string(key), fields.integer(key), fields.number(key), fields.boolean(key), fields.strings(key)
    node.entries()
