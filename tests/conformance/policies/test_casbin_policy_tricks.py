"""Rows that stock pycasbin takes in silence and that then allow, deny or fail otherwise than written.

Each is refused, at its place; the table's last column is what the message must say.
"""

from __future__ import annotations

import casbin
import pytest
from casbin.persist.adapters.string_adapter import StringAdapter

from policies.casbin_model import ALLOW_AND_DENY, read_model
from policies.casbin_policy import read_policy
from policies.problem import Problems

_MODEL = (
    "[request_definition]\nr = sub, obj, act, ctx\n[policy_definition]\np = sub, obj, act, eft\n"
    f"[role_definition]\ng = _, _\n[policy_effect]\ne = {ALLOW_AND_DENY}\n"
    "[matchers]\nm = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)\n"
)
_GOOD = "p, role:user, model/*, chat, allow\n"

# name: (second line of the file, column, part of the message)
_TRICKS: dict[str, tuple[str, int, str]] = {
    "misspelt deny leaves the allow standing": ("p, user:eve, model/*, chat, denny", 29, "did you mean `deny`?"),
    "capital Deny is ignored": ("p, user:eve, model/*, chat, Deny", 29, "effect must be `allow` or `deny`, got `Deny`"),
    "inline comment becomes part of the effect": ("p, user:eve, model/*, chat, deny # leaver", 34, "line of its own"),
    "full-width comma joins two columns": ("p, user:eve, model/*， chat, deny", 21, "U+FF0C FULLWIDTH COMMA"),
    "byte order mark hides the line": ("\ufeffp, user:eve, model/*, chat, deny", 1, "U+FEFF"),
    "tab hides in a name": ("p, user:eve\t, model/*, chat, deny", 12, "tabs are not allowed"),
    "unknown line type is dropped": ("permit, user:eve, model/*, chat, deny", 1, "unknown line type `permit`"),
    "capital P is dropped": ("P, user:eve, model/*, chat, deny", 1, "unknown line type `P`"),
    "second policy type is dropped": ("p2, user:eve, model/*, chat, deny", 1, "unknown line type `p2`"),
    "quotes stay in the value": ('p, "user:eve", model/*, chat, deny', 4, "quotes are not allowed"),
    "single quotes stay in the value": ("p, 'user:eve', model/*, chat, deny", 4, "quotes are not allowed"),
    "zero-width space in a name": ("p, user:e\u200bve, model/*, chat, deny", 10, "U+200B ZERO WIDTH SPACE"),
    "word joiner in a name": ("p, user:e\u2060ve, model/*, chat, deny", 10, "U+2060"),
    "no-break space in a name": ("p,\u00a0user:eve, model/*, chat, deny", 3, "U+00A0"),
    "right-to-left override": ("p, user:e\u202eve, model/*, chat, deny", 10, "U+202E"),
    "cyrillic letter in a name": ("p, user:еve, model/*, chat, deny", 9, "only looks Latin"),
    "whole name in letters that look latin": ("p, user:асе, model/*, chat, deny", 9, "only looks Latin"),
    "cyrillic letter in deny": ("p, user:eve, model/*, chat, dеny", 30, "only looks Latin"),
    "dotless i": ("p, user:vıctor, model/*, chat, deny", 10, "only looks like another letter"),
    "full-width letters": ("p, user:ｅve, model/*, chat, deny", 9, "U+FF45"),
    "decomposed accent": ("p, user:re\u0301mi, model/*, chat, deny", 1, "NFC"),
    "three-field role link in a two-field model": ("g, user:eve, role:user, tenant", 1, "expected 2 columns"),
    "role link with one field": ("g, user:eve", 1, "expected 2 columns after `g` (g, child, parent), got 1"),
    "short rule fails only at request time": ("p, user:eve, model/*, chat", 1, "expected 4 columns"),
    "long rule fails only at request time": ("p, user:eve, model/*, chat, deny, deny", 1, "got 5"),
    "empty column": ("p, user:eve, , chat, deny", 14, "obj must not be empty"),
    "trailing comma": ("p, user:eve, model/*, chat, deny,", 1, "got 5"),
    "bracket swallows the comma": ("p, user:eve(x, model/*), chat, deny", 12, "brackets are not allowed"),
    "dot taken for a wildcard": ("p, user:eve, ., chat, deny", 14, "`.` is no wildcard"),
    "percent-encoded newline in the path": ("p, user:eve, /a%0a, chat, deny", 16, "`%` is not allowed"),
    "carriage return": ("p, user:eve, model/*, chat, deny\r", 33, "LF, not CR LF"),
    "NUL": ("p, user:eve\0, model/*, chat, deny", 12, "U+0000"),
    "vertical tab splits lines for some readers": ("p, user:eve, model/*,\x0b chat, deny", 22, "U+000B"),
    "line separator": ("p, user:eve, model/*, chat, deny\u2028", 33, "U+2028"),
    "indented line": (" p, user:eve, model/*, chat, deny", 1, "column 1"),
    "indented comment": (" # p, user:eve, model/*, chat, deny", 2, "line of its own"),
    "semicolons for commas": ("p; user:eve; model/*; chat; deny", 2, "`;` is not allowed"),
    "what follows a star is ignored": ("p, user:eve, model/*/private, chat, deny", 14, "must come last"),
    "star as a subject": ("p, *, model/*, chat, deny", 4, "no wildcard in a subject"),
    "star within a subject": ("p, role:*, model/*, chat, deny", 4, "no wildcard in a subject"),
    "star glued to a word": ("p, user:eve, model*, chat, deny", 14, "stand alone as the last part"),
    "path climbs": ("p, user:eve, model/../admin, chat, deny", 14, "object must be a path"),
    "path has an empty part": ("p, user:eve, model//x, chat, deny", 14, "object must be a path"),
    "absolute path never matches": ("p, user:eve, /model/x, chat, deny", 14, "object must be a path"),
    "subject without a kind": ("p, eve, model/*, chat, deny", 4, "`user:…` or `role:…`"),
    "subject of a misspelt kind": ("p, rule:user, model/*, chat, deny", 4, "did you mean `role`?"),
    "subject kind in capitals": ("p, User:eve, model/*, chat, deny", 4, "`user:…` or `role:…`"),
    "subject without a name": ("p, user:, model/*, chat, deny", 4, "`user:…` or `role:…`"),
    "user inherited as if it were a role": ("g, user:eve, user:alice", 14, "only a role can be inherited"),
    "misspelt action": ("p, user:eve, model/*, chta, deny", 23, "did you mean `chat`?"),
    "action in capitals": ("p, user:eve, model/*, CHAT, deny", 23, "action must be"),
    "misspelt parent inherits nothing": ("g, user:eve, role:usr", 14, "did you mean `role:user`?"),
    "repeated row": ("p, role:user, model/*, chat, allow", 1, "repeats line 1"),
    "role link to itself": ("g, role:user, role:user", 1, "in a circle"),
}


