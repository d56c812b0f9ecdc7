"""One question to the policy and its answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from policies.problem import Location

Context = Mapping[str, object]  # claims and circumstances, as `r.ctx` in the matcher
Reason = Literal["matched-rule", "denied-by-rule", "no-matching-rule", "error"]


class Effect(Enum):
    """What a decision or a rule says."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """May this caller do this action on this object? `subjects` are everything the caller is: see `subjects_of`."""

    subjects: tuple[str, ...]
    object: str
    action: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. Its truth value is the permission, so a refusal is never truthy."""

    effect: Effect
    reason: Reason
    rule: Location | None = None  # the row that decided; None when no row did
    detail: str = ""  # for the record: what could not be decided, when reason is "error"

    def __bool__(self) -> bool:
        return self.effect is Effect.ALLOW


def subjects_of(subject: str, roles: Iterable[str]) -> tuple[str, ...]:
    """The subjects of a caller: `user:<subject>` and `role:<name>` for each role.

    The kind stands in front, so a user named like a role stays a user.
    """
    return (f"user:{subject}", *dict.fromkeys(f"role:{name}" for name in roles))
