"""filters.yaml: filters, chains of filters, and which chain applies to which call."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import re2

from policies.filters.chain import Chain
from policies.filters.charset import CharSet
from policies.filters.checks import CHECKS
from policies.filters.detectors import DETECTORS
from policies.filters.detectors.control import control_tokens
from policies.filters.detectors.deny import MAX_TERM, MAX_TERMS, deny_terms
from policies.filters.pattern import PatternError, lead_words, parse, parse_class
from policies.filters.policy import ChainRule, Chains, FilterPolicy
from policies.filters.rule import NOTHING, Filter, Rule
from policies.filters.syntax import Syntax
from policies.filters.verdict import Action
from policies.names import ROUTES
from policies.node import Entry, Fields, Node
from policies.problem import Problems, did_you_mean, quoted
from policies.rules import check_first_match, read_match

_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_LABEL: Final = r"[A-Z][A-Z0-9_]{0,31}"
_ACTIONS: Final[dict[str, Action]] = {"redact": "redact", "block": "block", "flag": "flag"}
_MATCHERS: Final = ("model", "route")
_MAX_WORDS: Final = 32
_MAX_WORD: Final = 24
_MAX_WITHIN: Final = 40  # with a word: 64 characters, the context that a stream keeps

_Rules = tuple[Rule, ...]
_T = TypeVar("_T", Syntax, CharSet)


def load_filters(node: Node, problems: Problems) -> FilterPolicy | None:
    """Read filters.yaml; mistakes go to `problems`. None when a row of `apply` has no chain."""
    fields = node.mapping(["filters", "chains", "apply"])
    filters = {entry.key: _filter(entry) for entry in _entries(fields, "filters", problems)}
    chains = {entry.key: _chain(entry, filters) for entry in _entries(fields, "chains", problems)}
    rules = [_row(row, chains) for row in fields.nodes("apply")]
    complete = [rule for rule in rules if rule is not None]
    _report_unused(fields, problems)
    if len(complete) < len(rules):
        return None
    check_first_match([(rule.location, rule.match) for rule in complete], fields.location("apply"), problems)
    return FilterPolicy({name: chain for name, chain in chains.items() if chain is not None}, tuple(complete))


def _entries(fields: Fields, key: str, problems: Problems) -> tuple[Entry, ...]:
    """The entries of `filters` or `chains`, each with a name that fits into records and messages."""
    node = fields.node(key)
    if node is None:
        return ()
    if node.value == {}:
        node.fail(f"`{key}` must not be empty")
    entries = node.entries()
    for entry in entries:
        if re2.fullmatch(_NAME, entry.key) is None:
            problems.add(entry.location, f"a name must match `{_NAME}`, got {quoted(entry.key)}")
    return entries


def _filter(entry: Entry) -> Filter | None:
    """One filter, or None with a problem."""
    node = entry.value
    kind = (
        node.value["type"].value.string(choices=_KINDS) if isinstance(node.value, dict) and "type" in node.value else ""
    )
    required, optional, read = _KINDS.get(kind, ((), _ALL_KEYS, _no_rules))
    fields = node.mapping(["type", "action", *required], ["replacement", *optional])
    action = _ACTIONS.get(fields.string("action", choices=_ACTIONS))
    replacement = _replacement(fields, action)
    rules = read(fields)
    return Filter(entry.key, action, rules, replacement) if rules and action is not None else None


def _replacement(fields: Fields, action: Action | None) -> str | None:
    node = fields.node("replacement")
    if node is None:
        return None
    if action not in {"redact", None}:
        node.fail("`replacement` is only for action `redact`")
    return "" if node.value == "" else node.string(max_length=64)


def _no_rules(_: Fields) -> _Rules:
    return ()


def _control_rules(_: Fields) -> _Rules:
    return control_tokens()


def _detector_rules(fields: Fields) -> _Rules:
    names = fields.strings("detect", choices=DETECTORS)
    return tuple(rule for name in names if name in DETECTORS for rule in DETECTORS[name]())


def _term_rules(fields: Fields) -> _Rules:
    terms = [term for term in fields.strings("terms", max_length=MAX_TERM) if term]
    if len(terms) > MAX_TERMS:
        fields.fail("terms", f"`terms` may hold at most {MAX_TERMS} terms, got {len(terms)}")
        return ()
    try:
        return deny_terms(terms)
    except PatternError as error:
        fields.fail("terms", f"`terms`: {error.message}")
        return ()


def _pattern_rules(fields: Fields) -> _Rules:
    ignore_case = fields.boolean("ignore_case")
    body = _parsed(fields, "pattern", lambda text: parse(text, ignore_case=ignore_case))
    before, after = (_parsed(fields, key, parse_class) for key in ("not_before", "not_after"))
    check = fields.string("check", choices=CHECKS)
    label = fields.string("label", "PATTERN", pattern=_LABEL)
    lead = _lead(fields)
    return () if body is None else (Rule(label, body, before or NOTHING, after or NOTHING, CHECKS.get(check), lead),)


def _lead(fields: Fields) -> Syntax | None:
    words = [word for word in fields.strings("after", max_length=_MAX_WORD) if word]
    within = fields.integer("within", 0, _MAX_WITHIN, default=12)
    if len(words) > _MAX_WORDS:
        fields.fail("after", f"`after` may hold at most {_MAX_WORDS} words, got {len(words)}")
    if "within" in fields and "after" not in fields:
        fields.fail("within", "`within` says how near a word of `after` must stand; there is no `after`")
    try:
        return lead_words(words, within) if words else None
    except PatternError as error:
        fields.fail("after", f"`after`: {error.message}")
        return None


def _parsed(fields: Fields, key: str, read: Callable[[str], _T]) -> _T | None:
    text = fields.string(key, max_length=1000)
    try:
        return read(text) if text else None
    except PatternError as error:
        fields.fail(key, f"`{key}`, character {error.offset + 1}: {error.message}")
        return None


def _chain(entry: Entry, filters: Mapping[str, Filter | None]) -> Chain | None:
    """One chain, or None with a problem here or in one of its filters."""
    names = entry.value.strings()
    for item in _items(entry.value):
        if isinstance(item.value, str) and item.value and item.value not in filters:
            item.fail(f"unknown filter {quoted(item.value)}{did_you_mean(item.value, filters)}")
    steps = [step for name in names if (step := filters.get(name)) is not None]
    if not names or len(steps) < len(names):
        return None
    try:
        return Chain(entry.key, steps)
    except re2.error:
        entry.value.fail(f"the filters of chain {quoted(entry.key)} are too large together")
        return None


def _row(node: Node, chains: Mapping[str, Chain | None]) -> ChainRule | None:
    fields = node.mapping(["prompt", "completion"], ["role", *_MATCHERS])
    fields.string("route", choices=ROUTES)
    prompt, completion = (chains.get(fields.string(key, choices=chains)) for key in ("prompt", "completion"))
    if prompt is None or completion is None:
        return None
    return ChainRule(node.location, read_match(fields, _MATCHERS), Chains(prompt, completion))


def _report_unused(fields: Fields, problems: Problems) -> None:
    """A filter or chain that is never used looks like protection and is none."""
    in_chains = {item.value for chain in _mapped(fields.node("chains")) for item in _items(chain.value)}
    applied = {
        entry.value.value
        for row in fields.nodes("apply")
        for entry in _mapped(row)
        if entry.key in {"prompt", "completion"}
    }
    for entry in _mapped(fields.node("filters")):
        if entry.key not in in_chains:
            problems.add(entry.location, f"filter {quoted(entry.key)} is in no chain")
    for entry in _mapped(fields.node("chains")):
        if entry.key not in applied:
            problems.add(entry.location, f"chain {quoted(entry.key)} is never applied")


def _mapped(node: Node | None) -> tuple[Entry, ...]:
    return tuple(node.value.values()) if node is not None and isinstance(node.value, dict) else ()


def _items(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()


_PATTERN_KEYS: Final = ("label", "not_before", "not_after", "ignore_case", "check", "after", "within")
_KINDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Fields], _Rules]]]] = {
    "control_tokens": ((), (), _control_rules),
    "pattern_set": (("detect",), (), _detector_rules),
    "deny_terms": (("terms",), (), _term_rules),
    "pattern": (("pattern",), _PATTERN_KEYS, _pattern_rules),
}
_ALL_KEYS: Final = ("detect", "terms", "pattern", *_PATTERN_KEYS)
