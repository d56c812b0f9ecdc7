"""policies/bundle.py, bundle_files.py and live.py: a directory in, one frozen object or every mistake out."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from policies import bundle, bundle_files
from policies.bundle import Bundle
from policies.live import LiveBundle
from policies.source import Location, SourceError

_DEFAULT = Path(bundle.__file__).parent / "bundles" / "default"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the default bundle that a test may spoil."""
    return Path(shutil.copytree(_DEFAULT, tmp_path / "规则"))


def _mistakes(directory: Path) -> list[str]:
    with pytest.raises(SourceError) as caught:
        bundle.load(directory)
    return [str(problem) for problem in caught.value.problems]


def test_default_bundle() -> None:
    """The bundle that ships loads into frozen parts."""
    loaded = bundle.load(_DEFAULT)
    assert (loaded.name, len(loaded.digest)) == ("default", 64)
    assert loaded.access.roles == {"guest", "user", "admin"}
    with pytest.raises(FrozenInstanceError):
        loaded.name = "x"  # type: ignore[misc]  # the point of the test


def test_digest_is_as_documented(directory: Path) -> None:
    """The digest can be recomputed from docs/policies.md with nothing but a hash function."""
    lines = ["hangu-bundle-v1\n"]
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    for name in sorted(path.relative_to(directory).as_posix() for path in files):
        content = (directory / name).read_bytes()
        lines.append(f"{name}\t{len(content)}\t{hashlib.sha256(content).hexdigest()}\n")
    assert bundle.load(directory).digest == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_digest_vector() -> None:
    """The format's bytes, once and for all."""
    files = {"tests/a.yaml": b"x", "bundle.yaml": "名".encode()}
    assert bundle_files.digest(files) == "e0772ed246dc36500b079075280f5f2c304b0f0dca297a8e2a1f0a8779fd592b"


def test_digest_follows_the_contents_alone(directory: Path, tmp_path: Path) -> None:
    """A copy elsewhere has the same digest; one changed byte, also in a comment or a test, gives another."""
    first = bundle.load(directory).digest
    assert bundle.load(Path(shutil.copytree(directory, tmp_path / "copy"))).digest == first
    for name in ("audit.yaml", "policy.csv", "tests/access.yaml"):
        with (directory / name).open("a", encoding="utf-8") as file:
            file.write("# 注\n")
        second = bundle.load(directory).digest
        assert second != first
        first = second


def test_all_mistakes_of_all_files_in_one_run(directory: Path) -> None:
    """One load names the mistakes of every file, with paths that can be opened, in order."""
    (directory / "bundle.yaml").write_text("name: 默认\nversoin: 1\n", encoding="utf-8")
    (directory / "policy.csv").write_text("p, role:guest, model/*, chat, dney\n", encoding="utf-8")
    (directory / "limits.yaml").write_text("address: {requests: 10/minut}\nrules: []\n", encoding="utf-8")
    (directory / "audit.yaml").write_text("rules: [\n", encoding="utf-8")
    (directory / "network.yaml").unlink()
    (directory / "tests" / "access.yaml").write_text("cases: []\n", encoding="utf-8")
    found = _mistakes(directory)
    named = {Path(line.split(":")[0]).name for line in found}
    assert named >= {"bundle.yaml", "policy.csv", "limits.yaml", "audit.yaml", "network.yaml", "access.yaml"}
    assert all(line.startswith(str(directory)) for line in found)
    assert found == sorted(found, key=lambda line: line.split(":")[0])
    assert f"{directory}/bundle.yaml:2:1: unknown key `versoin` (did you mean `version`?)" in found


@pytest.mark.parametrize("name", bundle_files.NAMES)
def test_missing_file(directory: Path, name: str) -> None:
    """Each file is needed; nothing falls back to a default in silence."""
    (directory / name).unlink()
    assert any(line == f"{directory}/{name}:1:1: file is missing" for line in _mistakes(directory))


@pytest.mark.parametrize("name", bundle_files.NAMES)
def test_empty_file(directory: Path, name: str) -> None:
    """A file emptied half-way through a copy is refused, where Casbin would load an empty policy."""
    (directory / name).write_bytes(b"")
    assert f"{directory}/{name}:1:1: file is empty" in _mistakes(directory)


@pytest.mark.parametrize("name", ["policy.csv~", "policy.cvs", ".git", "model.conf.bak", "POLICY", "a\nb", "规则.yaml"])
def test_unknown_file(directory: Path, name: str) -> None:
    """A file that nobody would read is a mistake: its author thinks that it counts."""
    (directory / name).write_text("x", encoding="utf-8")
    assert any("unknown file" in line for line in _mistakes(directory))


def test_unknown_test_file(directory: Path) -> None:
    """Only `*.yaml` belongs into tests/."""
    (directory / "tests" / "more.yml").write_text("x", encoding="utf-8")
    assert any("unknown file `more.yml`; tests are named `*.yaml`" in line for line in _mistakes(directory))


