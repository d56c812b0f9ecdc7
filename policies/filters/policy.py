"""Which chains a call goes through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from policies.filters.chain import Chain
from policies.problem import Location
from policies.rules import Match


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of one call."""

    prompt: Chain
    completion: Chain


@dataclass(frozen=True, slots=True)
class ChainRule:
    """One row of `apply`."""

    location: Location
    match: Match
    chains: Chains


@dataclass(frozen=True, slots=True)
class FilterPolicy:
    """All chains by name, and the rows of `apply` in file order; the last one matches everything."""

    chains: Mapping[str, Chain]
    rules: tuple[ChainRule, ...]

    def select(self, *, roles: Collection[str], model: str, route: str) -> Chains:
        """The chains of the first row that matches this call. Roles are bare names."""
        for rule in self.rules:
            if rule.match.holds(roles, model=model, route=route):
                return rule.chains
        raise AssertionError("the loader keeps a last row that matches everything")
