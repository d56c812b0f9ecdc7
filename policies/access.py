"""May this caller do this? Casbin decides, over an immutable snapshot of one policy.

What is ours is the choice of rows to ask about: an index from subject and path to row numbers. Each of these rows, in
file order, goes through Casbin's own matcher and Casbin's own effector, so verdict and deciding row are those of a
stock enforcer (`tests/property/policies/test_access_equals_casbin.py` compares them). A stock enforcer itself would
scan all rows, remember every unknown subject for ever and is not safe to share between threads.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from policies.casbin_matcher import Atom
from policies.casbin_model import CasbinModel
from policies.casbin_policy import CasbinPolicy, Row
from policies.decision import AccessRequest, Context, Decision, Effect
from policies.names import ACTIONS, object_fault, subject_fault
from policies.problem import Location

MAX_SUBJECTS: Final = 256
_CALLER: Final = "caller"  # stands for the union of the request's subjects; no row can name it
_CACHED_DECISIONS: Final = 2048
_CACHED_LENGTH: Final = 1024  # characters; a longer request is decided each time and not kept
_NEAREST: Final = 3
_NO_CONTEXT: Final[Context] = {}


class CasbinMismatch(Exception):
    """Casbin read the policy otherwise than the checker did. Nothing is decided on such a policy."""


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test of the matcher that does not hold between a request and a row."""

    test: str  # as model.conf writes it
    asked: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One row beside a request. No failing test: the row matches."""

    location: Location
    row: str
    failing: tuple[FailedTest, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, the rows that match, and where none does the allowing rows that came nearest, in file order."""

    decision: Decision
    matching: tuple[Trace, ...]
    nearest: tuple[Trace, ...]


class AccessPolicy:
    """An access policy, ready to decide. Immutable, and safe to share between threads."""

    __slots__ = ("_cached", "_engine", "_model", "roles")

    def __init__(self, model: CasbinModel, policy: CasbinPolicy) -> None:
        """Raises CasbinMismatch when Casbin does not read exactly these rows."""
        named = (cell.text for row in (*policy.rules, *policy.links) for cell in row.cells[:2])
        self.roles = frozenset(name.removeprefix("role:") for name in named if name.startswith("role:"))
        self._model = model
        self._engine = _Engine(model, policy)
        self._cached = lru_cache(maxsize=_CACHED_DECISIONS)(self._engine.decide)

    def decide(self, request: AccessRequest) -> Decision:
        """Decide once over all subjects: any deny holds, and without an allow the answer is no. Never raises."""
        subjects, path, action = request.subjects, request.object, request.action
        try:
            if self._model.reads_context or sum(map(len, subjects)) + len(path) > _CACHED_LENGTH:
                return self._engine.decide(subjects, path, action, request.context)
            return self._cached(subjects, path, action)
        except Exception as error:  # noqa: BLE001 - whatever cannot be decided is denied
            return Decision(Effect.DENY, "error", detail=f"cannot decide: {type(error).__name__}")

    def explain(self, request: AccessRequest) -> Explanation:
        """Why the decision falls as it does. Looks at every row; not for the hot path."""
        decision = self.decide(request)
        if decision.reason == "error":
            return Explanation(decision, (), ())
        traces = list(self._engine.trace(request))
        matching = tuple(trace for trace in traces if not trace.failing)
        if matching:
            return Explanation(decision, matching, ())
        nearest = sorted((trace for trace in traces if trace.row.endswith("allow")), key=_distance)[:_NEAREST]
        return Explanation(decision, (), tuple(sorted(nearest, key=lambda trace: trace.location)))