def test_no_tests(directory: Path) -> None:
    """A bundle without expectations is refused: nothing to check must never mean fine."""
    shutil.rmtree(directory / "tests")
    assert any("at least one test case" in line for line in _mistakes(directory))


@pytest.mark.parametrize("name", ["policy.csv", "tests/access.yaml"])
def test_symbolic_link(directory: Path, tmp_path: Path, name: str) -> None:
    """A link can be pointed elsewhere after the check, so it is not followed."""
    target = tmp_path / "elsewhere"
    (directory / name).rename(target)
    (directory / name).symlink_to(target)
    assert any(f"{name}:1:1: cannot read" in line and "symbolic links" in line for line in _mistakes(directory))


def test_linked_tests_directory(directory: Path, tmp_path: Path) -> None:
    """The same for the directory of tests."""
    (directory / "tests").rename(tmp_path / "elsewhere")
    (directory / "tests").symlink_to(tmp_path / "elsewhere")
    assert any("tests:1:1: cannot read" in line for line in _mistakes(directory))


def test_fifo_does_not_hang(directory: Path) -> None:
    """A named pipe in place of a file is refused at once; the loader does not wait for a writer."""
    (directory / "policy.csv").unlink()
    os.mkfifo(directory / "policy.csv")
    assert any("policy.csv:1:1: not a plain file" in line for line in _mistakes(directory))


def test_directory_in_place_of_a_file(directory: Path) -> None:
    """A directory called like a file is refused."""
    (directory / "model.conf").unlink()
    (directory / "model.conf").mkdir()
    assert any("model.conf:1:1: " in line for line in _mistakes(directory))


def test_huge_file(directory: Path) -> None:
    """A file over the limit is refused without being read whole."""
    with (directory / "filters.yaml").open("wb") as file:
        file.truncate(1 << 40)
    assert any("filters.yaml:1:1: file is larger than 1048576 bytes" in line for line in _mistakes(directory))


@pytest.mark.parametrize("path", ["missing", "missing/sub", "x\x00y", "规则/policy.csv"])
def test_no_bundle(directory: Path, tmp_path: Path, path: str) -> None:
    """A path that is no directory is a located mistake, never a stray OSError or ValueError."""
    assert directory.name == "规则"
    assert any("cannot open the bundle" in line for line in _mistakes(tmp_path / path))


def test_unsound_model_still_reports_the_policy(directory: Path) -> None:
    """With a model that is refused, the rows of policy.csv are checked as far as they go."""
    (directory / "model.conf").write_text("[matchers]\nm = true\n", encoding="utf-8")
    (directory / "policy.csv").write_text("permit, role:guest, models, read, allow\n", encoding="utf-8")
    found = _mistakes(directory)
    assert any("model.conf:1:1: missing section `[request_definition]`" in line for line in found)
    assert any("policy.csv:1:1: unknown line type `permit`" in line for line in found)


def test_model_of_another_shape(directory: Path) -> None:
    """A sound Casbin model that a bundle cannot use is refused, naming what a bundle needs."""
    model = (directory / "model.conf").read_text(encoding="utf-8").replace("sub, obj, act, ctx", "sub, obj, act")
    (directory / "model.conf").write_text(model, encoding="utf-8")
    assert any("a bundle's model needs `r = sub, obj, act, ctx`" in line for line in _mistakes(directory))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("limits.yaml", "role: guest", "role: geust"),
        ("filters.yaml", "role: guest", "role: geust"),
        ("audit.yaml", "rules:\n", "rules:\n  - {role: geust, prompt: none, completion: none}\n"),
    ],
)
def test_misspelt_role_in_another_file(directory: Path, name: str, old: str, new: str) -> None:
    """A role that policy.csv does not know would silently leave its people to a later row."""
    text = (directory / name).read_text(encoding="utf-8")
    assert old in text
    (directory / name).write_text(text.replace(old, new), encoding="utf-8")
    found = _mistakes(directory)
    assert any(name in line and "no role `geust` (did you mean `guest`?)" in line for line in found), found


def test_live_bundle(directory: Path) -> None:
    """Activation replaces the bundle for later requests and gives back the one before."""
    first, second = bundle.load(_DEFAULT), bundle.load(directory)
    live = LiveBundle(first)
    taken: Bundle = live.current()
    assert live.activate(second) is first
    assert (taken, live.current()) == (first, second)


def test_bad_bundle_changes_nothing(directory: Path) -> None:
    """A bundle that does not load never becomes active."""
    live = LiveBundle(bundle.load(_DEFAULT))
    before = live.current()
    (directory / "policy.csv").write_text("p\n", encoding="utf-8")
    with pytest.raises(SourceError):
        live.activate(bundle.load(directory))
    assert live.current() is before


def test_rule_location_is_relative(directory: Path) -> None:
    """Records name `policy.csv`, not where the bundle happened to lie."""
    from policies.decision import AccessRequest, subjects_of

    decision = bundle.load(directory).access.decide(AccessRequest(subjects_of("a", ["guest"]), "model/x", "chat"))
    assert decision.rule == Location("policy.csv", 5, 1)