def _problems(text: str) -> list[tuple[int, int, str]]:
    problems = Problems()
    model = read_model(_MODEL.encode(), "model.conf", problems)
    problems.raise_if_any()
    read_policy(text.encode(), "policy.csv", model, problems, bundle=True)
    return [(found.location.line, found.location.column, found.message) for found in problems]


@pytest.mark.parametrize("name", _TRICKS)
def test_row_trick(name: str) -> None:
    """A row that Casbin reads otherwise than a person is refused, with its line and column."""
    line, column, message = _TRICKS[name]
    found = [problem for problem in _problems(_GOOD + line + "\n") if problem[:2] == (2, column)]
    assert any(message in text for _, _, text in found), _problems(_GOOD + line + "\n")


@pytest.mark.parametrize(
    "line",
    [
        "p, user:eve, model/*, chat, deny",
        "p,user:eve,model/*,chat,deny",
        "p, user:eve, model/*, chat, deny  ",
        "p, user:王芳, model/模型-甲, *, allow",
        "p, role:审计员, *, read, allow",
        "p, user:José, models, read, allow",
        "p, user:дмитрий, models, read, allow",
        "p, user:auth0|abc:1@corp.example, models, read, allow",
        "g, user:王芳, role:user",
        "# p, user:eve, model/*, chat, denny",
        "",
    ],
)
def test_plain_row(line: str) -> None:
    """The rows that people really write pass."""
    assert _problems(_GOOD + line + "\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file is empty"),
        ("\n\n", "file is empty"),
        ("# nothing\n", "no `p` line"),
        ("g, user:eve, role:user\n", "no rule is about `role:user`"),
        ("p, role:user, model/*, chat, allow\np, role:guest, model/*, chat, allow", "may be cut short"),
        ("p, role:a, models, read, allow\ng, role:a, role:b\ng, role:b, role:c\ng, role:c, role:a\n", "in a circle"),
    ],
)
def test_file_trick(text: str, message: str) -> None:
    """An empty, cut or circular file, which Casbin loads without a word, is refused."""
    assert any(message in problem[2] for problem in _problems(text))


def test_role_chain_beyond_casbins_reach() -> None:
    """Casbin stops following roles after ten names in silence; a longer chain is refused where it gets too long."""
    chain = [f"g, role:r{number}, role:r{number + 1}\n" for number in range(12)]
    found = _problems("p, role:r12, models, read, deny\n" + "".join(chain))
    assert [problem[0] for problem in found] == [2, 3, 4, 5]
    assert all("deeper than 8" in problem[2] for problem in found)


def test_all_mistakes_come_in_one_run() -> None:
    """One run names every bad row, so nobody fixes a policy one error at a time."""
    lines = "".join(_TRICKS[name][0] + "\n" for name in ("capital Deny is ignored", "misspelt action", "empty column"))
    assert [problem[0] for problem in _problems(lines)] == [1, 2, 3]


@pytest.mark.parametrize("line", ["p, user:eve, model/*, chat, denny", "permit, user:eve, model/*, chat, deny"])
def test_stock_casbin_lets_the_denied_in(line: str) -> None:
    """Why the checker exists: stock pycasbin loads these denials and then allows."""
    model = casbin.Enforcer.new_model(text=_MODEL)
    enforcer = casbin.Enforcer(model, StringAdapter(f"{_GOOD}{line}\ng, user:eve, role:user"))
    assert enforcer.enforce("user:eve", "model/x", "chat", {})
