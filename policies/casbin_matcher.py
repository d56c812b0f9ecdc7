"""The matcher of a Casbin model, read strictly: tests joined by ` && `, of four known kinds, each field tested once.

Casbin hands its matcher to an expression evaluator, where a missing space joins two words, `;` ends the expression and
swapped arguments turn a policy's pattern into the request's. What is not one of the four kinds is refused here.
"""

import re
from dataclasses import dataclass
from typing import Final

from policies.problem import Location, Problems, did_you_mean, quoted

FIELD: Final = r"[a-z][a-z0-9_]{0,31}"
_ROLE_TEST: Final = re.compile(rf"g\( ?r\.({FIELD}), ?p\.({FIELD}) ?\)")
_PATH_TEST: Final = re.compile(rf"keyMatch\( ?r\.({FIELD}), ?p\.({FIELD}) ?\)")
_EQUAL_TEST: Final = re.compile(rf"r\.({FIELD}) ?== ?p\.({FIELD})")
_CONTEXT_TEST: Final = re.compile(rf'r\.ctx\.({FIELD}) ?== ?"([A-Za-z0-9_.:/@-]{{1,128}})"')
_DICT_NAMES: Final = frozenset(dir(dict))  # `r.ctx.items` would read the method, not the claim
_PLACE: Final = re.compile(r"\b([rp])\.(\w+)")
_CALL: Final = re.compile(r"(\w+)\s*\(")


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a Casbin file and where it stands."""

    location: Location
    text: str


@dataclass(frozen=True, slots=True)
class Atom:
    """One test of the matcher: its kind (role, path, equal, context) and the request field it reads."""

    kind: str
    field: str
    text: str


def read_matcher(
    line: Cell, request: tuple[str, ...], policy: tuple[str, ...], has_roles: bool, problems: Problems
) -> tuple[Atom, ...]:
    """The tests of the matcher in order; what cannot be read goes to `problems`."""
    atoms: list[Atom] = []
    column = line.location.column
    for part in line.text.split(" && "):
        place = Location(line.location.file, line.location.line, column + len(part) - len(part.lstrip()))
        fault = _take_atom(part.strip(), request, policy, has_roles, atoms)
        if fault:
            problems.add(place, fault)
        column += len(part) + len(" && ")
    tested = {atom.field for atom in atoms if atom.kind != "context"}
    missing = [name for name in ("sub", "obj", "act") if name not in tested]
    if missing and len(atoms) == line.text.count("&&") + 1:
        problems.add(line.location, f"the matcher does not test `{missing[0]}`; every rule would hold for all of them")
    return tuple(atoms)


def _take_atom(
    text: str, request: tuple[str, ...], policy: tuple[str, ...], has_roles: bool, atoms: list[Atom]
) -> str | None:
    """Append the atom, or say what is wrong with it."""
    for match in _PLACE.finditer(text):
        known = request if match[1] == "r" else policy
        if match[2] not in known:
            return f"unknown field `{match[0]}`{did_you_mean(match[0], [f'{match[1]}.{name}' for name in known])}"
    atom = _atom(text)
    if atom is None:
        return _atom_fault(text)
    if atom.kind == "context" and atom.text.split(".")[2].split(" ")[0].split("=")[0] in _DICT_NAMES:
        return f"`r.ctx` holds no claim of this name: {quoted(text)}"
    if atom.kind == "role" and (atom.field != "sub" or not has_roles):
        return "`g` links subjects: write `g(r.sub, p.sub)` and a `[role_definition]`"
    if atom.kind == "path" and atom.field == "sub":
        return "a subject is no path: `keyMatch` would read a `*` in a user's name"
    if atom.kind != "context" and any(known.kind == "context" for known in atoms):
        return "tests of `r.ctx` come last"
    if any(known.field == atom.field and atom.kind != "context" for known in atoms):
        return f"`{atom.field}` is tested twice"
    atoms.append(atom)
    return None


def _atom(text: str) -> Atom | None:
    for kind, pattern in (("role", _ROLE_TEST), ("path", _PATH_TEST), ("equal", _EQUAL_TEST)):
        match = pattern.fullmatch(text)
        if match and match[1] == match[2]:
            return Atom(kind, match[1], text)
    match = _CONTEXT_TEST.fullmatch(text)
    return Atom("context", f"ctx.{match[1]}", text) if match else None


def _atom_fault(text: str) -> str:
    calls = [name for name in _CALL.findall(text) if name not in ("g", "keyMatch")]
    if "&&" in text:
        return "`&&` needs a space on both sides; without them Casbin joins the words"
    if "||" in text or "!" in text:
        return "only tests joined by ` && ` are allowed; use a row of its own for another case"
    if calls:
        return f"function {quoted(calls[0])} is not allowed{did_you_mean(calls[0], ['g', 'keyMatch'])}"
    if re.search(r"\(\s*p\.", text):
        return f"arguments are swapped: the request comes first, as in `keyMatch(r.obj, p.obj)`, got {quoted(text)}"
    return (
        "expected `g(r.sub, p.sub)`, `keyMatch(r.obj, p.obj)`, `r.act == p.act` or "
        f'`r.ctx.acr == "text"`, got {quoted(text)}'
    )
