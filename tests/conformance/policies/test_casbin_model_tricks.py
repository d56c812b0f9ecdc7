"""Models that stock pycasbin takes in silence and that then fail open, or fail at the first request."""

from __future__ import annotations

import pytest

from policies.casbin_model import ALLOW_AND_DENY, CasbinModel, is_bundle_shape, read_model
from policies.problem import Problems

_MATCHER = "m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)"
_LINES = {
    "[r]": "[request_definition]",
    "r": "r = sub, obj, act, ctx",
    "[p]": "[policy_definition]",
    "p": "p = sub, obj, act, eft",
    "[g]": "[role_definition]",
    "g": "g = _, _",
    "[e]": "[policy_effect]",
    "e": f"e = {ALLOW_AND_DENY}",
    "[m]": "[matchers]",
    "m": _MATCHER,
}
_PLACES = {key: number for number, key in enumerate(_LINES, start=1)}

# name: (which line, what stands there instead, line and column of the problem, part of the message)
_TRICKS: dict[str, tuple[str, str, tuple[int, int], str]] = {
    "semicolon ends the matcher": ("m", "m = g(r.sub, p.sub); && r.obj == p.obj", (10, 20), "`;` is not allowed"),
    "hash cuts the matcher": (
        "m",
        'm = g(r.sub, p.sub) && r.obj == "#" && r.act == p.act',
        (10, 34),
        "line of its own",
    ),
    "second matcher line without continuation": ("m", "m = g(r.sub, p.sub)\n&& r.obj == p.obj", (11, 1), "unknown key"),
    "continuation line": ("m", "m = g(r.sub, p.sub) \\\n&& r.obj == p.obj", (10, 21), "continuation lines"),
    "two matchers": ("m", f"{_MATCHER}\nm = r.sub == p.sub", (11, 1), "`m` is defined twice"),
    "second matcher is never used": ("m", f"{_MATCHER}\nm2 = r.sub == p.sub", (11, 1), "unknown key `m2`"),
    "swapped keyMatch arguments": ("m", _MATCHER.replace("r.obj, p.obj", "p.obj, r.obj"), (10, 24), "swapped"),
    "swapped g arguments": ("m", _MATCHER.replace("r.sub, p.sub", "p.sub, r.sub"), (10, 5), "swapped"),
    "crossed fields": ("m", _MATCHER.replace("r.obj, p.obj", "r.obj, p.act"), (10, 24), "expected `g("),
    "exclamation mark in a string": ("m", f'{_MATCHER} && r.ctx.acr == "a!"', (10, 76), "only tests joined by"),
    "negation": ("m", _MATCHER.replace("g(", "!g("), (10, 5), "only tests joined by"),
    "or": ("m", f'{_MATCHER} || r.sub == "user:root"', (10, 50), "only tests joined by"),
    "ampersands without spaces": ("m", _MATCHER.replace(" && ", "&&"), (10, 5), "space on both sides"),
    "single ampersand": ("m", _MATCHER.replace("&&", "&"), (10, 5), "expected `g("),
    "unanchored regexMatch": ("m", _MATCHER.replace("keyMatch(r.act", "regexMatch(r.act"), (10, 50), "not allowed"),
    "keyMatch2 reads a dot as any character": (
        "m",
        _MATCHER.replace("keyMatch(r.obj", "keyMatch2(r.obj"),
        (10, 24),
        "`keyMatch`?",
    ),
    "unknown function": (
        "m",
        _MATCHER.replace("keyMatch(r.obj", "keymatch(r.obj"),
        (10, 24),
        "did you mean `keyMatch`?",
    ),
    "unknown field": ("m", _MATCHER.replace("r.obj", "r.object"), (10, 24), "unknown field `r.object`"),
    "unknown policy field": ("m", _MATCHER.replace("p.obj", "p.objj"), (10, 24), "did you mean `p.obj`?"),
    "eval of a rule": ("m", "m = eval(p.sub) && r.obj == p.obj && r.act == p.act", (10, 5), "function `eval`"),
    "constant true": ("m", "m = true", (10, 5), "expected `g("),
    "matcher forgets the object": ("m", "m = g(r.sub, p.sub) && r.act == p.act", (10, 5), "does not test `obj`"),
    "pattern in a user name": ("m", _MATCHER.replace("g(", "keyMatch("), (10, 5), "a subject is no path"),
    "method of the claims": ("m", f'{_MATCHER} && r.ctx.items == "x"', (10, 76), "no claim of this name"),
    "claims before the rule": ("m", f'm = r.ctx.acr == "x" && {_MATCHER[4:]}', (10, 25), "come last"),
    "field tested twice": ("m", f"{_MATCHER} && r.act == p.act", (10, 76), "`act` is tested twice"),
    "renamed eft": ("p", "p = sub, obj, act, effect", (4, 5), "missing field `eft`"),
    "eft not last": ("p", "p = sub, eft, obj, act", (4, 5), "`eft` must be the last"),
    "misspelt request field": ("r", "r = sub, object, act, ctx", (2, 5), "missing field `obj`"),
    "full-width comma in the fields": ("r", "r = sub， obj, act, ctx", (2, 8), "FULLWIDTH COMMA"),
    "misspelt section": ("[g]", "[role_defintion]", (5, 1), "did you mean `role_definition`?"),
    "section in capitals": ("[r]", "[Request_Definition]", (1, 1), "unknown section"),
    "section with spaces": ("[m]", "[ matchers ]", (9, 1), "unknown section"),
    "section twice": ("[g]", "[policy_definition]", (5, 1), "stands twice"),
    "third role field": ("g", "g = _, _, _", (6, 5), "`g` must be `_, _`"),
    "allowed unless denied": ("e", "e = !some(where (p.eft == deny))", (8, 5), "by default"),
    "priority by row order": ("e", "e = priority(p.eft) || deny", (8, 5), "row order"),
    "effect without spaces": (
        "e",
        "e = some(where(p.eft==allow))&&!some(where(p.eft==deny))",
        (8, 5),
        "unknown effect",
    ),
    "misspelt effect": ("e", f"e = {ALLOW_AND_DENY}".replace("deny", "dney"), (8, 5), "did you mean"),
    "line without equals sign": ("g", "g _, _", (6, 1), "expected `key = value`"),
    "tab": ("g", "g\t= _, _", (6, 2), "tabs"),
    "carriage return": ("g", "g = _, _\r", (6, 9), "CR LF"),
    "indented line": ("g", "  g = _, _", (6, 1), "column 1"),
    "zero-width space": ("m", _MATCHER.replace("g(r", "g(\u200br"), (10, 7), "U+200B"),
}


