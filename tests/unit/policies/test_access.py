"""policies/access.py and decision.py: one decision over everything the caller is."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import Any, cast

import pytest

from policies.access import AccessPolicy
from policies.casbin_model import ALLOW_AND_DENY, read_model
from policies.casbin_policy import read_policy
from policies.decision import AccessRequest, Decision, Effect, subjects_of
from policies.problem import Location, Problems

_MATCHER = "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)"
_POLICY = """\
p, role:guest, model/*, chat, allow
p, role:user, models, read, allow
p, role:admin, admin/configuration, *, allow
p, role:guest, admin/*, *, deny
p, user:mallory, model/*, *, deny
p, user:王芳, audit/records, read, allow
g, role:admin, role:user
g, role:user, role:guest
"""
_NO_GUEST_ADMIN = _POLICY.replace("g, role:user, role:guest\n", "")


def _access(policy: str = _NO_GUEST_ADMIN, matcher: str = _MATCHER) -> AccessPolicy:
    model_text = (
        "[request_definition]\nr = sub, obj, act, ctx\n[policy_definition]\np = sub, obj, act, eft\n"
        f"[role_definition]\ng = _, _\n[policy_effect]\ne = {ALLOW_AND_DENY}\n[matchers]\nm = {matcher}\n"
    )
    problems = Problems()
    model = read_model(model_text.encode(), "model.conf", problems)
    rows = read_policy(policy.encode(), "policy.csv", model, problems, bundle=True)
    problems.raise_if_any()
    assert model is not None
    assert rows is not None
    return AccessPolicy(model, rows)


def _ask(access: AccessPolicy, subject: str, roles: list[str], path: str, action: str, **context: object) -> Decision:
    return access.decide(AccessRequest(subjects_of(subject, roles), path, action, context))


def test_role_rule_allows() -> None:
    """A rule for one of the caller's roles allows, and the decision names its line."""
    decision = _ask(_access(), "alice", ["guest"], "model/chatglm3-6b", "chat")
    assert decision == Decision(Effect.ALLOW, "matched-rule", Location("policy.csv", 1, 1))
    assert decision


def test_no_rule_denies() -> None:
    """What no rule allows is denied, and no line is named."""
    decision = _ask(_access(), "alice", ["guest"], "models", "read")
    assert decision == Decision(Effect.DENY, "no-matching-rule")
    assert not decision


def test_user_rule_allows_only_that_user() -> None:
    """A rule for one person holds for that person alone."""
    assert _ask(_access(), "王芳", [], "audit/records", "read")
    assert not _ask(_access(), "王", [], "audit/records", "read")


def test_inherited_role() -> None:
    """A role has the rules of its parents, and their parents; the parent does not have the child's."""
    access = _access(_POLICY)
    assert _ask(access, "root", ["admin"], "models", "read")
    assert _ask(access, "root", ["admin"], "model/x", "chat")
    assert not _ask(access, "alice", ["user"], "admin/configuration", "read")


def test_deny_of_one_role_beats_allow_of_another() -> None:
    """A decision per role, OR-ed, would defeat deny; one decision over the union does not."""
    access = _access()
    assert _ask(access, "root", ["admin"], "admin/configuration", "read")
    decision = _ask(access, "root", ["admin", "guest"], "admin/configuration", "read")
    assert decision == Decision(Effect.DENY, "denied-by-rule", Location("policy.csv", 4, 1))
    assert decision == _ask(access, "root", ["guest", "admin"], "admin/configuration", "read")


def test_deny_of_an_inherited_role_holds() -> None:
    """A deny reaches whoever inherits the role."""
    assert _ask(_access(_POLICY), "root", ["admin"], "admin/configuration", "read").reason == "denied-by-rule"


def test_deny_of_the_user_beats_roles() -> None:
    """A person denied by name stays denied, whatever roles the token names."""
    assert _ask(_access(), "mallory", ["guest"], "model/x", "chat").reason == "denied-by-rule"


@pytest.mark.parametrize("subject", ["role:admin", "admin", "user:role:admin", "role:admin "])
def test_user_named_like_a_role(subject: str) -> None:
    """A user named like a role gains nothing from it."""
    assert _ask(_access(), subject, [], "admin/configuration", "read").reason == "no-matching-rule"


@pytest.mark.parametrize("role", ["role:admin", "user:王芳", "ADMIN", "admin ", "ａdmin", "*", "caller"])
def test_role_named_like_something_else(role: str) -> None:
    """Role names are compared exactly, and a role named like a user is not that user."""
    access = _access()
    assert not _ask(access, "x", [role], "admin/configuration", "read")
    assert not _ask(access, "x", [role], "audit/records", "read")


@pytest.mark.parametrize(
    "subjects", [(), ("",), ("user:",), ("user:a", ""), ("role:",), ("a",), ("user:a\x00",), ("user:a", "role:\ud800")]
)
def test_empty_or_broken_subject(subjects: tuple[str, ...]) -> None:
    """A caller without a proper subject is refused before any rule is read."""
    policy = "p, role:guest, *, *, allow\n"
    decision = _access(policy).decide(AccessRequest(("role:guest", *subjects) if subjects else (), "models", "read"))
    assert (decision.effect, decision.reason, decision.rule) == (Effect.DENY, "error", None)


@pytest.mark.parametrize(
    "path", ["model/../admin", "model//x", "/model/x", "model/%2e%2e", "model/x\n", "model/*", "", "model/x/"]
)
def test_path_trick(path: str) -> None:
    """A path that another reader may resolve differently is refused, even where every path is allowed."""
    decision = _ask(_access("p, role:guest, *, *, allow\n"), "a", ["guest"], path, "chat")
    assert (decision.effect, decision.reason) == (Effect.DENY, "error")


@pytest.mark.parametrize("action", ["", "*", "CHAT", "delete", "chat ", "chat\n"])
def test_unknown_action(action: str) -> None:
    """An action outside the known ones is refused, even where every action is allowed."""
    assert _ask(_access("p, role:guest, *, *, allow\n"), "a", ["guest"], "models", action).reason == "error"


@pytest.mark.parametrize(
    ("subjects", "path", "action"),
    [
        (None, "models", "read"),
        (["user:a"], "models", "read"),
        ("user:a", "models", "read"),
        (("user:a", None), "models", "read"),
        (("user:a", ["x"]), "models", "read"),
        (("user:a",), None, "read"),
        (("user:a",), 7, "read"),
        (("user:a",), b"models", "read"),
        (("user:a",), "models", None),
        (("user:a",), "models", {}),
        (tuple(f"role:{number}" for number in range(257)), "models", "read"),
        (("user:" + "x" * 100_000,), "models", "read"),
        (("user:a",), "x" * 100_000, "read"),
    ],
)
def test_hostile_types_and_sizes(subjects: object, path: object, action: object) -> None:
    """Wrong types and sizes deny; nothing is raised."""
    request = AccessRequest(cast("Any", subjects), cast("Any", path), cast("Any", action))
    decision = _access("p, role:guest, *, *, allow\n").decide(request)
    assert (decision.effect, decision.reason) == (Effect.DENY, "error")
    assert decision.detail


def test_claim_in_the_matcher() -> None:
    """A matcher that asks for a claim decides each request anew by its claims."""
    access = _access(matcher=f'{_MATCHER} && r.ctx.acr == "gold"')
    assert _ask(access, "a", ["guest"], "model/x", "chat", acr="gold")
    assert _ask(access, "a", ["guest"], "model/x", "chat", acr="lead").reason == "no-matching-rule"
    assert _ask(access, "a", ["guest"], "model/x", "chat", acr=["gold"]).reason == "no-matching-rule"


def test_missing_claim() -> None:
    """A claim that the matcher needs and the token lacks cannot be decided, so it is denied."""
    decision = _ask(_access(matcher=f'{_MATCHER} && r.ctx.acr == "gold"'), "a", ["guest"], "model/x", "chat")
    assert (decision.effect, decision.reason) == (Effect.DENY, "error")


def test_context_may_be_read_only() -> None:
    """Any mapping will do as context."""
    request = AccessRequest(("role:guest",), "model/x", "chat", MappingProxyType({"acr": "gold"}))
    assert _access(matcher=f'{_MATCHER} && r.ctx.acr == "gold"').decide(request)


def test_unknown_subjects_leave_nothing_behind() -> None:
    """Stock pycasbin keeps every unknown subject for ever; here memory stays bounded."""
    access = _access()
    for number in range(3000):
        _ask(access, f"stranger-{number}", [], "model/x", "chat")
    assert access._cached.cache_info().currsize <= 2048


def test_threads_decide_alike() -> None:
    """Many threads asking different questions at once get the answers that one would get."""
    access = _access(_POLICY, f'{_MATCHER} && r.ctx.acr == "gold"')
    questions = [
        (roles, path)
        for roles in (["guest"], ["user"], ["admin"], [])
        for path in ("model/x", "models", "admin/configuration")
    ]
    expected = [_ask(access, "a", roles, path, "read", acr="gold") for roles, path in questions]
    wrong: list[Decision] = []

    def ask() -> None:
        for _ in range(20):
            for (roles, path), want in zip(questions, expected, strict=True):
                got = _ask(access, "a", roles, path, "read", acr="gold")
                if got != want:
                    wrong.append(got)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ten_thousand_rows() -> None:
    """Row order and verdict hold in a large policy, where only the rows that can match are looked at."""
    rows = "".join(f"p, role:r{number}, model/m{number}, chat, allow\n" for number in range(10_000))
    access = _access(rows + "p, role:r9, model/*, chat, deny\n")
    assert _ask(access, "a", ["r77"], "model/m77", "chat").rule == Location("policy.csv", 78, 1)
    assert _ask(access, "a", ["r9"], "model/m9", "chat").rule == Location("policy.csv", 10_001, 1)
    assert not _ask(access, "a", ["r77"], "model/m78", "chat")


def test_roles_of_the_policy() -> None:
    """The policy knows the roles it speaks about."""
    assert _access().roles == {"guest", "user", "admin"}


def test_explain_no_match() -> None:
    """A no-match names the nearest rows and the tests that fail on them."""
    explanation = _access().explain(AccessRequest(("user:a", "role:user"), "model/x", "chat"))
    assert explanation.decision.reason == "no-matching-rule"
    assert explanation.matching == ()
    nearest = explanation.nearest[0]
    assert (nearest.location.line, nearest.row) == (1, "p, role:guest, model/*, chat, allow")
    assert [(f.test, f.asked, f.wanted) for f in nearest.failing] == [
        ("g(r.sub, p.sub)", "user:a, role:user", "role:guest")
    ]
    assert all(trace.row.endswith("allow") for trace in explanation.nearest)


def test_explain_match() -> None:
    """A match names every matching row; the deciding one is in the decision."""
    explanation = _access().explain(AccessRequest(("role:admin", "role:guest"), "admin/configuration", "read"))
    assert [trace.location.line for trace in explanation.matching] == [3, 4]
    assert explanation.decision.rule == Location("policy.csv", 4, 1)
    assert explanation.nearest == ()


def test_explain_claim() -> None:
    """A claim that is missing or wrong is named as the failing test."""
    access = _access(matcher=f'{_MATCHER} && r.ctx.acr == "gold"')
    explanation = access.explain(AccessRequest(("role:guest",), "model/x", "chat", {"acr": "lead"}))
    failed = explanation.nearest[0].failing
    assert [(f.test, f.asked, f.wanted) for f in failed] == [('r.ctx.acr == "gold"', "lead", '"gold"')]


def test_explain_error() -> None:
    """What cannot be decided has no rows to show."""
    explanation = _access().explain(AccessRequest((), "model/x", "chat"))
    assert explanation.decision.reason == "error"
    assert (explanation.matching, explanation.nearest) == ((), ())


def test_subjects_of_a_caller() -> None:
    """The kind stands in front of each name, and each role counts once."""
    assert subjects_of("a", ["x", "y", "x"]) == ("user:a", "role:x", "role:y")
