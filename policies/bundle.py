"""A policy bundle: a directory of files, checked as a whole, as frozen typed objects."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from policies import bundle_files
from policies.access import AccessPolicy, CasbinMismatch
from policies.audit_rules import AuditPolicy, AuditRule, load_audit
from policies.casbin_model import read_model, require_bundle_shape
from policies.casbin_policy import read_policy
from policies.expectations import Expectation, FilterCase, load_expectations
from policies.filters.config import load_filters
from policies.filters.policy import ChainRule, FilterPolicy
from policies.identity import IdentityPolicy, load_identity
from policies.limits import LimitPolicy, LimitRule, load_limits
from policies.network import NetworkPolicy, load_network
from policies.node import Node
from policies.problem import Location, Problem, Problems, SourceError, did_you_mean, quoted
from policies.source import parse_yaml

_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_VERSION: Final = r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything the gateway asks policy for. `digest` names exactly these files and goes into every record.

    `files` are their bytes by path, so that the log can hold what was in force and not what lies on disk by then.
    """

    name: str
    version: str
    digest: str
    access: AccessPolicy
    identity: IdentityPolicy
    filters: FilterPolicy
    limits: LimitPolicy
    network: NetworkPolicy
    audit: AuditPolicy
    expectations: tuple[Expectation, ...]
    files: Mapping[str, bytes] = field(repr=False)


def load(path: Path) -> Bundle:
    """Read and check a bundle. Raises SourceError with every problem of every file; runs no expectations."""
    problems = Problems()
    files = bundle_files.read_files(path, problems)
    try:
        return _build(files, problems)
    except SourceError as error:
        raise SourceError(_under(path, problem) for problem in error.problems) from None


def _build(files: dict[str, bytes], problems: Problems) -> Bundle:
    name, version = _load(files, "bundle.yaml", _load_header, problems) or ("", "")
    identity = _load(files, "identity.yaml", load_identity, problems)
    filters = _load(files, "filters.yaml", load_filters, problems)
    limits = _load(files, "limits.yaml", load_limits, problems)
    network = _load(files, "network.yaml", load_network, problems)
    audit = _load(files, "audit.yaml", load_audit, problems)
    expectations = _load_tests(files, problems)
    access = _load_access(files, problems)
    if access is not None:
        for part in (limits, audit, filters):
            _check_roles(access.roles, part.rules if part else (), problems)
    if filters is not None:
        _check_chains(filters.chains, expectations, problems)
    problems.raise_if_any()
    # What follows is for the type checker: a part that is None has left a problem behind.
    if access is None or identity is None or filters is None or limits is None or network is None or audit is None:
        raise SourceError([Problem(Location("", 1, 1), "the bundle is incomplete")])
    return Bundle(
        name=name,
        version=version,
        digest=bundle_files.digest(files),
        access=access,
        identity=identity,
        filters=filters,
        limits=limits,
        network=network,
        audit=audit,
        expectations=expectations,
        files=MappingProxyType(files),
    )


def _load(
    files: Mapping[str, bytes], name: str, loader: Callable[[Node, Problems], _T], problems: Problems
) -> _T | None:
    if name not in files:  # reported as missing already
        return None
    root = parse_yaml(files[name], name, problems)
    return loader(root, problems) if root is not None else None


def _load_header(node: Node, _: Problems) -> tuple[str, str]:
    fields = node.mapping(["name", "version"], ["description"])
    fields.string("description", max_length=1000, multiline=True)
    return fields.string("name", pattern=_NAME), fields.string("version", pattern=_VERSION)


def _load_tests(files: Mapping[str, bytes], problems: Problems) -> tuple[Expectation, ...]:
    prefix = bundle_files.TESTS + "/"
    found = tuple(
        case
        for name in sorted(files)
        if name.startswith(prefix)
        for case in _load(files, name, load_expectations, problems) or ()
    )
    if not found:
        problems.add(Location(bundle_files.TESTS, 1, 1), "at least one test case is needed in `tests/*.yaml`")
    return found


def _load_access(files: Mapping[str, bytes], problems: Problems) -> AccessPolicy | None:
    if "model.conf" not in files or "policy.csv" not in files:
        return None
    before = problems.count
    model = read_model(files["model.conf"], "model.conf", problems)
    if model is not None:
        require_bundle_shape(model, problems)
    fits = model if problems.count == before else None
    policy = read_policy(files["policy.csv"], "policy.csv", fits, problems, bundle=True)
    if fits is None or policy is None:
        return None
    try:
        return AccessPolicy(fits, policy)
    except CasbinMismatch as error:
        problems.add(Location("policy.csv", 1, 1), str(error))
        return None


def _check_roles(known: frozenset[str], rules: Iterable[LimitRule | AuditRule | ChainRule], problems: Problems) -> None:
    """A misspelt role would leave its people to a later row, without a word."""
    for rule in rules:
        role = rule.match.role
        if role is not None and role not in known:
            problems.add(rule.location, f"policy.csv knows no role {quoted(role)}{did_you_mean(role, known)}")


def _check_chains(known: Collection[str], expectations: Iterable[Expectation], problems: Problems) -> None:
    """A case about a chain that does not exist could never hold."""
    for case in expectations:
        named = (case.chain,) if isinstance(case, FilterCase) else (case.prompt_chain, case.completion_chain)
        for name in named:
            if name and name not in known:
                problems.add(case.location, f"no chain is called {quoted(name)}{did_you_mean(name, known)}")


def _under(directory: Path, problem: Problem) -> Problem:
    """The problem with the path a person can open; in a loaded bundle locations stay relative."""
    place = problem.location
    return Problem(Location(str(directory / place.file), place.line, place.column), problem.message)
