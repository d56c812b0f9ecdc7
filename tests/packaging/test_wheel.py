"""The wheel: builds, installs into a clean environment, and its command works without the heavy extras."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from the tracked tree with the installed build backend."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    """Packages, the default bundle, the demo weights, the licence; no tests."""
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "wsgi.py",
        "policies/bundles/default/policy.csv",
        "policies/bundles/default/tests/",
        "model_runtime/demo/weights/model.safetensors",
        "model_runtime/demo/weights/tokenizer.model",
        "gateway/py.typed",
        "licenses/LICENSE",
    ):
        assert any(needed in name for name in names), needed
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "examples/"))]


def test_the_command_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed with its locked requirements and without torch, `hangu --help` and a policy check work."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(tmp_path / "pins.txt"), str(wheel)]
    pins = [
        line.removesuffix(" \\")
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    ]
    (tmp_path / "pins.txt").write_text("\n".join(pins) + "\n")
    subprocess.run(install, check=True, capture_output=True, timeout=300, cwd=tmp_path)
    hangu = str(environment / "bin" / "hangu")
    shown = subprocess.run([hangu, "--help"], check=True, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert "serve" in shown.stdout
    bundle = next(environment.glob("lib/*/site-packages/policies/bundles/default"))
    checked = subprocess.run([hangu, "policy", "check", str(bundle)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = subprocess.run([str(python), "-m", "pip", "list"], check=True, capture_output=True, text=True)
    assert "torch" not in listed.stdout
