"""gateway/cli/policy.py: `hangu policy check`, `explain` and `test`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.policy import policy
from policies import bundle

_DEFAULT = Path(bundle.__file__).parent / "bundles" / "default"
_EXPLAIN = ("explain", str(_DEFAULT), "--subject", "user:王芳", "--object")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, arguments)


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A bundle with one bad row."""
    directory = Path(shutil.copytree(_DEFAULT, tmp_path / "bundle"))
    with (directory / "policy.csv").open("a", encoding="utf-8") as file:
        file.write("p, role:guest, models, read, dney\n")
    return directory


def test_check_good() -> None:
    """A good bundle exits 0 and shows its digest."""
    result = _run("check", str(_DEFAULT))
    assert result.exit_code == 0
    assert bundle.load(_DEFAULT).digest in result.output
    answer = json.loads(_run("check", str(_DEFAULT), "--json").output)
    assert (answer["ok"], answer["bundle"]["name"], answer["problems"]) == (True, "default", [])


def test_check_bad(spoilt: Path) -> None:
    """A bad bundle exits 1 and prints one `file:line:column: message` per mistake."""
    result = _run("check", str(spoilt))
    assert result.exit_code == 1
    assert result.output.startswith(f"{spoilt}/policy.csv:")
    assert "effect must be `allow` or `deny`, got `dney` (did you mean `deny`?)\n" in result.output
    answer = json.loads(_run("check", str(spoilt), "--json").output)
    assert (answer["ok"], answer["problems"][0]["column"]) == (False, 30)


@pytest.mark.parametrize("command", ["test", "explain"])
def test_bad_bundle_elsewhere(spoilt: Path, command: str) -> None:
    """The other commands refuse a bad bundle in the same way."""
    more = ["--subject", "user:a", "--object", "models", "--action", "read"] if command == "explain" else []
    assert _run(command, str(spoilt), *more).exit_code == 1


def test_check_two_files(tmp_path: Path) -> None:
    """Two Casbin files are checked without a bundle; with a bundle's model, by a bundle's rules for names."""
    model, rules = str(_DEFAULT / "model.conf"), tmp_path / "policy.csv"
    rules.write_text("p, role:user, models, read, allow\n", encoding="utf-8")
    assert _run("check", "--model", model, "--policy", str(rules)).exit_code == 0
    rules.write_text("p, alice, models, read, allow\n", encoding="utf-8")
    result = _run("check", "--model", model, "--policy", str(rules))
    assert (result.exit_code, result.output.startswith(f"{rules}:1:4: subject must be")) == (1, True)


def test_check_two_files_of_another_shape(tmp_path: Path) -> None:
    """A plain Casbin model keeps its own kind of names; the tricks are refused all the same."""
    model, rules = tmp_path / "m.conf", tmp_path / "p.csv"
    model.write_text(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[policy_effect]\n"
        "e = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.act == p.act\n",
        encoding="utf-8",
    )
    rules.write_text("p, alice, data1, read\n", encoding="utf-8")
    assert _run("check", "--model", str(model), "--policy", str(rules)).exit_code == 0
    rules.write_text("p, alice, data1, read # all\np2, alice, data1, read\np, bob, *, read\n", encoding="utf-8")
    answer = json.loads(_run("check", "--model", str(model), "--policy", str(rules), "--json").output)
    assert [problem["line"] for problem in answer["problems"]] == [1, 2, 3]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "missing"),
        ("check", str(_DEFAULT), "--model", str(_DEFAULT / "model.conf")),
        ("check", "--model", str(_DEFAULT / "model.conf")),
        ("check", "--model", "missing", "--policy", "missing"),
        ("check", str(_DEFAULT), "--yaml"),
        ("explain", str(_DEFAULT)),
        (*_EXPLAIN, "models", "--action", "eat"),
        (*_EXPLAIN, "models", "--action", "read", "--role", "role:guest"),
        (*_EXPLAIN, "models", "--action", "read", "--context", "acr"),
        ("explain", str(_DEFAULT), "--subject", "alice", "--object", "models", "--action", "read"),
        ("test",),
        ("unknown",),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    """Wrong usage exits 2."""
    assert _run(*arguments).exit_code == 2


def test_explain_allow() -> None:
    """An allow names the row that decides."""
    result = _run(*_EXPLAIN, "model/模型", "--action", "chat", "--role", "guest")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "allow: user:王芳, role:guest chat model/模型 (matched-rule)",
        "  decides  policy.csv:5:1: p, role:guest, model/*, chat, allow",
    ]


def test_explain_deny() -> None:
    """A no-match exits 0 as well, since the question was answered, and names the nearest rows."""
    result = _run(*_EXPLAIN, "models", "--action", "read", "--role", "guest", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.output)
    assert (answer["effect"], answer["reason"], answer["rule"]) == ("deny", "no-matching-rule", None)
    nearest = {row["rule"]: row["failing"] for row in answer["nearest"]}
    assert nearest["policy.csv:10:1"] == [
        {"test": "g(r.sub, p.sub)", "asked": "user:王芳, role:guest", "wanted": "role:user"}
    ]


def test_explain_error() -> None:
    """A request that cannot be decided says why."""
    result = _run(*_EXPLAIN, "model/../admin", "--action", "read")
    assert "deny" in result.output
    assert "object has an empty part" in result.output


def test_test(tmp_path: Path) -> None:
    """Cases that hold exit 0; one that does not exits 1 and is named with its place."""
    assert _run("test", str(_DEFAULT)).exit_code == 0
    directory = Path(shutil.copytree(_DEFAULT, tmp_path / "bundle"))
    cases = directory / "tests" / "access.yaml"
    cases.write_text(cases.read_text(encoding="utf-8").replace("effect: allow", "effect: deny", 1), encoding="utf-8")
    result = _run("test", str(directory))
    assert result.exit_code == 1
    assert f"{directory}/tests/access.yaml:2:5: `a guest may chat`: expected deny, got allow" in result.output
    answer = json.loads(_run("test", str(directory), "--json").output)
    assert [case["ok"] for case in answer["cases"]].count(False) == 1
    assert answer["ok"] is False
