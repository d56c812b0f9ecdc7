"""policies/expectations.py: a bundle's own tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policies import bundle, expectations
from policies.source import Problems, SourceError, parse_yaml

_DEFAULT = Path(bundle.__file__).parent / "bundles" / "default"
_CASE = """\
  - name: 来宾可以对话
    caller: {subject: 王芳, roles: [guest]}
    object: model/chatglm3-6b
    action: chat
    expect: {effect: allow}
"""


def _faults(tmp_path: Path, cases: str) -> list[tuple[str, ...]]:
    directory = Path(shutil.copytree(_DEFAULT, tmp_path / "bundle"))
    for path in (directory / "tests").iterdir():
        path.unlink()
    (directory / "tests" / "cases.yaml").write_text("cases:\n" + cases, encoding="utf-8")
    return [result.faults for result in expectations.run(bundle.load(directory))]


def _problems(cases: str) -> list[str]:
    problems = Problems()
    node = parse_yaml(("cases:\n" + cases).encode(), "tests/cases.yaml", problems)
    assert node is not None
    expectations.load_expectations(node, problems)
    return [str(problem) for problem in problems]


def test_default_bundle_keeps_its_promises() -> None:
    """All cases that ship hold."""
    results = expectations.run(bundle.load(_DEFAULT))
    assert len(results) > 10
    assert [result for result in results if not result] == []


@pytest.mark.parametrize(
    "expect",
    [
        "{effect: allow}",
        "{effect: allow, rule: 'policy.csv:5', reason: matched-rule, limit: 10/minute}",
        "{effect: allow, prompt_chain: strict, completion_chain: strict}",
    ],
)
def test_case_holds(tmp_path: Path, expect: str) -> None:
    """A true expectation has no fault."""
    assert _faults(tmp_path, _CASE.replace("{effect: allow}", expect)) == [()]


@pytest.mark.parametrize(
    ("expect", "fault"),
    [
        ("{effect: deny}", "expected deny, got allow by policy.csv:5 (matched-rule)"),
        ("{effect: allow, rule: 'policy.csv:8'}", "expected policy.csv:8 to decide, got policy.csv:5"),
        ("{effect: allow, reason: denied-by-rule}", "expected reason denied-by-rule, got matched-rule"),
        ("{effect: allow, limit: 11/minute}", "expected the limit 11/minute, got 10/minute"),
        ("{effect: allow, prompt_chain: standard}", "expected the prompt chain `standard`, got `strict`"),
        ("{effect: allow, completion_chain: standard}", "expected the completion chain `standard`, got `strict`"),
    ],
)
def test_case_fails(tmp_path: Path, expect: str, fault: str) -> None:
    """A false expectation says what was expected and what came."""
    assert _faults(tmp_path, _CASE.replace("{effect: allow}", expect)) == [(fault,)]


def test_filter_case(tmp_path: Path) -> None:
    """A chain's text and block are compared, each with its own fault."""
    row = '  - {{name: x, chain: standard, text: "卡号4111111111111111", expect_text: "{}", blocked: {}}}\n'
    faults = _faults(tmp_path, row.format("卡号[CREDIT_CARD]", "false") + row.format("卡号", "true"))
    assert faults[0] == ()
    assert [fault.split(",")[0] for fault in faults[1]] == ["expected the text `卡号`", "expected a block"]


def test_unknown_chain(tmp_path: Path) -> None:
    """A case about a chain that does not exist does not load."""
    with pytest.raises(SourceError, match=r"cases.yaml:2:5: no chain is called `strikt` \(did you mean `strict`\?\)"):
        _faults(tmp_path, "  - {name: x, chain: strikt, text: x, expect_text: x}\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("effect: allow", "effect: alow", "did you mean `allow`?"),
        ("{effect: allow}", "{}", "missing key `effect`"),
        ("{effect: allow}", "allow", "`expect` must be a mapping"),
        ("action: chat", "action: chatt", "did you mean `chat`?"),
        ("caller: {subject: 王芳, roles: [guest]}", "caller: 王芳", "`caller` must be a mapping"),
        ("roles: [guest]", "roles: guest", "`roles` must be a list of strings"),
        ("effect: allow", "effect: allow, rule: 'policy.csv'", "`rule` must match"),
        ("effect: allow", "effect: allow, chain: strict", "unknown key `chain`"),
        ("object: model/chatglm3-6b\n", "objekt: x\n", "did you mean `object`?"),
        ("action: chat\n", "action: chat\n    route: api.chatt\n", "did you mean `api.chat`?"),
        (_CASE, "  []\n", "at least one case"),
        (_CASE, "  - 5\n", "must be a mapping"),
    ],
)
def test_bad_case(old: str, new: str, message: str) -> None:
    """A case that says nothing clear is a located mistake, not a case that passes."""
    assert old in _CASE
    found = _problems(_CASE.replace(old, new))
    assert any(message in line for line in found), found
