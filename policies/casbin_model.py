"""model.conf, read strictly: only what is understood here reaches Casbin.

Casbin's own reader takes misspelt sections, a second matcher line, `;` and `#` inside the matcher and unknown functions
without a word, and then decides something else than was written. Here a model is a short list of known parts.
"""

import re
from dataclasses import dataclass
from typing import Final

from policies.casbin_matcher import FIELD, Atom, Cell, read_matcher
from policies.names import look_alike
from policies.problem import Location, Problems, did_you_mean, quoted
from policies.source import decode

ALLOW_AND_DENY: Final = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
ALLOW_OVERRIDE: Final = "some(where (p.eft == allow))"
_FAIL_OPEN_EFFECTS: Final = (
    "!some(where (p.eft == deny))",
    "priority(p.eft) || deny",
    "subjectPriority(p.eft) || deny",
)

_SECTIONS: Final = {
    "request_definition": "r",
    "policy_definition": "p",
    "role_definition": "g",
    "policy_effect": "e",
    "matchers": "m",
}


@dataclass(frozen=True, slots=True)
class CasbinModel:
    """A model of known shape. `text` is what Casbin gets."""

    text: str
    request: tuple[str, ...]
    policy: tuple[str, ...]
    has_roles: bool
    effect: str
    matcher: tuple[Atom, ...]
    lines: dict[str, Cell]

    def atom_for(self, field: str) -> Atom | None:
        """The test that compares this request field with the policy."""
        return next((atom for atom in self.matcher if atom.field == field and atom.kind != "context"), None)

    @property
    def reads_context(self) -> bool:
        """Whether the decision depends on more than subjects, object and action."""
        return any(atom.kind == "context" for atom in self.matcher)


def read_model(data: bytes, file: str, problems: Problems) -> CasbinModel | None:
    """The model, or None with problems."""
    before = problems.count
    text = decode(data, file, problems)
    if text is None:
        return None
    lines = _read_lines(text, file, problems)
    for section, key in _SECTIONS.items():
        if key not in lines and key != "g":
            problems.add(Location(file, 1, 1), f"missing section `[{section}]` with `{key} = …`")
    if problems.count > before:
        return None
    request = _fields(lines["r"], problems)
    policy = _fields(lines["p"], problems)
    _check_roles(lines.get("g"), problems)
    _check_effect(lines["e"], problems)
    matcher = read_matcher(lines["m"], request, policy, "g" in lines, problems)
    _check_effect_column(policy, lines, problems)
    if problems.count > before:
        return None
    return CasbinModel(text, request, policy, "g" in lines, lines["e"].text, matcher, lines)


def require_bundle_shape(model: CasbinModel, problems: Problems) -> None:
    """What a bundle asks beyond a sound model: its fields, its effect, and roles by `g`."""
    lines = model.lines
    wanted = {"r": ("sub", "obj", "act", "ctx"), "p": ("sub", "obj", "act", "eft")}
    for key, found in (("r", model.request), ("p", model.policy)):
        if found != wanted[key]:
            problems.add(lines[key].location, f"a bundle's model needs `{key} = {', '.join(wanted[key])}`")
    if model.effect != ALLOW_AND_DENY:
        problems.add(lines["e"].location, f"a bundle's model needs `e = {ALLOW_AND_DENY}`: deny overrides")
    if not model.has_roles:
        problems.add(lines["m"].location, "a bundle's model needs `[role_definition]` with `g = _, _`")
    for name, kinds in (("sub", ("role",)), ("obj", ("path", "equal")), ("act", ("path", "equal"))):
        atom = model.atom_for(name)
        if atom is None or atom.kind not in kinds:
            how = f"g(r.{name}, p.{name})" if name == "sub" else f"keyMatch(r.{name}, p.{name})"
            problems.add(lines["m"].location, f"a bundle's matcher must test `{name}`, as in `{how}`")


def is_bundle_shape(model: CasbinModel) -> bool:
    """Whether a bundle could use this model."""
    problems = Problems()
    require_bundle_shape(model, problems)
    return not problems.count


