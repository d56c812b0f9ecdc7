"""policy.csv, read strictly: each row is one that Casbin and a person read alike.

Casbin drops unknown line types, ignores a misspelt `deny` so that the allow stands, and trips over a short row only at
request time. None of that passes here. Lines starting with `#` are comments; lines end with LF, the last one too.
"""

import re
from dataclasses import dataclass
from typing import Final

from policies.casbin_matcher import Cell
from policies.casbin_model import CasbinModel
from policies.names import ACTIONS, MAX_NAME, look_alike, object_fault
from policies.problem import Location, Problems, did_you_mean, quoted
from policies.source import decode

MAX_ROLE_DEPTH: Final = 8  # Casbin follows ten names and stops in silence; the caller and its subject take two
_FORBIDDEN: Final = {
    "\r": "lines must end with LF, not CR LF",
    "\t": "tabs are not allowed; separate columns with `, `",
    "#": "a comment must be a line of its own",
    '"': "quotes are not allowed: Casbin keeps them as part of the value",
    "'": "quotes are not allowed: Casbin keeps them as part of the value",
    "`": "quotes are not allowed: Casbin keeps them as part of the value",
    ";": "`;` is not allowed; columns are separated by `,`",
    "\\": "`\\` is not allowed",
    "%": "`%` is not allowed: objects are compared as they stand, never decoded",
    "(": "brackets are not allowed: Casbin does not split columns inside them",
    ")": "brackets are not allowed: Casbin does not split columns inside them",
    "[": "brackets are not allowed: Casbin does not split columns inside them",
    "]": "brackets are not allowed: Casbin does not split columns inside them",
}
_SPECIAL: Final = re.compile("[" + re.escape("".join(_FORBIDDEN)) + "]")
_KIND: Final = re.compile(r"(user|role):\S+")


