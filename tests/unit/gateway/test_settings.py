"""hangu.yaml: read strictly, every mistake in one run, secrets never in the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.settings import Settings, load_settings
from gateway.settings_models import EmbeddedModel, UpstreamModel
from policies.source import SourceError

SECRET = "s" * 40
VALID = """\
bind: 127.0.0.1:8000
bundle: bundle
models:
  - {id: chatglm3-6b, engine: openai, base_url: "http://127.0.0.1:9000/v1"}
audit:
  directory: audit
  key: keys/audit.pem
  public_key: keys/audit.pub.pem
  hmac_key: env:HMAC
  socket: run/audit.sock
  origin: hangu.test/a
"""


def _load(folder: Path, text: str = VALID, **environ: str) -> Settings:
    file = folder / "hangu.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {"HMAC": SECRET, **environ})


def _problems(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(SourceError) as caught:
        _load(folder, text, **environ)
    return [str(problem).removeprefix(str(folder) + "/") for problem in caught.value.problems]


def test_a_valid_file_gives_typed_settings_with_absolute_paths(tmp_path: Path) -> None:
    """Paths are relative to the file, not to the working folder."""
    settings = _load(tmp_path)
    assert settings.audit.directory == tmp_path / "audit"
    assert settings.audit.hmac_key == SECRET.encode()
    assert settings.models == (UpstreamModel("chatglm3-6b", (), "http://127.0.0.1:9000/v1", "chatglm3-6b", None),)
    assert (settings.workers, settings.limit_storage, settings.http.cors_origins) == (1, "memory://", ())


def test_the_file_is_named_by_argument_or_environment(tmp_path: Path) -> None:
    """HANGU_CONFIG is read when no path is given; without both the message says so."""
    file = tmp_path / "hangu.yaml"
    file.write_text(VALID)
    assert load_settings(None, {"HANGU_CONFIG": str(file), "HMAC": SECRET}).source == file
    with pytest.raises(SourceError, match="set HANGU_CONFIG or pass --config"):
        load_settings(None, {})


def test_the_demo_model_is_found_by_name(tmp_path: Path) -> None:
    """`path: demo` is the checkpoint that ships with the package."""
    text = VALID.replace('engine: openai, base_url: "http://127.0.0.1:9000/v1"', "engine: transformers, path: demo")
    model = _load(tmp_path, text).models[0]
    assert isinstance(model, EmbeddedModel)
    assert model.path.name == "weights"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("bind: 127.0.0.1:8000", "bind: 8000", "hangu.yaml:1:7: `bind` must be a string"),
        ("bind: 127.0.0.1:8000", "bind: localhost", "hangu.yaml:1:7: `bind` must be `host:port`"),
        ("bind: 127.0.0.1:8000", "bind: 127.0.0.1:80000", "hangu.yaml:1:7: `bind` must be `host:port`"),
        ("bundle: bundle", "bundel: bundle", "hangu.yaml:2:1: unknown key `bundel` (did you mean `bundle`?)"),
        ("id: chatglm3-6b", "id: ../6b", "hangu.yaml:4:10: `id` must match"),
        ("engine: openai", "engine: vllm", "hangu.yaml:4:31: `engine` must be `transformers` or `openai`"),
        ("base_url:", "path: x, base_url:", "`path` does not belong to engine `openai`"),
        ("http://127.0.0.1:9000/v1", "ftp://x/v1", "`base_url` must be an http or https URL"),
        ("http://127.0.0.1:9000/v1", "http://me:pw@host/v1", "`base_url` must be an http or https URL"),
        ("key: keys/audit.pem", "key: audit/key.pem", "`key` must lie outside the audit directory"),
        ("hmac_key: env:HMAC", f"hmac_key: {SECRET}", "a secret is never written here"),
        ("hmac_key: env:HMAC", "hmac_key: env:NONE", "the environment has no `NONE`"),
        ("hmac_key: env:HMAC", "hmac_key: env:SHORT", "has 5 bytes, at least 32 are needed"),
        ("hmac_key: env:HMAC", "hmac_key: file:absent", "absent` cannot be read"),
        ("origin: hangu.test/a", "origin: 'hangu test'", "`origin` must match"),
        ("bundle: bundle", "bundle: bundle\nworkers: 3", "3 workers cannot share limits kept in memory"),
        ("bundle: bundle", "bundle: bundle\nlimits: {storage: mongodb://x}", "`storage` must be `memory://`"),
        ("bundle: bundle", "bundle: bundle\nhttp: {cors_origins: ['*']}", "must match"),
        ("bundle: bundle", "bundle: bundle\nhttp: {trusted_proxies: [10.0.0.1/8]}", "has host bits set"),
        ("bundle: bundle", "bundle: bundle\nissuers: {corp: {}}", "exactly one of `secret`"),
        ("bundle: bundle", "bundle: bundle\noauth: {issuer: x, signing_key: k, clients: c}", "`issuer` must be"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Each mistake is found where it stands, in words that say what would be right."""
    found = _problems(tmp_path, VALID.replace(old, new), SHORT="12345")
    assert any(problem in line for line in found), found
    assert all(re.match(r"hangu\.yaml:\d+:\d+: ", line) for line in found)


def test_several_workers_are_fine_with_shared_limits(tmp_path: Path) -> None:
    """The twin of the refusal: Redis counts for all workers."""
    settings = _load(tmp_path, VALID + "workers: 3\nlimits: {storage: 'redis://127.0.0.1:6379/0'}\n")
    assert settings.workers == 3


def test_only_a_managed_writer_needs_the_signing_key(tmp_path: Path) -> None:
    """A gateway whose writer runs elsewhere does not know where the key is."""
    text = VALID.replace("  key: keys/audit.pem\n", "")
    assert any("missing key `key`" in problem for problem in _problems(tmp_path, text))
    assert _load(tmp_path, text + "  writer: external\n").audit.writer == "external"


def test_two_models_cannot_share_a_name(tmp_path: Path) -> None:
    """An alias that is another model's id would make policy ambiguous."""
    second = '  - {id: other, aliases: [chatglm3-6b], engine: openai, base_url: "http://127.0.0.1:9000/v1"}\naudit:'
    assert any(
        "two models answer to `chatglm3-6b`" in p for p in _problems(tmp_path, VALID.replace("audit:", second, 1))
    )


def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Mode 0644 on a secret is a mistake; 0600 is read."""
    secret = tmp_path / "hmac.key"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o644)
    text = VALID.replace("env:HMAC", "file:hmac.key")
    assert any("set its mode to 0600" in problem for problem in _problems(tmp_path, text))
    secret.chmod(0o600)
    assert _load(tmp_path, text).audit.hmac_key == SECRET.encode()


def test_all_mistakes_come_in_one_run(tmp_path: Path) -> None:
    """Nobody has to fix one mistake to learn of the next."""
    text = VALID.replace("bind: 127.0.0.1:8000", "bind: x").replace("origin: hangu.test/a", "origin: ' '")
    assert len(_problems(tmp_path, text + "surplus: 1\n")) == 3