def _read(lines: dict[str, str]) -> tuple[CasbinModel | None, list[tuple[int, int, str]]]:
    problems = Problems()
    model = read_model(("\n".join(lines.values()) + "\n").encode(), "model.conf", problems)
    return model, [(found.location.line, found.location.column, found.message) for found in problems]


@pytest.mark.parametrize("name", _TRICKS)
def test_model_trick(name: str) -> None:
    """A model that Casbin reads otherwise than a person, or trips over later, is refused at its place."""
    key, text, place, message = _TRICKS[name]
    model, found = _read({**_LINES, key: text})
    assert model is None
    assert any(problem[:2] == place and message in problem[2] for problem in found), found


def test_sound_model() -> None:
    """The model without tricks passes, and a bundle can use it."""
    model, found = _read(_LINES)
    assert found == []
    assert model is not None
    assert is_bundle_shape(model)
    assert not model.reads_context


def test_claims_in_the_matcher() -> None:
    """A matcher may ask for a claim, after the three tests that select the row."""
    model, found = _read({**_LINES, "m": f'{_MATCHER} && r.ctx.acr == "gold"'})
    assert found == []
    assert model is not None
    assert model.reads_context


def test_sound_model_of_another_shape() -> None:
    """Casbin's plain models can be checked on their own, though a bundle needs more."""
    shape = {"r": "r = sub, obj, act", "p": "p = sub, obj, act", "e": "e = some(where (p.eft == allow))"}
    plain = {**_LINES, **shape, "m": "m = r.sub == p.sub && r.obj == p.obj && r.act == p.act"}
    del plain["[g]"], plain["g"]
    model, found = _read(plain)
    assert found == []
    assert model is not None
    assert not is_bundle_shape(model)


@pytest.mark.parametrize("key", ["r", "p", "e", "m"])
def test_missing_section(key: str) -> None:
    """A cut file that has lost a section is refused, by the section's name."""
    lines = {name: text for name, text in _LINES.items() if name.strip("[]") != key}
    _, found = _read(lines)
    section = _LINES[f"[{key}]"]
    assert any(f"missing section `{section}`" in problem[2] for problem in found)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"\xef\xbb\xbf[matchers]\n", b"[" * 100_000, b"x" * (1 << 20) + b"\n"]
)
def test_no_model_at_all(data: bytes) -> None:
    """Bytes that are no model are a problem, never an exception."""
    problems = Problems()
    assert read_model(data, "model.conf", problems) is None
    assert problems.count
