"""policies/limits.py and rules.py: rates, and the first rule that matches."""

from __future__ import annotations

import pytest

from policies.limits import LimitPolicy, Rate, load_limits
from policies.source import Problems, parse_yaml

_GOOD = """\
address: {requests: 300/minute}
rules:
  - {role: guest, model: big, requests: 1/hour}
  - {role: guest, requests: 10/minute}
  - {subject: 王芳, requests: 5/second}
  - {client: batch, requests: 9/day}
  - {requests: 120/minute}
"""


def _load(text: str) -> tuple[LimitPolicy, list[str]]:
    problems = Problems()
    node = parse_yaml(text.encode(), "limits.yaml", problems)
    assert node is not None
    return load_limits(node, problems), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("subject", "roles", "client", "model", "line"),
    [
        ("a", ["guest"], None, "big", 3),
        ("a", ["guest"], None, "small", 4),
        ("a", ["user", "guest"], None, None, 4),
        ("王芳", ["user"], None, "big", 5),
        ("王芳", ["guest"], None, "small", 4),
        ("a", ["user"], "batch", None, 6),
        ("batch", ["user"], None, None, 7),
        ("a", [], None, None, 7),
        ("guest", ["role:guest", "Guest"], "x", "big", 7),
    ],
)
def test_first_match_wins(subject: str, roles: list[str], client: str | None, model: str | None, line: int) -> None:
    """The first row whose matchers all hold decides; names are compared exactly."""
    policy, found = _load(_GOOD)
    assert found == []
    assert policy.select(subject, roles, client, model).location.line == line


@pytest.mark.parametrize(
    ("text", "rate"), [("1/second", (1, 1)), ("10/minute", (10, 60)), ("9/hour", (9, 3600)), ("7/day", (7, 86400))]
)
def test_rate(text: str, rate: tuple[int, int]) -> None:
    """A rate is a count and a unit, and is written back as it was read."""
    policy, found = _load(_GOOD.replace("300/minute", text))
    assert found == []
    assert policy.address == Rate(*rate)
    assert str(policy.address) == text


@pytest.mark.parametrize(
    "text",
    [
        "0/minute",
        "-1/minute",
        "10",
        "10/min",
        "10 / minute",
        "1.5/minute",
        "１０/minute",
        "10/minutes",
        "9" * 12 + "/day",
        "/minute",
    ],
)
def test_no_rate(text: str) -> None:
    """Zero, other spellings and absurd sizes are refused: a limit must mean one thing."""
    _, found = _load(_GOOD.replace("300/minute", f'"{text}"'))
    assert len(found) == 1
    assert "limits.yaml:1:21: `requests` must read like `10/minute`" in found[0]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("  - {role: guest, requests: 1/day}\n", "limits.yaml:3:5: the last rule must match everything"),
        ("  []\n", "the last rule must match everything"),
        (
            "  - {requests: 1/day}\n  - {role: a, requests: 1/day}\n  - {requests: 2/day}\n",
            "never reached: the rule on line 3",
        ),
        (
            "  - {role: a, requests: 1/day}\n  - {model: m, role: a, requests: 1/day}\n  - {requests: 1/day}\n",
            "limits.yaml:4:5: never reached",
        ),
        ("  - {rolle: a, requests: 1/day}\n  - {requests: 1/day}\n", "unknown key `rolle` (did you mean `role`?)"),
        ("  - {tokens: 5/day, requests: 1/day}\n", "unknown key `tokens`"),
        ("  - {requests: 5}\n", "`requests` must be a string, got the number `5`"),
        ("  - {}\n", "missing key `requests`"),
        ("  - 5\n", "must be a mapping"),
        ("  x\n", "`rules` must be a list"),
    ],
)
def test_bad_rules(rules: str, message: str) -> None:
    """Lists with a gap, with rows that are never reached, or with unknown words are refused."""
    _, found = _load("address: {requests: 1/day}\nrules:\n" + rules)
    assert any(message in line for line in found), found


def test_missing_parts() -> None:
    """Both parts are needed."""
    _, found = _load("adress: {}")
    assert any("unknown key `adress` (did you mean `address`?)" in line for line in found)
    assert any("missing key `rules`" in line for line in found)


def test_many_rules_are_checked_quickly() -> None:
    """A list of many thousand rows is checked in one pass."""
    rows = "".join(f"  - {{subject: s{number}, requests: 1/day}}\n" for number in range(20_000))
    _, found = _load(f"address: {{requests: 1/day}}\nrules:\n{rows}  - {{requests: 1/day}}\n")
    assert found == []
