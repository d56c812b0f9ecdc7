"""policies/audit_rules.py: what the log keeps of texts."""

from __future__ import annotations

import pytest

from policies.audit_rules import AuditPolicy, Level, load_audit
from policies.source import Problems, parse_yaml

_GOOD = """\
rules:
  - {role: 审计员, prompt: redacted, completion: redacted}
  - {model: demo, prompt: none, completion: hash}
  - {route: api.secure-chat, prompt: redacted, completion: none}
  - {prompt: hash, completion: hash}
"""


def _load(text: str) -> tuple[AuditPolicy, list[str]]:
    problems = Problems()
    node = parse_yaml(text.encode(), "audit.yaml", problems)
    assert node is not None
    return load_audit(node, problems), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("roles", "model", "route", "levels"),
    [
        (["审计员"], "demo", "api.chat", (Level.REDACTED, Level.REDACTED)),
        (["user"], "demo", "api.secure-chat", (Level.NONE, Level.HASH)),
        (["user"], "other", "api.secure-chat", (Level.REDACTED, Level.NONE)),
        (["user"], "other", "api.chat", (Level.HASH, Level.HASH)),
        ([], None, None, (Level.HASH, Level.HASH)),
    ],
)
def test_first_match_wins(roles: list[str], model: str | None, route: str | None, levels: tuple[Level, Level]) -> None:
    """The first row whose matchers all hold says what is kept."""
    policy, found = _load(_GOOD)
    assert found == []
    rule = policy.select(roles, model=model, route=route)
    assert (rule.prompt, rule.completion) == levels


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{prompt: hashed, completion: hash}", "got `hashed` (did you mean `hash`?)"),
        ("{prompt: Encrypted, completion: hash}", "audit.yaml:2:14: `prompt` must be `none` or"),
        ("{prompt: hash}", "missing key `completion`"),
        ("{prompt: null, completion: hash}", "`prompt` must be a string"),
        ("{route: chat.completion, prompt: hash, completion: hash}", "did you mean `chat.completions`?"),
        ("{role: a, prompt: hash, completion: hash}", "the last rule must match everything"),
    ],
)
def test_bad_row(row: str, message: str) -> None:
    """Unknown levels and routes, and lists that leave a call undecided, are refused."""
    _, found = _load(f"rules:\n  - {row}\n")
    assert any(message in line for line in found), found


_PEOPLE = """\
rules:
  - {subject: 张三, prompt: encrypted, completion: encrypted}
  - {tenant: hr, client: portal, prompt: none, completion: encrypted}
  - {client: portal, prompt: redacted, completion: redacted}
  - {prompt: hash, completion: hash}
"""


@pytest.mark.parametrize(
    ("caller", "prompt"),
    [
        ({"subject": "张三", "tenant": "hr", "client": "portal"}, Level.ENCRYPTED),
        ({"subject": "李四", "tenant": "hr", "client": "portal"}, Level.NONE),
        ({"subject": "李四", "tenant": "it", "client": "portal"}, Level.REDACTED),
        ({"subject": "李四", "tenant": "hr", "client": None}, Level.HASH),
        ({"subject": None, "tenant": None, "client": None}, Level.HASH),
    ],
)
def test_people_tenants_and_clients_are_matched(caller: dict[str, str | None], prompt: Level) -> None:
    """A reviewer can set a level for one person, one tenant or one client; whoever is not named falls through."""
    policy, found = _load(_PEOPLE)
    assert found == []
    assert policy.select(["user"], model="m", route="api.chat", **caller).prompt is prompt


def test_rows_that_need_a_contents_store_are_known() -> None:
    """Both directions count, and each row is named by its place."""
    policy, _ = _load(_PEOPLE)
    assert [str(rule.location) for rule in policy.encrypting()] == ["audit.yaml:2:5", "audit.yaml:3:5"]
    policy, _ = _load(_GOOD)
    assert list(policy.encrypting()) == []
