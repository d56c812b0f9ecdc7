"""What a reload is refused for, before a worker is replaced, and what the log is told of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway import demo, reload
from gateway.settings import load_log_settings

CORP = """
  - name: corp
    issuer: https://id.example.com
    audiences: [hangu]
    algorithms: [RS256]
    keys: jwks
    claims: {subject: sub, roles: [roles]}
"""


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


def changed(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("run/audit.sock", "run/other.sock", "`socket` of `audit` changed"),
        ("targets: [anchors/]", "targets: [elsewhere/]", "`anchors` of `audit` changed"),
        (
            "  directory: audit\n",
            "  directory: audit2\n  heartbeat_seconds: 5\n",
            "`directory`, `heartbeat_seconds` of",
        ),
    ],
)
def test_what_the_writer_was_started_with_takes_a_restart(config: Path, old: str, new: str, named: str) -> None:
    """New workers would look for a writer that nobody started, or record a configuration that is not in force."""
    running = load_log_settings(config)
    changed(config, old, new)
    refused = reload.refusal(config, running)
    assert refused is not None
    assert refused.event == "configuration.refused"
    assert named in refused.problems


def test_keys_of_texts_can_change_by_a_reload(config: Path) -> None:
    """An auditor's key is handed over without a restart (docs/contents.md)."""
    running = load_log_settings(config)
    (config.parent / "keys" / "auditor.pub.pem").rename(config.parent / "keys" / "next.pub.pem")
    changed(config, "keys/auditor.pub.pem", "keys/next.pub.pem")
    assert reload.refusal(config, running) is None


def test_a_folder_without_a_checkpoint(config: Path) -> None:
    """The model is looked at before the workers that serve are gone."""
    changed(config, "path: demo ", "path: bundle ")
    refused = reload.refusal(config)
    assert refused is not None
    assert "config.json" in refused.problems


def test_contents_that_cannot_be_kept(config: Path) -> None:
    """A file stands where the folder should be."""
    (config.parent / "taken").touch()
    changed(config, "directory: contents", "directory: taken")
    refused = reload.refusal(config)
    assert refused is not None
    assert "taken" in refused.problems


@pytest.mark.parametrize(("source", "problem"), [("jwks_file: none.json", "cannot be read"), ("jwks_uri: x", "URL")])
def test_an_issuer_without_keys(config: Path, source: str, problem: str) -> None:
    """Also one that only hangu.yaml or only identity.yaml knows."""
    identity = config.parent / "bundle" / "identity.yaml"
    changed(config, "oauth:\n", f"issuers: {{corp: {{{source}}}}}\noauth:\n")
    refused = reload.refusal(config)
    assert refused is not None
    assert "identity.yaml does not" in refused.problems
    identity.write_text(identity.read_text() + CORP)
    refused = reload.refusal(config)
    assert refused is not None
    assert (refused.event, problem in refused.problems) == ("policy.refused", True), refused.problems


def test_nothing_is_fetched_to_find_that_out(config: Path) -> None:
    """Keys that an issuer publishes are the workers' to fetch: the supervisor would keep a thread for each reload."""
    identity = config.parent / "bundle" / "identity.yaml"
    identity.write_text(identity.read_text() + CORP)
    changed(config, "oauth:\n", "issuers: {corp: {jwks_uri: 'http://127.0.0.1:9/jwks'}}\noauth:\n")
    threads = threading.active_count()
    assert reload.refusal(config) is None
    assert threading.active_count() == threads