@dataclass(frozen=True, slots=True)
class Row:
    """One `p` or `g` line. `values` are the columns after the type, as Casbin sees them."""

    location: Location
    kind: str
    cells: tuple[Cell, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The columns' texts."""
        return tuple(cell.text for cell in self.cells)

    def __str__(self) -> str:
        return ", ".join((self.kind, *self.values))


@dataclass(frozen=True, slots=True)
class CasbinPolicy:
    """Rules and role links in file order."""

    rules: tuple[Row, ...]
    links: tuple[Row, ...]


def read_policy(
    data: bytes, file: str, model: CasbinModel | None, problems: Problems, *, bundle: bool
) -> CasbinPolicy | None:
    """The policy, or None with problems. Without a model (it was refused) only the lines themselves are checked.

    For a `bundle`, subjects must be `user:…` or `role:…`, objects paths, and actions known ones.
    """
    before = problems.count
    text = decode(data, file, problems)
    if text is None:
        return None
    rows = [row for row in _rows(text, file, problems) if row is not None]
    if not text.endswith("\n"):
        last = text.count("\n") + 1
        problems.add(Location(file, last, 1), "the last line must end with LF; the file may be cut short")
    if problems.count == before and not any(row.kind == "p" for row in rows):
        problems.add(Location(file, 1, 1), "no `p` line: nothing would be allowed")
    if model is not None:
        for row in rows:
            if _check_columns(row, model, problems) and bundle:
                _check_bundle_names(row, problems)
    _check_repeats(rows, problems)
    links = [row for row in rows if row.kind == "g" and len(row.cells) == 2]
    _check_hierarchy(links, problems)
    _check_parents(links, {row.values[0] for row in rows if row.values}, problems)
    if problems.count > before:
        return None
    return CasbinPolicy(tuple(row for row in rows if row.kind == "p"), tuple(row for row in rows if row.kind == "g"))


def _rows(text: str, file: str, problems: Problems) -> list[Row | None]:
    return [
        _row(line, Location(file, number, 1), problems)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip(" ") and not line.startswith("#")
    ]


def _row(line: str, place: Location, problems: Problems) -> Row | None:
    fault = _line_fault(line)
    if fault:
        problems.add(Location(place.file, place.line, fault[0] + 1), fault[1])
        return None
    cells: list[Cell] = []
    column = 1
    for part in line.split(","):
        indent = len(part) - len(part.lstrip(" "))
        cells.append(Cell(Location(place.file, place.line, column + indent), part.strip(" ")))
        column += len(part) + 1
    kind, *rest = cells
    if kind.text not in ("p", "g"):
        hint = did_you_mean(kind.text.lower(), ("p", "g"))
        problems.add(place, f"unknown line type {quoted(kind.text)}; rules start with `p`, role links with `g`{hint}")
        return None
    return Row(place, kind.text, tuple(rest))


def _line_fault(line: str) -> tuple[int, str] | None:
    match = _SPECIAL.search(line)
    if match:
        return match.start(), _FORBIDDEN[match[0]]
    if line.startswith(" "):
        return 0, "a line must start in column 1"
    return look_alike(line)


def _check_columns(row: Row, model: CasbinModel, problems: Problems) -> bool:
    """Whether each column holds something that can be what it should be."""
    before = problems.count
    names = model.policy if row.kind == "p" else ("child", "parent")
    if row.kind == "g" and not model.has_roles:
        problems.add(row.location, "the model has no `[role_definition]`, so Casbin would drop this role link")
    elif len(row.cells) != len(names):
        listed = ", ".join((row.kind, *names))
        problems.add(row.location, f"expected {len(names)} columns after `{row.kind}` ({listed}), got {len(row.cells)}")
    else:
        for name, cell in zip(names, row.cells, strict=True):
            _check_cell(name, cell, model, problems)
    return problems.count == before


def _check_cell(name: str, cell: Cell, model: CasbinModel, problems: Problems) -> None:
    if not cell.text:
        problems.add(cell.location, f"{name} must not be empty")
    elif name == "eft":
        if cell.text not in ("allow", "deny"):
            hint = did_you_mean(cell.text.lower(), ("allow", "deny"))
            problems.add(cell.location, f"effect must be `allow` or `deny`, got {quoted(cell.text)}{hint}")
    elif " " in cell.text:
        problems.add(cell.location, f"{name} must not hold spaces, got {quoted(cell.text)}")
    elif len(cell.text) > MAX_NAME:
        problems.add(cell.location, f"{name} must not be longer than {MAX_NAME} characters")
    elif cell.text in (".", ".."):
        problems.add(cell.location, f"`.` is no wildcard, got {quoted(cell.text)}")
    elif "*" in cell.text:
        _check_star(name, cell, model, problems)


def _check_star(name: str, cell: Cell, model: CasbinModel, problems: Problems) -> None:
    atom = model.atom_for(name)
    if atom is None or name == "sub":
        problems.add(cell.location, f"`*` is no wildcard in a subject, got {quoted(cell.text)}")
    elif atom.kind != "path":
        problems.add(cell.location, f"`*` needs `keyMatch(r.{name}, p.{name})` in the matcher, got {quoted(cell.text)}")
    elif cell.text.index("*") < len(cell.text) - 1:
        problems.add(cell.location, f"`*` must come last: Casbin ignores what follows it, got {quoted(cell.text)}")


def _check_repeats(rows: list[Row], problems: Problems) -> None:
    seen: dict[tuple[str, ...], Location] = {}
    for row in rows:
        key = (row.kind, *row.values)
        if key in seen:
            problems.add(row.location, f"repeats line {seen[key].line}")
        seen.setdefault(key, row.location)


def _check_hierarchy(links: list[Row], problems: Problems) -> None:
    """Refuse circles, and chains so long that Casbin would stop following them."""
    waiting: dict[str, int] = {}  # child: parents whose depth is not known yet
    children: dict[str, list[str]] = {}
    depth: dict[str, int] = {}
    for row in links:
        child, parent = row.values
        waiting[child] = waiting.get(child, 0) + 1
        children.setdefault(parent, []).append(child)
    ready = [parent for parent in children if parent not in waiting]
    while ready:
        parent = ready.pop()
        for child in children.get(parent, ()):
            depth[child] = max(depth.get(child, 0), depth.get(parent, 0) + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    for row in links:
        child, parent = row.values
        if waiting[child] and waiting.get(parent):
            problems.add(row.location, f"role link goes in a circle, or leads into one: {quoted(child)}")
        elif not waiting[child] and depth[child] > MAX_ROLE_DEPTH:
            problems.add(row.location, f"roles are nested deeper than {MAX_ROLE_DEPTH}; Casbin would not follow")


def _check_parents(links: list[Row], known: set[str], problems: Problems) -> None:
    """A parent that no line gives anything to is a spelling mistake: the child would silently inherit nothing."""
    for row in links:
        parent = row.cells[1]
        if parent.text not in known:
            hint = did_you_mean(parent.text, known)
            problems.add(parent.location, f"no rule is about {quoted(parent.text)}{hint}")


def _check_bundle_names(row: Row, problems: Problems) -> None:
    if row.kind == "p":
        _check_subject(row.cells[0], problems)
        _check_path(row.cells[1], problems)
        _check_action(row.cells[2], problems)
        return
    child, parent = row.cells
    _check_subject(child, problems)
    _check_subject(parent, problems)
    if parent.text.startswith("user:"):
        problems.add(parent.location, f"only a role can be inherited, got {quoted(parent.text)}")


def _check_subject(cell: Cell, problems: Problems) -> None:
    if not _KIND.fullmatch(cell.text):
        kind = cell.text.partition(":")[0]
        hint = did_you_mean(kind, ("user", "role")) if ":" in cell.text else ""
        problems.add(cell.location, f"subject must be `user:…` or `role:…`, got {quoted(cell.text)}{hint}")


def _check_path(cell: Cell, problems: Problems) -> None:
    parts = cell.text.split("/")
    if parts[-1] == "*":
        parts = parts[:-1]
    if any("*" in part for part in parts):
        problems.add(cell.location, f"`*` may only stand alone as the last part of a path, got {quoted(cell.text)}")
    elif parts and object_fault("/".join(parts)):
        problems.add(cell.location, f"object must be a path like `model/*`, got {quoted(cell.text)}")


def _check_action(cell: Cell, problems: Problems) -> None:
    if cell.text not in ("*", *ACTIONS):
        known = ", ".join(f"`{action}`" for action in ACTIONS)
        hint = did_you_mean(cell.text, ACTIONS)
        problems.add(cell.location, f"action must be `*` or one of {known}, got {quoted(cell.text)}{hint}")
