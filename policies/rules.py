"""Lists of rules where the first match wins: what such a list must look like."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from policies.names import ROUTES
from policies.node import Fields
from policies.problem import Location, Problems


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule asks of a call; None asks nothing."""

    values: tuple[tuple[str, str], ...]  # (key, wanted), never `role`
    role: str | None

    def holds(self, roles: Collection[str], **call: str | None) -> bool:
        """Whether every matcher of the rule is met. Names are compared exactly."""
        if self.role is not None and self.role not in roles:
            return False
        return all(call[key] == wanted for key, wanted in self.values)

    @property
    def everything(self) -> bool:
        """Whether the rule matches every call."""
        return self.role is None and not self.values


def read_match(fields: Fields, keys: Sequence[str]) -> Match:
    """The matchers among a rule's fields. `role` is always allowed; `keys` names the others."""
    values = tuple(
        (key, fields.string(key, max_length=512, choices=ROUTES if key == "route" else ()))
        for key in keys
        if key in fields
    )
    return Match(values, fields.string("role", max_length=512) if "role" in fields else None)


def check_first_match(rules: Sequence[tuple[Location, Match]], owner: Location, problems: Problems) -> None:
    """Report a list that leaves a call undecided, and rules that no call can reach."""
    if not rules or not rules[-1][1].everything:
        problems.add(rules[-1][0] if rules else owner, "the last rule must match everything (no matchers)")
    seen: dict[Match, Location] = {}
    for location, match in rules:
        above = [seen[wider] for wider in _wider(match) if wider in seen]
        if above:
            problems.add(location, f"never reached: the rule on line {min(above).line} matches first")
        seen.setdefault(match, location)


def _wider(match: Match) -> Iterator[Match]:
    """Every set of matchers that this one meets too: all its subsets, itself included."""
    for role in {match.role, None}:
        for size in range(len(match.values) + 1):
            for values in combinations(match.values, size):
                yield Match(values, role)
