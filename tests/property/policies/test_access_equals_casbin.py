"""The law of access.py: verdict and deciding row are those of a stock pycasbin enforcer."""

from __future__ import annotations

import itertools
from typing import Any

import casbin
from casbin.persist.adapters.string_adapter import StringAdapter
from hypothesis import given, settings
from hypothesis import strategies as st
from simpleeval import AttributeDoesNotExist

from policies.access import AccessPolicy
from policies.casbin_model import ALLOW_AND_DENY, read_model
from policies.casbin_policy import CasbinPolicy, read_policy
from policies.decision import AccessRequest, Effect
from policies.problem import Problems

_NAMES = ("user:alice", "user:王芳", "user:role:admin", "role:admin", "role:user", "role:guest", "role:审计")
_ROLES = _NAMES[3:]
_OBJECTS = ("models", "model/a", "model/a/b", "model/模型", "admin/configuration", "audit/records", "a")
_PATTERNS = (*_OBJECTS, "*", "model/*", "model/a/*", "admin/*", "a/*")
_ACTIONS = ("chat", "read", "update")
_TESTS = ("g(r.sub, p.sub)", "keyMatch(r.obj, p.obj)", "keyMatch(r.act, p.act)")
_CONTEXT = 'r.ctx.acr == "gold"'

_rows = st.tuples(
    st.sampled_from(_NAMES),
    st.sampled_from(_PATTERNS),
    st.sampled_from((*_ACTIONS, "*")),
    st.sampled_from(("allow", "allow", "deny")),
)
_links = st.tuples(st.sampled_from(_NAMES), st.sampled_from(_ROLES))


def _model_text(order: tuple[str, ...], reads_context: bool) -> str:
    matcher = " && ".join([*order, _CONTEXT] if reads_context else order)
    return (
        "[request_definition]\nr = sub, obj, act, ctx\n[policy_definition]\np = sub, obj, act, eft\n"
        f"[role_definition]\ng = _, _\n[policy_effect]\ne = {ALLOW_AND_DENY}\n[matchers]\nm = {matcher}\n"
    )


def _acyclic(links: list[tuple[str, str]], rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """Links from an earlier to a later name only, to parents that some row is about."""
    known = {row[0] for row in rows}
    return [link for link in links if _NAMES.index(link[0]) < _NAMES.index(link[1]) and link[1] in known]


def _stock(model_text: str, lines: list[str], subjects: tuple[str, ...]) -> Any:
    """A stock enforcer in which a temporary caller is linked to all its subjects."""
    links = [f"g, caller, {subject}" for subject in subjects]
    model = casbin.Enforcer.new_model(text=model_text)
    return casbin.Enforcer(model, StringAdapter("\n".join([*lines, *links])))


def _checked(model_text: str, lines: list[str]) -> tuple[AccessPolicy, CasbinPolicy]:
    problems = Problems()
    model = read_model(model_text.encode(), "model.conf", problems)
    policy = read_policy(("\n".join(lines) + "\n").encode(), "policy.csv", model, problems, bundle=True)
    problems.raise_if_any()
    assert model is not None
    assert policy is not None
    return AccessPolicy(model, policy), policy


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(_rows, min_size=1, max_size=12, unique=True),
    links=st.lists(_links, max_size=6, unique=True),
    order=st.permutations(_TESTS),
    reads_context=st.booleans(),
    subjects=st.lists(st.sampled_from(_NAMES), min_size=1, max_size=4, unique=True),
    requests=st.lists(st.tuples(st.sampled_from(_OBJECTS), st.sampled_from(_ACTIONS)), min_size=1, max_size=4),
    context=st.sampled_from([{"acr": "gold"}, {"acr": "lead"}, {"acr": 3}, {}]),
)
def test_verdict_and_row_equal_stock(
    rows: list[tuple[str, str, str, str]],
    links: list[tuple[str, str]],
    order: list[str],
    reads_context: bool,
    subjects: list[str],
    requests: list[tuple[str, str]],
    context: dict[str, object],
) -> None:
    """For every checked policy and request, both say the same for the same row; where stock fails, we deny."""
    lines = [f"p, {', '.join(row)}" for row in rows]
    lines += [f"g, {', '.join(link)}" for link in _acyclic(links, rows)]
    text = _model_text(tuple(order), reads_context)
    access, policy = _checked(text, lines)
    stock = _stock(text, lines, tuple(subjects))
    for path, action in requests:
        decision = access.decide(AccessRequest(tuple(subjects), path, action, context))
        try:
            allowed, row = stock.enforce_ex("caller", path, action, context)
        except AttributeDoesNotExist:
            assert (decision.effect, decision.reason) == (Effect.DENY, "error")
            continue
        assert bool(decision) == allowed
        decided = next((rule for rule in policy.rules if rule.location == decision.rule), None)
        assert (list(decided.values) if decided else []) == row
        again = access.decide(AccessRequest(tuple(subjects), path, action, context))
        assert again == decision


@settings(max_examples=100, deadline=None)
@given(
    depth=st.integers(min_value=1, max_value=8),
    action=st.sampled_from(_ACTIONS),
)
def test_longest_role_chain_equals_stock(depth: int, action: str) -> None:
    """A chain of roles as long as the checker allows is followed to its end, by us and by Casbin."""
    names = ["user:alice", *(f"role:r{number}" for number in range(depth))]
    lines = [f"p, {names[-1]}, models, {action}, allow"]
    lines += [f"g, {child}, {parent}" for child, parent in itertools.pairwise(names)]
    lines += [f"p, {name}, admin/*, *, deny" for name in names[1:-1]]
    text = _model_text(_TESTS, reads_context=False)
    access, _ = _checked(text, lines)
    assert access.decide(AccessRequest(("user:alice",), "models", action))
    assert _stock(text, lines, ("user:alice",)).enforce("caller", "models", action, {})
