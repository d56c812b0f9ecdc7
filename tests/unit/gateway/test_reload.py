"""What a reload is refused for, before a worker is replaced, and what the log is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import demo, reload


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return demo.prepare(tmp_path / "state", "127.0.0.1:8000").config


def test_what_can_be_served_is_not_refused(config: Path) -> None:
    """The deployment as it was made."""
    assert reload.refusal(config) is None


def test_a_bad_bundle_is_refused_with_its_problems(config: Path) -> None:
    """The record and the operator read the same message with its place."""
    policy = config.parent / "bundle" / "policy.csv"
    policy.write_text(policy.read_text() + "p, role:guest, models, raed, allow\n")
    refused = reload.refusal(config)
    assert refused is not None
    assert refused.event == "policy.refused"
    (problem,) = refused.fields["problems"]
    assert problem == refused.problems
    assert "did you mean `read`?" in problem


@pytest.mark.parametrize("name", ["hangu.yaml", "clients.yaml"])
def test_a_secret_in_the_wrong_place_is_not_recorded(config: Path, name: str) -> None:
    """A mistake in these files is recorded by its place alone."""
    file = config.parent / name
    file.write_text(file.read_text() + "canary-7431: {}\n")
    refused = reload.refusal(config)
    assert refused is not None
    assert refused.event == "configuration.refused"
    assert "canary-7431" in refused.problems
    assert "canary-7431" not in str(refused.fields)
    assert refused.fields["places"]


def test_a_record_has_room_for_the_first_problems(config: Path) -> None:
    """Hundreds of mistakes are counted, not written."""
    policy = config.parent / "bundle" / "policy.csv"
    policy.write_text(policy.read_text() + "".join(f"p, role:guest, models, raed{n}, allow\n" for n in range(80)))
    refused = reload.refusal(config)
    assert refused is not None
    assert (len(refused.fields["problems"]), refused.fields["more"]) == (50, 30)


def test_keys_that_cannot_sign_are_refused(config: Path) -> None:
    """Workers could not start without them."""
    (config.parent / "keys" / "oauth.pem").unlink()
    assert reload.refusal(config) is not None
