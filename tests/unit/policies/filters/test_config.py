"""policies/filters/config.py: filters.yaml, and every mistake in it with its place."""

from pathlib import Path

import pytest

import policies
from policies.filters.config import load_filters
from policies.filters.policy import FilterPolicy
from policies.source import Problems, parse_yaml

_GOOD = """\
filters:
  tokens: {type: control_tokens, action: block}
  cards: {type: pattern_set, detect: [CREDIT_CARD, IBAN], action: redact}
  staff: {type: pattern, pattern: "[A-Z]{2}\\\\d{4}", label: STAFF_ID, not_before: "A-Z0-9", not_after: "A-Z0-9",
          ignore_case: true, after: [工号, staff id], within: 4, action: redact, replacement: "<工号>"}
  codes: {type: pattern, pattern: "\\\\d{8,16}", not_before: "0-9", not_after: "0-9", check: luhn, action: flag}
  words: {type: deny_terms, terms: [蓝色港湾, "blue harbour"], action: block}
chains:
  standard: [tokens, cards, codes]
  strict: [tokens, words, staff, cards]
apply:
  - {route: api.secure-chat, prompt: strict, completion: strict}
  - {role: guest, model: big, prompt: strict, completion: standard}
  - {prompt: standard, completion: standard}
"""


def _load(text: str) -> tuple[FilterPolicy | None, list[str]]:
    problems = Problems()
    node = parse_yaml(text.encode(), "filters.yaml", problems)
    assert node is not None
    return load_filters(node, problems), [str(problem) for problem in problems]


def _good() -> FilterPolicy:
    policy, problems = _load(_GOOD)
    assert problems == []
    assert policy is not None
    return policy


@pytest.mark.parametrize(
    ("roles", "model", "route", "prompt", "completion"),
    [
        (["user"], "big", "chat.completions", "standard", "standard"),
        (["user"], "big", "api.secure-chat", "strict", "strict"),
        (["user", "guest"], "big", "api.chat", "strict", "standard"),
        (["guest"], "small", "api.chat", "standard", "standard"),
        ([], "", "", "standard", "standard"),
    ],
)
def test_first_matching_row_gives_the_chains(
    roles: list[str], model: str, route: str, prompt: str, completion: str
) -> None:
    """Role, model and route choose a row from the top."""
    chains = _good().select(roles=roles, model=model, route=route)
    assert (chains.prompt.name, chains.completion.name) == (prompt, completion)


def test_filters_of_a_chain_work() -> None:
    """A declared pattern is found behind its word only, and its replacement is used."""
    strict = _good().chains["strict"]
    assert strict.screen("工号: ab1234，cd5678").text == "工号: <工号>，cd5678"
    assert strict.screen("工号: ab12345").text == "工号: ab12345"
    assert strict.screen("去 Blue-Harbour 吧").text == "去 "


def test_checked_pattern_flags_and_passes_the_text() -> None:
    """`check` names a test of the value; `flag` changes nothing."""
    screened = _good().chains["standard"].screen("no 79927398713, no 79927398714")
    assert screened.text == "no 79927398713, no 79927398714"
    assert [(hit.type, hit.action, hit.start) for hit in screened.hits] == [("PATTERN", "flag", 3)]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("type: control_tokens", "type: control_token", "2:18: `type` must be"),
        ("type: control_tokens", "type: 3", "must be a string"),
        ("action: block}\n  cards", "action: blok}\n  cards", "(did you mean `block`?)"),
        ("detect: [CREDIT_CARD, IBAN]", "detect: [CREDIT_CRAD]", "(did you mean `CREDIT_CARD`?)"),
        ("detect: [CREDIT_CARD, IBAN]", "detect: []", "`detect` must not be empty"),
        ("detect: [CREDIT_CARD, IBAN], ", "", "3:10: missing key `detect`"),
        ("detect: [CREDIT_CARD, IBAN]", "detekt: [IBAN]", "unknown key `detekt` (did you mean `detect`?)"),
        ("action: block}\n  cards", "action: block, replacement: x}\n  cards", "only for action `redact`"),
        ("{2}\\\\d{4}", "+\\\\d{4}", "4:35: `pattern`, character 6: every repeat needs an upper end"),
        ('not_before: "A-Z0-9"', 'not_before: "Z-A"', "`not_before`, character 1: a range goes"),
        ("check: luhn", "check: lunh", "(did you mean `luhn`?)"),
        ("label: STAFF_ID", "label: staff", "`label` must match"),
        ("within: 4", "within: 41", "at most 40"),
        ("after: [工号, staff id], within", "within", "there is no `after`"),
        ("terms: [蓝色港湾, ", 'terms: ["\u3164", ', "term has no visible character"),
        ("strict: [tokens, words", "strict: [token, words", "10:12: unknown filter `token` (did you mean `tokens`?)"),
        ("[tokens, cards, codes]", "[]", "must not be empty"),
        ("[tokens, cards, codes]", "[tokens, cards]", "filter `codes` is in no chain"),
        ("[tokens, cards, codes]", "[tokens, cards, codes, cards]", "stands twice"),
        ("apply:", "  spare: [cards]\napply:", "11:3: chain `spare` is never applied"),
        ("role: guest", "rule: guest", "unknown key `rule` (did you mean `role`?)"),
        ("route: api.secure-chat", "route: api.securechat", "(did you mean `api.secure-chat`?)"),
        ("  - {prompt: standard, completion: standard}\n", "", "the last rule must match everything"),
        ("{role: guest, model: big, ", "{", "never reached"),
        ("completion: standard}\n  - {p", "completion: standart}\n  - {p", "(did you mean `standard`?)"),
        ("  tokens: {", "  Tokens: {", "a name must match"),
        ("  tokens: {type: control_tokens, action: block}", "  tokens: nothing", "must be a mapping, got the string"),
        ("chains:\n", "chains: []\nspare:\n", "`chains` must be a mapping, got a list"),
    ],
)  # fmt: skip
def test_mistake_is_reported_with_its_place(old: str, new: str, problem: str) -> None:
    """Each mistake is named, with a near word where there is one."""
    assert old in _GOOD
    problems = _load(_GOOD.replace(old, new, 1))[1]
    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize(
    "text", ["[]", "3", "{}", "filters: {}\nchains: {}\napply: []", "filters: 3\nchains: x\napply: {}"]
)
def test_file_of_another_shape(text: str) -> None:
    """Nothing but problems comes of a file that is no filters.yaml."""
    assert _load(text)[1]


def test_too_many_terms() -> None:
    """A list that would make every request slow is refused."""
    terms = ", ".join(f"word{n}x" for n in range(1001))
    assert any("at most 1000" in found for found in _load(_GOOD.replace("蓝色港湾", terms))[1])


def test_default_bundle_keeps_its_promises() -> None:
    """The shipped chains: cards go, control tokens block, and the strict chain also takes mobiles and secrets."""
    path = Path(policies.__file__).parent / "bundles" / "default" / "filters.yaml"
    policy, problems = _load(path.read_text(encoding="utf-8"))
    assert problems == []
    assert policy is not None
    text = "卡4111111111111111，手机13800138000，password: Tr0ub4dor&3x"
    guest, user = (
        policy.select(roles=[role], model="m", route="chat.completions").prompt for role in ("guest", "user")
    )
    assert user.screen(text).text == "卡[CREDIT_CARD]，手机13800138000，password: Tr0ub4dor&3x"
    assert guest.screen(text).text == "卡[CREDIT_CARD]，手机[CN_MOBILE]，password: [SECRET]"
    assert user.screen("a<|user|>").blocked
