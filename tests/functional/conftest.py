"""Servers that the functional tests share: started once, stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.server import Server, prepare, serving
from harness.upstream import ScriptedUpstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    """A model server whose answers the tests write."""
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway in front of the scripted model server, with CORS for one origin."""
    state = tmp_path_factory.mktemp("gateway")
    extra = "http:\n  cors_origins: [https://app.example.com]\n"
    with serving(prepare(state, upstream.base_url, extra)) as server:
        yield server


@pytest.fixture(scope="session")
def demo_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway with the demo model that ships."""
    with serving(prepare(tmp_path_factory.mktemp("demo"))) as server:
        yield server