class _Engine:
    """Casbin's model, rows and operators, taken apart once per policy."""

    def __init__(self, model: CasbinModel, policy: CasbinPolicy) -> None:
        from casbin.effect import effect_to_bool, get_effector
        from casbin.model import FunctionMap, Model
        from casbin.persist.adapter import load_policy_line
        from casbin.util import SimpleEval, escape_assertion

        stock = Model()
        stock.load_model_from_text(model.text)
        for row in (*policy.rules, *policy.links):
            load_policy_line(str(row), stock)
        self._require_same_rows(stock, policy)

        self._rules = policy.rules
        self._parents = _parents(policy.links)
        self._index = _index(policy.rules)
        self._tokens: tuple[str, ...] = tuple(stock["p"]["p"].tokens)
        self._parameters = [dict(zip(self._tokens, row.values, strict=True)) for row in policy.rules]
        self._evaluator = SimpleEval
        self._functions = FunctionMap.load_function_map().get_functions()
        self._matcher = _parse(stock["m"]["m"].value)
        self._atoms = tuple((atom, _parse(escape_assertion(atom.text))) for atom in model.matcher)
        self._effector = get_effector(stock["e"]["e"].value)
        self._to_bool: Callable[[int], bool] = effect_to_bool

    @staticmethod
    def _require_same_rows(stock: Any, policy: CasbinPolicy) -> None:
        for kind, rows in (("p", policy.rules), ("g", policy.links)):
            if kind in stock.keys() and stock[kind][kind].policy != [list(row.values) for row in rows]:  # noqa: SIM118 - no mapping
                raise CasbinMismatch(f"Casbin reads the `{kind}` lines differently")

    def decide(self, subjects: tuple[str, ...], path: str, action: str, context: Context = _NO_CONTEXT) -> Decision:
        """The decision on one request."""
        fault = _fault(subjects, path, action)
        if fault is not None:
            return Decision(Effect.DENY, "error", detail=fault)
        names = self._closure(subjects)
        evaluate = self._evaluation(names, path, action, context)
        effects: set[int] = set()
        decided: Row | None = None
        for number in self._candidates(names, path, action):
            if not evaluate(self._matcher, number):
                continue
            decided = self._rules[number]
            effects.add(self._effector.ALLOW if decided.values[-1] == "allow" else self._effector.DENY)
            if self._effector.intermediate_effect(effects) != self._effector.INDETERMINATE:
                break
        allowed = self._to_bool(self._effector.final_effect(effects))
        if decided is None:
            return Decision(Effect.DENY, "no-matching-rule")
        if allowed:
            return Decision(Effect.ALLOW, "matched-rule", decided.location)
        return Decision(Effect.DENY, "denied-by-rule", decided.location)

    def trace(self, request: AccessRequest) -> Iterator[Trace]:
        """Every row with the tests that fail on it. A test that cannot be evaluated fails."""
        names = self._closure(request.subjects)
        evaluate = self._evaluation(names, request.object, request.action, request.context)
        for number, row in enumerate(self._rules):
            failing = (atom for atom, test in self._atoms if not _holds(evaluate, test, number))
            yield Trace(row.location, str(row), tuple(_failed(atom, request, row) for atom in failing))

    def _evaluation(
        self, names: frozenset[str], path: str, action: str, context: Context
    ) -> Callable[[ast.expr, int], bool]:
        """Casbin's evaluator for one request; `g` asks the closure instead of a shared, growing role graph."""
        evaluator = self._evaluator("", {**self._functions, "g": lambda _, name: name in names})
        request = {"r_sub": _CALLER, "r_obj": path, "r_act": action, "r_ctx": context}

        def evaluate(test: ast.expr, number: int) -> bool:
            evaluator.ast_parsed_value = test
            result = evaluator.eval({**request, **self._parameters[number]})
            if not isinstance(result, bool):
                raise TypeError("the matcher gave no boolean")
            return result

        return evaluate

    def _closure(self, subjects: Iterable[str]) -> frozenset[str]:
        names = set(subjects)
        pending = list(names)
        while pending:
            for parent in self._parents.get(pending.pop(), ()):
                if parent not in names:
                    names.add(parent)
                    pending.append(parent)
        return frozenset(names)

    def _candidates(self, names: frozenset[str], path: str, action: str) -> list[int]:
        """Numbers, in file order, of all rows that can match: their subject is held, their path and action may fit."""
        patterns = [path, "*"]
        patterns += [path[: position + 1] + "*" for position, character in enumerate(path) if character == "/"]
        found: list[int] = []
        for name in names:
            rows = self._index.get(name)
            if rows is not None:
                for pattern in patterns:
                    found += rows.get(pattern, ())
        return sorted(number for number in found if self._rules[number].cells[2].text in (action, "*"))


def _fault(subjects: object, path: object, action: object) -> str | None:
    """Why this request cannot be decided, or None. Asked before any rule is read."""
    if not isinstance(subjects, tuple) or not subjects:
        return "no subject"
    if len(subjects) > MAX_SUBJECTS:
        return f"more than {MAX_SUBJECTS} subjects"
    for subject in subjects:
        fault = subject_fault(subject)
        if fault is not None:
            return fault
    if not isinstance(action, str) or action not in ACTIONS:
        return "unknown action"
    return object_fault(path)


def _parents(links: Iterable[Row]) -> dict[str, list[str]]:
    parents: dict[str, list[str]] = {}
    for link in links:
        child, parent = link.values
        parents.setdefault(child, []).append(parent)
    return parents


def _index(rules: Iterable[Row]) -> dict[str, dict[str, list[int]]]:
    index: dict[str, dict[str, list[int]]] = {}
    for number, row in enumerate(rules):
        subject, path = row.values[:2]
        index.setdefault(subject, {}).setdefault(path, []).append(number)
    return index


def _parse(matcher: str) -> ast.expr:
    """The matcher as Casbin's evaluator wants it; of Casbin's own operators the checker allows `&&` alone."""
    return ast.parse(matcher.replace("&&", "and"), mode="eval").body


def _failed(atom: Atom, request: AccessRequest, row: Row) -> FailedTest:
    subject, path, action = row.values[:3]
    if atom.kind == "role":
        return FailedTest(atom.text, ", ".join(request.subjects), subject)
    if atom.field == "obj":
        return FailedTest(atom.text, request.object, path)
    if atom.field == "act":
        return FailedTest(atom.text, request.action, action)
    claim = request.context.get(atom.field.removeprefix("ctx."))
    return FailedTest(atom.text, str(claim), atom.text.partition("==")[2].strip())


def _distance(trace: Trace) -> tuple[int, bool]:
    """Fewer failing tests are nearer; then a row about the same object."""
    return len(trace.failing), any("r.obj" in failed.test for failed in trace.failing)


def _holds(evaluate: Callable[[ast.expr, int], bool], test: ast.expr, number: int) -> bool:
    try:
        return evaluate(test, number)
    except Exception:  # noqa: BLE001 - a test that cannot be evaluated does not hold
        return False
