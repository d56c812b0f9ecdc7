"""`hangu policy`: check a bundle, explain one decision, run the bundle's own tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from policies import expectations
from policies.casbin_model import is_bundle_shape, read_model
from policies.casbin_policy import read_policy
from policies.decision import AccessRequest, subjects_of
from policies.names import ACTIONS
from policies.problem import Problem, Problems, SourceError
from policies.source import MAX_BYTES

if TYPE_CHECKING:
    from policies.access import Explanation, Trace
    from policies.bundle import Bundle

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")


@click.group("policy")
def policy() -> None:
    """Check, explain and test policy bundles. Exit code 0: fine; 1: what was checked is bad; 2: wrong usage."""


@policy.command()
@click.argument("bundle", type=_DIRECTORY, required=False)
@click.option("--model", type=_FILE, help="A Casbin model alone, together with --policy.")
@click.option("--policy", "rules", type=_FILE, help="A Casbin policy alone, together with --model.")
@_as_json
def check(bundle: Path | None, model: Path | None, rules: Path | None, as_json: bool) -> None:
    """Check a BUNDLE, or two Casbin files, and report every mistake as file:line:column."""
    if bundle is not None and model is None and rules is None:
        loaded = _load(bundle, as_json)
        summary = {"name": loaded.name, "version": loaded.version, "digest": loaded.digest}
        _say(as_json, {"ok": True, "bundle": summary, "problems": []}, f"{bundle}: fine ({loaded.digest})")
    elif bundle is None and model is not None and rules is not None:
        found = _check_pair(model, rules)
        if found:
            _fail(found, as_json)
        _say(as_json, {"ok": True, "problems": []}, f"{model}, {rules}: fine")
    else:
        raise click.UsageError("give a BUNDLE, or both --model and --policy")


@policy.command()
@click.argument("bundle", type=_DIRECTORY)
@click.option("--subject", required=True, help="The caller, as user:<sub>.")
@click.option("--role", "roles", multiple=True, help="A role of the caller, bare; repeat for more.")
@click.option("--object", "path", required=True, help="What is asked for, such as model/chatglm3-6b.")
@click.option("--action", type=click.Choice(ACTIONS), required=True)
@click.option("--context", "claims", multiple=True, metavar="KEY=VALUE", help="A claim that the matcher reads.")
@_as_json
def explain(
    bundle: Path, subject: str, roles: tuple[str, ...], path: str, action: str, claims: tuple[str, ...], as_json: bool
) -> None:
    """Say how BUNDLE decides one request, by which rule, and if by none which rules came nearest."""
    if not subject.startswith("user:"):
        raise click.BadParameter(f"must start with `user:`, as in `user:{subject}`", param_hint="--subject")
    for role in roles:
        if role.startswith("role:"):
            raise click.BadParameter(f"write the bare name, `{role.removeprefix('role:')}`", param_hint="--role")
    for claim in claims:
        if "=" not in claim:
            raise click.BadParameter("must be KEY=VALUE", param_hint="--context")
    context = {key: value for key, _, value in (claim.partition("=") for claim in claims)}
    request = AccessRequest(subjects_of(subject.removeprefix("user:"), roles), path, action, context)
    explanation = _load(bundle, as_json).access.explain(request)
    _say(as_json, _explanation_json(explanation), _explanation_text(request, explanation))


@policy.command("test")
@click.argument("bundle", type=_DIRECTORY)
@_as_json
def run_tests(bundle: Path, as_json: bool) -> None:
    """Run the cases in BUNDLE/tests and report those that do not hold."""
    results = expectations.run(_load(bundle, as_json))
    failed = [result for result in results if not result]
    lines = [f"{bundle}/{r.case.location}: `{r.case.name}`: {fault}" for r in failed for fault in r.faults]
    cases = [
        {"name": r.case.name, "location": str(r.case.location), "ok": bool(r), "faults": r.faults} for r in results
    ]
    lines.append(f"{len(results)} cases, {len(failed)} failed")
    _say(as_json, {"ok": not failed, "cases": cases}, "\n".join(lines))
    if failed:
        raise SystemExit(1)


def _load(path: Path, as_json: bool) -> Bundle:
    from policies import bundle

    try:
        return bundle.load(path)
    except SourceError as error:
        _fail(error.problems, as_json)
        raise AssertionError("unreachable") from None


def _check_pair(model_file: Path, policy_file: Path) -> tuple[Problem, ...]:
    problems = Problems()
    with model_file.open("rb") as model_data, policy_file.open("rb") as policy_data:
        model = read_model(model_data.read(MAX_BYTES + 1), str(model_file), problems)
        bundle = model is not None and is_bundle_shape(model)
        read_policy(policy_data.read(MAX_BYTES + 1), str(policy_file), model, problems, bundle=bundle)
    return tuple(problems)


def _fail(problems: tuple[Problem, ...], as_json: bool) -> None:
    listed = [
        {"file": p.location.file, "line": p.location.line, "column": p.location.column, "message": p.message}
        for p in problems
    ]
    _say(as_json, {"ok": False, "problems": listed}, "\n".join(map(str, problems)))
    raise SystemExit(1)


def _say(as_json: bool, value: dict[str, object], text: str) -> None:
    """Text that no terminal can show (half a surrogate pair in a file name) is written escaped."""
    click.echo(json.dumps(value) if as_json else text.encode("utf-8", "backslashreplace").decode())


def _explanation_json(explanation: Explanation) -> dict[str, object]:
    decision = explanation.decision
    return {
        "effect": decision.effect.value,
        "reason": decision.reason,
        "rule": str(decision.rule) if decision.rule else None,
        "detail": decision.detail,
        "matching": [_trace_json(trace) for trace in explanation.matching],
        "nearest": [_trace_json(trace) for trace in explanation.nearest],
    }


def _trace_json(trace: Trace) -> dict[str, object]:
    failing = [{"test": f.test, "asked": f.asked, "wanted": f.wanted} for f in trace.failing]
    return {"rule": str(trace.location), "row": trace.row, "failing": failing}


def _explanation_text(request: AccessRequest, explanation: Explanation) -> str:
    decision = explanation.decision
    who = ", ".join(request.subjects)
    lines = [f"{decision.effect.value}: {who} {request.action} {request.object} ({decision.reason})"]
    if decision.detail:
        lines.append(f"  {decision.detail}")
    for trace in explanation.matching:
        mark = "decides" if trace.location == decision.rule else "matches"
        lines.append(f"  {mark}  {trace.location}: {trace.row}")
    for trace in explanation.nearest:
        lines.append(f"  nearest  {trace.location}: {trace.row}")
        lines += [f"    fails {f.test}: asked `{f.asked}`, the rule wants `{f.wanted}`" for f in trace.failing]
    return "\n".join(lines)
