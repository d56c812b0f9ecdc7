"""A table shows what matters of a case, in columns that stay columns."""

import re
from typing import Any

import pytest

from audit.review.search import Case
from audit.review.table import show

VALUES = {
    "name": "request.admitted",
    "subject": "李雷",
    "model": "chatglm3-6b",
    "effect": "allow",
    "rule": "policy.csv:5:1",
    "finished": 6,
    "outcome": "completed",
    "prompt_tokens": 12,
    "completion_tokens": 34,
    "count": 1,
}
HIT: dict[str, str | int] = {"direction": "prompt", "filter": "pii", "type": "cn_id", "action": "redact", "count": 2}


def case(**values: Any) -> Case:
    kept = {name: value for name, value in {**VALUES, **values}.items() if value is not None}
    return Case("host-a/hangu", 4, "2026-11-23T08:00:01.000000Z", kept, ("user", "护士"), (HIT,))


def shown(capsys: pytest.CaptureFixture[str], *cases: Case, several: bool = False) -> list[str]:
    show(cases, several=several)
    return [row.rstrip() for row in capsys.readouterr().out.splitlines()]


def test_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """When, which record, who, what, the decision, how it ended, and what filters did."""
    (row,) = shown(capsys, case())[2:]
    assert [cell.strip() for cell in re.split("   +", row)] == [
        "2026-11-23 08:00:01",
        "4",
        "李雷 (user, 护士)",
        "request.admitted chatglm3-6b",
        "allow policy.csv:5:1",
        "completed 12+34 tokens",
        "prompt pii redact 2",
    ]


def test_chinese_keeps_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """An ideograph is as wide as two letters: what follows stands under each other."""
    first, last = shown(capsys, case(), case(subject="abcd"))[-2:]
    assert first.index("request.admitted") == last.index("request.admitted") - len("李雷")


def test_several_logs_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """A record of several logs is named by its receipt."""
    assert "host-a/hangu/4" in shown(capsys, case(), several=True)[-1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"finished": None, "outcome": None, "prompt_tokens": None, "completion_tokens": None}, "unfinished"),
        ({"outcome": None, "status": 403, "code": "forbidden"}, "403 forbidden"),
        ({"outcome": None, "status": 429, "count": 70}, "70 times"),
    ],
)
def test_the_result(capsys: pytest.CaptureFixture[str], values: dict[str, Any], said: str) -> None:
    """A lost end, a refusal, and refusals that were counted together."""
    assert said in shown(capsys, case(**values))[-1]


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\nb", "a\u202eb", "[red]a[/red]", "a\x9bb"])
def test_terminal_escapes_in_a_subject(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A subject can neither colour the table nor start a row, and markup stays text."""
    rows = shown(capsys, case(subject=text))
    assert len(rows) == 3
    assert not {"\x1b", "\u202e", "\x9b"} & set("".join(rows))
    assert ("[red]a[/red]" in rows[-1]) == (text == "[red]a[/red]")