def _read_lines(text: str, file: str, problems: Problems) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    section = ""
    seen: set[str] = set()
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip(" ")
        if not line or line.startswith("#"):
            continue
        place = Location(file, number, 1)
        fault = _line_fault(line)
        if fault:
            problems.add(Location(file, number, fault[0] + 1), fault[1])
        elif line.startswith("["):
            section = _section(line, place, seen, problems)
        else:
            _take_definition(line, place, section, found, problems)
    return found


def _line_fault(line: str) -> tuple[int, str] | None:
    """A character that Casbin would read otherwise than a person does, as (offset, message)."""
    for character, why in (
        ("\r", "lines must end with LF, not CR LF"),
        ("\t", "tabs are not allowed; use spaces"),
        ("#", "a comment must be a line of its own"),
        (";", "`;` is not allowed: Casbin drops what follows it"),
        ("\\", "a definition must stand on one line; continuation lines are not allowed"),
    ):
        if character in line:
            return line.index(character), why
    if line.startswith(" "):
        return 0, "a line must start in column 1"
    return look_alike(line)


def _section(line: str, place: Location, seen: set[str], problems: Problems) -> str:
    name = line[1:-1] if line.endswith("]") else line[1:]
    if line != f"[{name}]" or name not in _SECTIONS:
        problems.add(place, f"unknown section {quoted(line)}{did_you_mean(name.strip(), _SECTIONS)}")
        return ""
    if name in seen:
        problems.add(place, f"section `[{name}]` stands twice")
    seen.add(name)
    return name


def _take_definition(line: str, place: Location, section: str, found: dict[str, Cell], problems: Problems) -> None:
    key, equals, value = line.partition("=")
    key, expected = key.strip(), _SECTIONS.get(section)
    if not equals or not value.strip():
        problems.add(place, f"expected `key = value`, got {quoted(line)}")
    elif expected is None:
        problems.add(place, f"{quoted(key)} stands outside of a known section")
    elif key != expected:
        problems.add(place, f"unknown key {quoted(key)}; section `[{section}]` holds one line `{expected} = …`")
    elif key in found:
        problems.add(place, f"`{key}` is defined twice; Casbin keeps only one of them")
    else:
        column = len(line) - len(value.lstrip()) + 1
        found[key] = Cell(Location(place.file, place.line, column), value.strip())


def _fields(line: Cell, problems: Problems) -> tuple[str, ...]:
    names = tuple(name.strip() for name in line.text.split(","))
    for name in names:
        if not re.fullmatch(FIELD, name):
            problems.add(line.location, f"not a field name: {quoted(name)}")
    if len(set(names)) < len(names):
        problems.add(line.location, "a field stands twice")
    for needed in ("sub", "obj", "act"):
        if needed not in names:
            problems.add(line.location, f"missing field `{needed}`{did_you_mean(needed, names)}")
    return names


def _check_roles(line: Cell | None, problems: Problems) -> None:
    if line is not None and not re.fullmatch(r"_ ?, ?_", line.text):
        problems.add(line.location, f"`g` must be `_, _`, got {quoted(line.text)}")


def _check_effect(line: Cell, problems: Problems) -> None:
    if line.text in (ALLOW_AND_DENY, ALLOW_OVERRIDE):
        return
    if line.text in _FAIL_OPEN_EFFECTS:
        problems.add(line.location, f"effect {quoted(line.text)} lets a caller through by default or by row order")
    else:
        hint = did_you_mean(line.text, [ALLOW_AND_DENY, ALLOW_OVERRIDE])
        problems.add(line.location, f"unknown effect {quoted(line.text)}{hint}")


def _check_effect_column(policy: tuple[str, ...], lines: dict[str, Cell], problems: Problems) -> None:
    """Without a column named `eft` every row allows, whatever a column of another name says."""
    if "eft" in policy and policy[-1] != "eft":
        problems.add(lines["p"].location, "`eft` must be the last field")
    if "eft" not in policy and lines["e"].text == ALLOW_AND_DENY:
        problems.add(lines["p"].location, f"missing field `eft`{did_you_mean('eft', policy)}; no row could deny")
    for name in policy:
        if name not in ("sub", "obj", "act", "eft"):
            problems.add(lines["p"].location, f"unknown policy field {quoted(name)}{did_you_mean(name, ['eft'])}")
