"""The import star: `gateway` imports the three; they import neither it nor each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAR = ("policies", "audit", "model_runtime")
FOREIGN = {"gateway", "policies", "audit", "model_runtime"}
HEAVY = {"torch", "transformers", "accelerate"}


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0], node.lineno


@pytest.mark.parametrize("package", STAR)
def test_the_three_import_neither_gateway_nor_each_other(package: str) -> None:
    """An arrow between two of the three, or back to the gateway, is found and named."""
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, line in _imports(path)
        if name in FOREIGN - {package}
    ]
    assert not found


@pytest.mark.parametrize("package", ["policies", "audit", "gateway"])
def test_no_torch_outside_the_model_runtime(package: str) -> None:
    """Policy, log and edge start without torch."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    assert not [path for path in files for name, _ in _imports(path) if name in HEAVY]


@pytest.mark.parametrize("package", ["policies", "audit", "model_runtime"])
def test_no_flask_behind_the_edge(package: str) -> None:
    """Flask is the edge's business alone."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert not [path for path in files for name, _ in _imports(path) if name in {"flask", "werkzeug", "gunicorn"}]
