"""tests/*.yaml of a bundle: what its author expects it to decide, and a run that says whether it does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policies.decision import AccessRequest, Effect, subjects_of
from policies.names import ACTIONS, ROUTES
from policies.node import Node
from policies.problem import Location, Problems, quoted

if TYPE_CHECKING:  # a bundle holds its expectations, so the import would go in a circle
    from policies.bundle import Bundle

_REASONS: Final = ("matched-rule", "denied-by-rule", "no-matching-rule", "error")


@dataclass(frozen=True, slots=True)
class AccessCase:
    """A caller asks for something. Texts that are empty expect nothing."""

    location: Location
    name: str
    subject: str
    roles: tuple[str, ...]
    client: str
    object: str
    action: str
    route: str
    effect: Effect
    reason: str
    rule: str  # `policy.csv:7`
    limit: str  # `10/minute`
    prompt_chain: str
    completion_chain: str


@dataclass(frozen=True, slots=True)
class FilterCase:
    """A chain meets a text. `expect_text` is what may pass; `blocked` whether the chain stops there."""

    location: Location
    name: str
    chain: str
    text: str
    expect_text: str
    blocked: bool


Expectation = AccessCase | FilterCase


@dataclass(frozen=True, slots=True)
class Result:
    """One case after the run; `faults` says what was expected and what came, and is empty when the case holds."""

    case: Expectation
    faults: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.faults


def load_expectations(node: Node, problems: Problems) -> tuple[Expectation, ...]:
    """Read one file of tests; mistakes go to `problems`."""
    fields = node.mapping(["cases"])
    cases = tuple(_case(row) for row in fields.nodes("cases"))
    if not cases:
        problems.add(fields.location("cases"), "at least one case is needed")
    return cases


def run(bundle: "Bundle") -> tuple[Result, ...]:
    """Put every case to the bundle, in file order."""
    return tuple(Result(case, tuple(_faults(bundle, case))) for case in bundle.expectations)


def _case(node: Node) -> Expectation:
    if isinstance(node.value, dict) and "chain" in node.value:
        return _filter_case(node)
    fields = node.mapping(["name", "caller", "object", "action", "expect"], ["route"])
    caller = fields.mapping("caller", ["subject"], ["roles", "client"])
    expect = fields.mapping("expect", ["effect"], ["reason", "rule", "limit", "prompt_chain", "completion_chain"])
    return AccessCase(
        location=node.location,
        name=fields.string("name", max_length=200),
        subject=caller.string("subject", max_length=256),
        roles=caller.strings("roles", max_length=256, empty=True),
        client=caller.string("client", max_length=256),
        object=fields.string("object", max_length=1024),
        action=fields.string("action", choices=ACTIONS),
        route=fields.string("route", choices=ROUTES),
        effect=Effect(expect.string("effect", "deny", choices=("allow", "deny"))),
        reason=expect.string("reason", choices=_REASONS),
        rule=expect.string("rule", pattern=r"policy\.csv:[1-9][0-9]{0,6}"),
        limit=expect.string("limit", max_length=40),
        prompt_chain=expect.string("prompt_chain", max_length=200),
        completion_chain=expect.string("completion_chain", max_length=200),
    )


def _filter_case(node: Node) -> FilterCase:
    fields = node.mapping(["name", "chain", "text", "expect_text"], ["blocked"])
    return FilterCase(
        location=node.location,
        name=fields.string("name", max_length=200),
        chain=fields.string("chain", max_length=200),
        text=fields.string("text", max_length=100_000, multiline=True),
        expect_text=_maybe_empty(fields.node("expect_text")),
        blocked=fields.boolean("blocked"),
    )


def _maybe_empty(node: Node | None) -> str:
    if node is None or node.value == "":  # nothing may pass: a fair thing to expect
        return ""
    return node.string(max_length=100_000, multiline=True)


def _faults(bundle: "Bundle", case: Expectation) -> Iterable[str]:
    if isinstance(case, FilterCase):
        return _filter_faults(bundle, case)
    return [*_access_faults(bundle, case), *_obligation_faults(bundle, case)]


def _access_faults(bundle: "Bundle", case: AccessCase) -> Iterable[str]:
    request = AccessRequest(subjects_of(case.subject, case.roles), case.object, case.action)
    decision = bundle.access.decide(request)
    rule = f"{decision.rule.file}:{decision.rule.line}" if decision.rule else "no rule"
    if decision.effect is not case.effect:
        because = decision.detail or decision.reason
        yield f"expected {case.effect.value}, got {decision.effect.value} by {rule} ({because})"
    elif case.rule and rule != case.rule:
        yield f"expected {case.rule} to decide, got {rule}"
    if case.reason and decision.reason != case.reason:
        yield f"expected reason {case.reason}, got {decision.reason}"


def _obligation_faults(bundle: "Bundle", case: AccessCase) -> Iterable[str]:
    model = case.object.removeprefix("model/") if case.object.startswith("model/") else ""
    if case.limit:
        limit = str(bundle.limits.select(case.subject, case.roles, case.client, model).requests)
        if limit != case.limit:
            yield f"expected the limit {case.limit}, got {limit}"
    if not (case.prompt_chain or case.completion_chain):
        return
    chains = bundle.filters.select(roles=case.roles, model=model, route=case.route)
    for what, wanted, got in (
        ("prompt", case.prompt_chain, chains.prompt.name),
        ("completion", case.completion_chain, chains.completion.name),
    ):
        if wanted and got != wanted:
            yield f"expected the {what} chain {quoted(wanted)}, got {quoted(got)}"


def _filter_faults(bundle: "Bundle", case: FilterCase) -> Iterable[str]:
    screened = bundle.filters.chains[case.chain].screen(case.text)
    if screened.text != case.expect_text:
        yield f"expected the text {quoted(case.expect_text)}, got {quoted(screened.text)}"
    if (screened.blocked is not None) != case.blocked:
        yield f"expected {'a block' if case.blocked else 'no block'}, got {'one' if screened.blocked else 'none'}"
